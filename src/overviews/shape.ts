import { type Box, sizeOf } from '../volume/box.ts'
import { type ChunkedArray, voxelBytes } from '../volume/chunked-array.ts'
import { ceilDivide, product, type Vec3 } from '../volume/vec.ts'

const MOST_BYTES = 4 * 1024 * 1024
/** Rows as long as this come from strips, and cost what the whole strip does. */
const LONG_ROW = 1024

/**
 * Voxels of a made chunk. It takes up what one chunk of the mag below holds, so that each of those is read once: strips as wide as the
 * image stay that, tiles become smaller tiles. Beyond the first step chunks are larger than buckets: they cost a hundred times what
 * they weigh, and neighbours are asked for next. `step`: 1 or 2 for each axis; `box`: of all that is made.
 */
export function chunkSizeOf(below: ChunkedArray, step: Vec3, isFirst: boolean, box: Box): Vec3 {
  const size = sizeOf(box)
  const isPlane = size[2] === 1
  const edge = (isPlane ? 128 : 32) * (isFirst ? 1 : 2)
  const covered = ceilDivide(below.chunkSize, step)
  const x = Math.min(size[0], Math.max(edge, covered[0]))
  let y = Math.min(size[1], Math.max(x > LONG_ROW ? 32 : edge, covered[1]))
  let z = Math.min(size[2], Math.max(isPlane ? 1 : edge, covered[2]))
  const most = Math.max(MOST_BYTES, product(covered) * voxelBytes(below))
  const bytes = () => x * y * z * voxelBytes(below)
  while (z > 1 && bytes() > most) z = Math.ceil(z / 2)
  while (y > 1 && bytes() > most) y = Math.ceil(y / 2)
  return [x, y, z]
}
