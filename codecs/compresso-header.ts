/** The 36 bytes a compresso stream begins with, and where its parts lie. */
import { CodecError } from './codec.ts'

export const HEADER_BYTES = 36
const MAGIC = 0x6f737063

export const fail = (cause: string): CodecError => new CodecError(`compresso: ${cause}`)

export interface CompressoHeader {
  /** Bytes of a label. */
  readonly width: number
  readonly steps: readonly [number, number, number]
  readonly connectivity: 4 | 6
  readonly idCount: number
  readonly valueCount: number
  readonly locationCount: number
  /** Bytes of a window word. */
  readonly windowBytes: number
  readonly valuesAt: number
  readonly locationsAt: number
  readonly windowsAt: number
  readonly windowsEnd: number
}

/** Every count is compared with the bytes there are before anything is allocated. */
export function parseHeader(source: Uint8Array, size: readonly [number, number, number], sampleBytes: number): CompressoHeader {
  if (source.length < HEADER_BYTES) throw fail(`${source.length} bytes, its header alone has ${HEADER_BYTES}`)
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  if (view.getUint32(0, true) !== MAGIC) throw fail('does not begin with "cpso"')
  const version = view.getUint8(4)
  if (version > 1) throw fail(`version ${version}, known are 0 and 1`)
  const width = view.getUint8(5)
  if (![1, 2, 4, 8].includes(width)) throw fail(`labels of ${width} bytes`)
  if (width > sampleBytes) throw fail(`labels of ${width} bytes in a layer of ${sampleBytes}`)
  const stored = [view.getUint16(6, true), view.getUint16(8, true), view.getUint16(10, true)]
  if (stored.some((edge, d) => edge !== size[d])) throw fail(`${stored.join('×')} voxels where ${size.join('×')} were expected`)
  const steps = [view.getUint8(12), view.getUint8(13), view.getUint8(14)] as const
  const window = steps[0] * steps[1] * steps[2]
  if (window < 1 || window > 64) throw fail(`windows of ${steps.join('×')} voxels, at most 64 fit into a word`)
  const connectivity = view.getUint8(35)
  if (connectivity !== 4 && !(connectivity === 6 && version === 0))
    throw fail(`connectivity ${connectivity} in version ${version}; 4, or 6 in version 0, are known`)
  const idCount = Number(view.getBigUint64(15, true))
  const valueCount = view.getUint32(23, true)
  const locationCount = Number(view.getBigUint64(27, true))
  const windowBytes = window <= 8 ? 1 : window <= 16 ? 2 : window <= 32 ? 4 : 8
  const valuesAt = HEADER_BYTES + idCount * width
  const locationsAt = valuesAt + valueCount * windowBytes
  const windowsAt = locationsAt + locationCount * width
  const perSlice = 2 * size[0] * size[1]
  const indexBytes = version === 0 ? 0 : 2 * size[2] * (perSlice < 0xff ? 1 : perSlice < 0xffff ? 2 : perSlice < 0xffffffff ? 4 : 8)
  const windowsEnd = source.length - indexBytes
  if (!(windowsAt <= windowsEnd))
    throw fail(`${idCount} ids, ${valueCount} windows and ${locationCount} locations do not fit into ${source.length} bytes`)
  return { width, steps, connectivity, idCount, valueCount, locationCount, windowBytes, valuesAt, locationsAt, windowsAt, windowsEnd }
}
