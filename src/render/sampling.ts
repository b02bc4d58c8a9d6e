/** Where webKnossos looks to learn what a layer holds: a few buckets spread over it (protocol.md 2.7). */
import { type Box, boxAt, sizeOf, toMag } from '../volume/box.ts'
import { type Layer, type Mag, wireBytes } from '../volume/chunked-array.ts'
import { type CutoutOptions, cutout } from '../volume/cutout.ts'
import { floorDivide, type Vec3 } from '../volume/vec.ts'

export const BUCKET = 32

/**
 * Positions in mag-1 voxels: for each exponent the inner grid points of the box divided into 2^exponent per axis, z outermost, as
 * long as any step is a bucket or more; then the corner of the box, so that the smallest layer has one. All on the grid of buckets.
 */
export function samplePositions({ min, ...box }: Box, exponents: number): Vec3[] {
  const size = sizeOf({ min, ...box })
  const positions = new Map<string, Vec3>()
  const add = (position: Vec3) => {
    const aligned: Vec3 = [0, 1, 2].map((d) => Math.floor(position[d]! / BUCKET) * BUCKET) as [number, number, number]
    positions.set(aligned.join(','), aligned)
  }
  for (let exponent = 1; exponent <= exponents; exponent++) {
    const parts = 2 ** exponent
    const step = floorDivide(size, [parts, parts, parts])
    if (step.every((edge) => edge < BUCKET)) break
    for (let z = 1; z < parts; z++)
      for (let y = 1; y < parts; y++)
        for (let x = 1; x < parts; x++) add([min[0] + x * step[0], min[1] + y * step[1], min[2] + z * step[2]])
  }
  add(min)
  return [...positions.values()]
}

/** A bucket at a mag-1 position: its corner in voxels of the mag, and its bytes, zero where nothing is stored. Throws what reading throws. */
export async function readBucket(
  layer: Layer,
  mag: Mag,
  position: Vec3,
  options: CutoutOptions,
): Promise<{ readonly corner: Vec3; readonly bytes: Uint8Array }> {
  const corner = floorDivide(position, mag.factor)
  const bytes = new Uint8Array(BUCKET ** 3 * wireBytes(layer))
  await cutout(mag, boxAt(corner, [BUCKET, BUCKET, BUCKET]), toMag(layer.boundingBox, mag.factor), bytes, options)
  if (options.pace.due()) await options.pace.turn()
  return { corner, bytes }
}

/** The buckets at these positions that can be read. Throws the first error where none can. */
export async function readSample(layer: Layer, mag: Mag, positions: readonly Vec3[], options: CutoutOptions): Promise<Uint8Array[]> {
  const buckets: Uint8Array[] = []
  let failure: { readonly error: unknown } | undefined
  for (const position of positions) {
    try {
      buckets.push((await readBucket(layer, mag, position, options)).bytes)
    } catch (error) {
      failure ??= { error }
    }
  }
  if (failure && buckets.length === 0) throw failure.error
  return buckets
}
