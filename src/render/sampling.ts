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

export interface Sampled {
  /** In voxels of the mag. */
  readonly corner: Vec3
  /** Zero where nothing is stored. */
  readonly bytes: Uint8Array
  readonly isStored: boolean
}

/** So many are asked for at the same time, where reading takes time. */
const PARALLEL = 8

/**
 * The buckets at these mag-1 positions that can be read, in order. Throws the first error where none can, and when the signal fires:
 * an abandoned sample must not go on through all of a layer.
 */
export async function* readBuckets(layer: Layer, mag: Mag, positions: readonly Vec3[], options: CutoutOptions): AsyncGenerator<Sampled> {
  let failure: { readonly error: unknown } | undefined
  let anyRead = false
  for (let n = 0; n < positions.length; n += PARALLEL) {
    const reads = positions.slice(n, n + PARALLEL).map((position) => readBucket(layer, mag, position, options))
    for (const read of await Promise.allSettled(reads)) {
      options.signal?.throwIfAborted()
      if (read.status === 'rejected') failure ??= { error: read.reason }
      else {
        anyRead = true
        yield read.value
      }
    }
  }
  if (failure && !anyRead) throw failure.error
}

async function readBucket(layer: Layer, mag: Mag, position: Vec3, options: CutoutOptions): Promise<Sampled> {
  const corner = floorDivide(position, mag.factor)
  const bytes = new Uint8Array(BUCKET ** 3 * wireBytes(layer))
  const clip = toMag(layer.boundingBox, mag.factor)
  const isStored = await cutout(mag, boxAt(corner, [BUCKET, BUCKET, BUCKET]), clip, bytes, options)
  if (options.pace.due()) await options.pace.turn()
  return { corner, bytes, isStored }
}

/** The same as an array. */
export async function readSample(layer: Layer, mag: Mag, positions: readonly Vec3[], options: CutoutOptions): Promise<Uint8Array[]> {
  const buckets: Uint8Array[] = []
  for await (const { bytes } of readBuckets(layer, mag, positions, options)) buckets.push(bytes)
  return buckets
}
