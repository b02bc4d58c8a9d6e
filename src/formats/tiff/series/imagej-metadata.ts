/** ImageJ's private tags 50838 and 50839: colour tables and display ranges of the channels. Source: ij.io.TiffEncoder, TiffDecoder. */
import { type Ifd, Tag } from '../ifd.ts'

export interface ImageJDisplay {
  readonly colors: readonly (readonly [number, number, number] | undefined)[]
  readonly ranges: readonly (readonly [number, number] | undefined)[]
}

const LUTS = 0x6c757473
const RANGES = 0x72616e67
/** More kinds of entries than ImageJ knows. */
const MAX_KINDS = 64

/** What cannot be made sense of is left out: it is only about colours. Both tags must be loaded. */
export function imageJDisplay(ifd: Ifd): ImageJDisplay {
  const colors: [number, number, number][] = []
  const ranges: (readonly [number, number] | undefined)[] = []
  const counts = ifd.numbers(Tag.ImageJMetadataCounts)
  const view = ifd.view(Tag.ImageJMetadata)
  if (!counts || !view || view.byteLength < (counts[0] ?? 0)) return { colors, ranges }
  const { littleEndian } = ifd.layout
  let at = counts[0] ?? 0
  let item = 1
  for (let kind = 0; kind < MAX_KINDS && 4 + 8 * kind + 8 <= (counts[0] ?? 0); kind++) {
    const type = view.getUint32(4 + 8 * kind, littleEndian)
    const number = view.getUint32(8 + 8 * kind, littleEndian)
    for (let n = 0; n < number && item < counts.length; n++) {
      const length = counts[item++]!
      if (at + length > view.byteLength) return { colors, ranges }
      if (type === LUTS && length === 768) colors.push([view.getUint8(at + 255), view.getUint8(at + 511), view.getUint8(at + 767)])
      if (type === RANGES)
        for (let k = 0; k + 16 <= length; k += 16) {
          const [min, max] = [view.getFloat64(at + k, littleEndian), view.getFloat64(at + k + 8, littleEndian)]
          ranges.push(Number.isFinite(min) && min < max && Number.isFinite(max) ? [min, max] : undefined)
        }
      at += length
    }
  }
  return { colors, ranges }
}
