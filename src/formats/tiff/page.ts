/**
 * One page (IFD) of a TIFF as we understand it: how large, what samples, how cut and compressed. What we cannot decode to exactly
 * the right voxels is refused here by name, so that it never reaches the wire.
 */
import type { Pipeline } from '../../../codecs/codec.ts'
import { type DataType, sampleBytes } from '../../volume/data-type.ts'
import { Unusable } from '../../volume/errors.ts'
import { type Ifd, Tag, type TiffReader } from './ifd.ts'

export interface Page {
  readonly width: number
  readonly height: number
  readonly dataType: DataType
  /** As stored, with alpha and other extra samples. */
  readonly samples: number
  /** The first samples that are served: extra ones behind them are left out. */
  readonly served: number
  readonly isRgb: boolean
  /** Samples lie in planes of their own, one after the other (PlanarConfiguration 2). */
  readonly planar: boolean
  /** Pixels of a tile, or of a strip (as wide as the image). */
  readonly segment: { readonly width: number; readonly height: number }
  readonly isTiled: boolean
  /** Decodes one tile or strip to little-endian samples. */
  readonly pipeline: Pipeline
  readonly isReduced: boolean
}

const COMPRESSIONS: Record<number, string> = {
  1: 'raw',
  5: 'lzw',
  7: 'jpeg',
  8: 'deflate',
  32773: 'packbits',
  32946: 'deflate',
  50000: 'zstd',
}

const REFUSED_COMPRESSIONS: Record<number, string> = {
  2: 'CCITT run lengths',
  3: 'CCITT fax 3',
  4: 'CCITT fax 4',
  6: 'old-style JPEG',
  32809: 'ThunderScan',
  33003: 'JPEG 2000',
  33004: 'JPEG 2000',
  33005: 'JPEG 2000',
  34676: 'LogLuv',
  34677: 'LogLuv',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34892: 'lossy DNG JPEG',
  34925: 'LZMA',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
}

const PHOTOMETRICS: Record<number, string> = {
  3: 'a colour palette',
  4: 'a transparency mask',
  5: 'CMYK',
  6: 'YCbCr',
  8: 'CIELab',
  9: 'ICCLab',
  32803: 'a colour filter array',
}

/** Throws `Unusable` with the name of what is not supported, `CorruptChunk` where the tags make no sense. */
export async function readPage(reader: TiffReader, ifd: Ifd): Promise<Page> {
  const number = async (tag: number, otherwise: number) => (await reader.number(ifd, tag)) ?? otherwise
  const width = await number(Tag.ImageWidth, 0)
  const height = await number(Tag.ImageLength, 0)
  if (!isSize(width) || !isSize(height)) throw new Unusable(`an image of ${width}×${height} pixels`)
  const samples = await number(Tag.SamplesPerPixel, 1)
  if (!isSize(samples) || samples > 255) throw new Unusable(`${samples} samples per pixel`)
  const dataType = await dataTypeOf(reader, ifd)
  const compression = await number(Tag.Compression, 1)
  const codec = COMPRESSIONS[compression]
  if (!codec)
    throw new Unusable(`its compression is ${REFUSED_COMPRESSIONS[compression] ?? 'unknown'} (${compression}), which is not supported yet`)
  if ((await number(Tag.FillOrder, 1)) !== 1)
    throw new Unusable('its bits are stored lowest first (FillOrder 2), which is not supported yet')
  const photometric = await number(Tag.Photometric, samples >= 3 ? 2 : 1)
  const isJpegYcbcr = photometric === 6 && codec === 'jpeg'
  if (photometric > 2 && !isJpegYcbcr)
    throw new Unusable(`its pixels are ${PHOTOMETRICS[photometric] ?? `of photometric kind ${photometric}`}, which is not supported yet`)
  const isRgb = photometric === 2 || isJpegYcbcr
  if (isRgb && samples < 3) throw new Unusable(`${samples} samples per pixel for RGB`)
  if (photometric === 0 && !dataType.startsWith('uint'))
    throw new Unusable(`white is zero for ${dataType} samples, which is not supported yet`)
  const planar = samples > 1 && (await number(Tag.PlanarConfiguration, 1)) === 2
  if (codec === 'jpeg' && dataType !== 'uint8')
    throw new Unusable(`JPEG with samples of ${sampleBytes(dataType) * 8} bits, which is not supported yet`)
  if (codec === 'jpeg' && isJpegYcbcr && planar) throw new Unusable('YCbCr JPEG in separate planes, which is not supported yet')

  const isTiled = ifd.entries.has(Tag.TileWidth)
  if (isTiled && !ifd.entries.has(Tag.TileOffsets))
    throw new Unusable('tiles whose offsets stand in the tag for strips, which is not supported yet')
  const segment = isTiled
    ? { width: await number(Tag.TileWidth, 0), height: await number(Tag.TileLength, 0) }
    : { width, height: Math.min(height, await number(Tag.RowsPerStrip, height)) }
  if (!isSize(segment.width) || !isSize(segment.height))
    throw new Unusable(`${isTiled ? 'tiles' : 'strips'} of ${segment.width}×${segment.height} pixels`)

  const stored = planar ? 1 : samples
  const pipeline = await pipelineOf(reader, ifd, codec, {
    dataType,
    stored,
    rowBytes: segment.width * stored * sampleBytes(dataType),
    isYcbcr: isJpegYcbcr,
    isInverted: photometric === 0,
  })
  const extra = (await reader.numbers(ifd, Tag.ExtraSamples))?.length ?? 0
  const subfile = await number(Tag.NewSubfileType, 0)
  return {
    width,
    height,
    dataType,
    samples,
    served: isRgb ? 3 : Math.max(1, extra > 0 && (await isAlpha(reader, ifd)) ? samples - extra : samples),
    isRgb,
    planar,
    segment,
    isTiled,
    pipeline,
    isReduced: (subfile & 1) === 1,
  }
}

/** Whether extra samples are opacity (1, 2) and not just more channels (0). */
const isAlpha = async (reader: TiffReader, ifd: Ifd): Promise<boolean> =>
  (await reader.numbers(ifd, Tag.ExtraSamples))?.every((kind) => kind === 1 || kind === 2) ?? false

async function dataTypeOf(reader: TiffReader, ifd: Ifd): Promise<DataType> {
  const bits = (await reader.numbers(ifd, Tag.BitsPerSample)) ?? Float64Array.of(1)
  const formats = (await reader.numbers(ifd, Tag.SampleFormat)) ?? Float64Array.of(1)
  const first = bits[0]!
  if (bits.some((other) => other !== first))
    throw new Unusable(`samples of different widths (${[...bits].join(', ')} bits), which is not supported yet`)
  if (formats.some((other) => other !== formats[0])) throw new Unusable('samples of different kinds, which is not supported yet')
  const kind = { 1: 'uint', 2: 'int', 3: 'float', 4: 'uint' }[formats[0]!]
  const known: readonly string[] = ['uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64', 'float32', 'float64']
  const name = `${kind}${first}`
  if (!known.includes(name))
    throw new Unusable(`samples of ${first} bit${first === 1 ? '' : 's'} (${kind ?? `format ${formats[0]}`}), which is not supported yet`)
  return name as DataType
}

interface SegmentFacts {
  readonly dataType: DataType
  readonly stored: number
  readonly rowBytes: number
  readonly isYcbcr: boolean
  readonly isInverted: boolean
}

async function pipelineOf(reader: TiffReader, ifd: Ifd, codec: string, facts: SegmentFacts): Promise<Pipeline> {
  const { dataType, stored, rowBytes, isYcbcr, isInverted } = facts
  const size = sampleBytes(dataType)
  const layout = { rowBytes, samples: stored, sampleBytes: size }
  const predictor = codec === 'raw' || codec === 'jpeg' || codec === 'packbits' ? 1 : ((await reader.number(ifd, Tag.Predictor)) ?? 1)
  const filters: { filter: string; options?: Record<string, unknown> }[] = []
  if (predictor === 3) {
    if (!dataType.startsWith('float')) throw new Unusable(`a floating-point predictor for ${dataType} samples`)
    filters.push({ filter: 'float-predictor', options: layout })
  } else {
    if (!reader.littleEndian && size > 1) filters.push({ filter: 'swap-bytes', options: { sampleBytes: size } })
    if (predictor === 2) filters.push({ filter: 'horizontal-predictor', options: layout })
    else if (predictor !== 1) throw new Unusable(`predictor ${predictor}, which is not supported yet`)
  }
  if (isInverted) filters.push({ filter: 'invert' })
  if (codec !== 'jpeg') return { codec, filters }
  if (stored !== 1 && stored !== 3) throw new Unusable(`JPEG with ${stored} components, which is not supported yet`)
  const tables = await reader.bytes(ifd, Tag.JpegTables)
  const colour = isYcbcr ? 'ycbcr' : stored === 3 ? 'rgb' : 'grey'
  return { codec, options: { components: stored, width: rowBytes / stored, colour, ...(tables && { tables }) }, filters }
}

const isSize = (n: number): boolean => Number.isSafeInteger(n) && n > 0 && n < 2 ** 31

/** Pages that can be slices of one volume. */
export const sameKind = (a: Page, b: Page): boolean => a.width === b.width && a.height === b.height && sameSamples(a, b)

/** Pages whose voxels mean the same, whatever their size. */
export const sameSamples = (a: Page, b: Page): boolean =>
  a.dataType === b.dataType && a.samples === b.samples && a.served === b.served && a.isRgb === b.isRgb && a.planar === b.planar
