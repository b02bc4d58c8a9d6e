import type { DataType } from '../../volume/data-type.ts'
import { Unusable } from '../../volume/errors.ts'
import { type Ifd, Tag } from './ifd.ts'

/** What a sample is in the file, and what it is served as. */
export interface StoredType {
  readonly kind: 'uint' | 'int' | 'float'
  readonly bits: number
  readonly served: DataType
  readonly notes: readonly string[]
}

const KINDS: Record<number, StoredType['kind'] | undefined> = { 1: 'uint', 2: 'int', 3: 'float', 4: 'uint' }
const SERVED: Record<string, DataType> = {
  uint1: 'uint8',
  uint8: 'uint8',
  uint16: 'uint16',
  uint32: 'uint32',
  uint64: 'uint64',
  int8: 'int8',
  int16: 'int16',
  int32: 'int32',
  int64: 'int64',
  float16: 'float32',
  float32: 'float32',
  float64: 'float32',
}

/** Throws `Unusable` for widths and kinds that are not read. */
export function storedTypeOf(ifd: Ifd): StoredType {
  const widths = ifd.numbers(Tag.BitsPerSample) ?? [1]
  const formats = ifd.numbers(Tag.SampleFormat) ?? [1]
  const bits = widths[0] ?? 1
  if (widths.some((other) => other !== bits))
    throw new Unusable(`samples of different widths (${widths.slice(0, 8).join(', ')} bits), which is not supported yet`)
  if (formats.some((other) => other !== formats[0])) throw new Unusable('samples of different kinds, which is not supported yet')
  const kind = KINDS[formats[0] ?? 1]
  const served = SERVED[`${kind}${bits}`]
  if (!kind || !served) {
    const what = kind ?? (formats[0] === 5 || formats[0] === 6 ? 'complex numbers' : `format ${formats[0]}`)
    throw new Unusable(`samples of ${bits} bit${bits === 1 ? '' : 's'} (${what}), which is not supported yet`)
  }
  const notes = kind === 'float' && bits !== 32 ? [`floats of ${bits} bits, served as 32-bit floats`] : []
  return { kind, bits, served, notes }
}
