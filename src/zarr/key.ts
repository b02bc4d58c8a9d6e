import type { Coordinate, Layer } from '../volume/chunked-array.ts'
import type { Vec3 } from '../volume/vec.ts'
import { channelsPerChunk } from './array.ts'
import { type AxisOrder, disarrange } from './axis-order.ts'

export interface ChunkPlace {
  /** Of those of the layer; the first where a chunk has them all. */
  readonly channel: number
  /** In the grid of 32³ chunks that begins at the mag's origin. */
  readonly index: Vec3
  /** One for each additional axis. */
  readonly coordinates: readonly Coordinate[]
}

const KEY = /^(?:0|[1-9]\d{0,9})(?:\.(?:0|[1-9]\d{0,9})){3,15}$/

/**
 * Which chunk a key means: `c.[additional….]x.y.z` (protocol.md 6.2) or `[additional….]c.z.y.x`. Undefined where it is none of this layer:
 * another rank, a channel beyond the last chunk of channels, or no key at all.
 */
export function parseChunkKey(key: string, layer: Layer, order: AxisOrder): ChunkPlace | undefined {
  const { additionalAxes = [], channels } = layer
  if (!KEY.test(key)) return undefined
  const numbers = key.split('.').map(Number)
  if (numbers.length !== additionalAxes.length + 4) return undefined
  const { channel, additional, space } = disarrange(order, numbers)
  if (channel * channelsPerChunk(layer, order) >= channels) return undefined
  return { channel, index: space, coordinates: additionalAxes.map(({ name }, n) => ({ name, value: additional[n]! })) }
}
