import type { Coordinate, Layer } from '../volume/chunked-array.ts'
import type { Vec3 } from '../volume/vec.ts'

export interface ChunkPlace {
  /** In the grid of 32³ chunks that begins at the mag's origin. */
  readonly index: Vec3
  /** One for each additional axis. */
  readonly coordinates: readonly Coordinate[]
}

const KEY = /^(?:0|[1-9]\d{0,9})(?:\.(?:0|[1-9]\d{0,9})){3,15}$/

/**
 * Which chunk a key `c.[additional….]x.y.z` means; undefined where it is none of this layer: another rank, another channel than 0
 * (all are in one chunk), or no key at all (protocol.md 6.2).
 */
export function parseChunkKey(key: string, { additionalAxes = [] }: Layer): ChunkPlace | undefined {
  if (!KEY.test(key)) return undefined
  const numbers = key.split('.')
  const rank = additionalAxes.length + 4
  if (numbers.length !== rank || numbers[0] !== '0') return undefined
  return {
    index: [Number(numbers[rank - 3]), Number(numbers[rank - 2]), Number(numbers[rank - 1])],
    coordinates: additionalAxes.map(({ name }, n) => ({ name, value: Number(numbers[n + 1]) })),
  }
}
