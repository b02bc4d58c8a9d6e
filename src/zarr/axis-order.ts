/**
 * Two presentations of the same voxels. `cxyz` is the protocol's and webKnossos's: column-major, all channels in one chunk (protocol.md 6).
 * `czyx` is what OME-NGFF prescribes and viewers take for granted: row-major, further axes first, each channel in chunks of its own.
 * x is the fastest axis in memory of both, so that a chunk of one channel has the same bytes in either.
 */
export type AxisOrder = 'cxyz' | 'czyx'

/** One value for every axis, in the order in which an array lists them. */
export const arrange = <T>(order: AxisOrder, channel: T, additional: readonly T[], [x, y, z]: readonly [T, T, T]): T[] =>
  order === 'cxyz' ? [channel, ...additional, x, y, z] : [...additional, channel, z, y, x]

interface Arranged<T> {
  readonly channel: T
  readonly additional: readonly T[]
  readonly space: readonly [T, T, T]
}

/** The way back; `values` are at least four. */
export function disarrange<T>(order: AxisOrder, values: readonly T[]): Arranged<T> {
  const rank = values.length
  const [a, b, c] = values.slice(rank - 3) as [T, T, T]
  if (order === 'cxyz') return { channel: values[0]!, additional: values.slice(1, rank - 3), space: [a, b, c] }
  return { channel: values[rank - 4]!, additional: values.slice(0, rank - 4), space: [c, b, a] }
}
