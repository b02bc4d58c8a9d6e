/** What one sample of a voxel is. 64-bit and float samples are moved as bytes and never converted. */
export type DataType = 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'int8' | 'int16' | 'int32' | 'int64' | 'float32' | 'float64'

const SAMPLE_BYTES: Record<DataType, number> = {
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  float32: 4,
  float64: 8,
}

/** Bytes of one sample of one channel. */
export const sampleBytes = (type: DataType): number => SAMPLE_BYTES[type]

/** webKnossos's name for the voxels of a layer (protocol.md 4.2). */
export type ElementClass = 'uint8' | 'uint16' | 'uint24' | 'uint32' | 'uint64' | 'int8' | 'int16' | 'int32' | 'int64' | 'float' | 'double'

/**
 * The element class webKnossos calls such voxels by, or undefined where it has no word for them: several channels of anything
 * but 8-bit RGB.
 */
export function elementClassOf(type: DataType, channels: number): ElementClass | undefined {
  if (channels === 3 && type === 'uint8') return 'uint24'
  if (channels !== 1) return undefined
  if (type === 'float32') return 'float'
  if (type === 'float64') return 'double'
  return type
}

/** The largest id a segmentation of this type can hold, cut at what a JSON number can carry (2^53 − 1). */
export function largestIdOf(type: DataType): number {
  const bits = sampleBytes(type) * 8 - (type.startsWith('int') ? 1 : 0)
  return bits > 53 ? Number.MAX_SAFE_INTEGER : 2 ** bits - 1
}
