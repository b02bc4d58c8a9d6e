/** What a chunk is called in a cache. */
import type { ChunkGrid } from '../volume/chunked-array.ts'
import type { Vec3 } from '../volume/vec.ts'

/** The chunk's place in the array's grid as one number where it fits, which costs less to look up than a string. */
export function keyOf({ box, gridOrigin, chunkSize }: ChunkGrid, index: Vec3): string | number {
  const nx = Math.ceil((box.max[0] - gridOrigin[0]) / chunkSize[0])
  const ny = Math.ceil((box.max[1] - gridOrigin[1]) / chunkSize[1])
  const key = index[0] + nx * (index[1] + ny * index[2])
  return key >= 0 && key <= Number.MAX_SAFE_INTEGER && index[0] >= 0 && index[1] >= 0 ? key : `${index[0]},${index[1]},${index[2]}`
}

/** Of a chunk among those of all arrays. */
export const flightName = ({ id }: ChunkGrid, key: string | number): string => `${id}/${key}`
