/**
 * One page (IFD) of a TIFF as we understand it: how large, what samples, how cut and compressed. What we cannot decode to exactly
 * the right voxels is refused here by name, so that it never reaches the wire.
 */
import type { Pipeline } from '../../../codecs/codec.ts'
import { type DataType, sampleBytes } from '../../volume/data-type.ts'
import { Unusable } from '../../volume/errors.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'
import { COMPRESSIONS, PHOTOMETRICS, REFUSED_COMPRESSIONS } from './compressions.ts'
import { type Ifd, Tag } from './ifd.ts'
import { pipelineOf } from './pipeline.ts'
import type { TiffReader } from './reader.ts'
import { type StoredType, storedTypeOf } from './stored-type.ts'

export interface Page {
  readonly width: number
  readonly height: number
  /** As served: floats of any width are 32 bits. */
  readonly dataType: DataType
  readonly stored: StoredType
  /** As stored, with alpha and other extra samples. */
  readonly samples: number
  /** Served samples of a pixel: extra ones behind them are left out, numbers of a palette are three. */
  readonly served: number
  readonly isRgb: boolean
  /** Samples lie in planes of their own, one after the other (PlanarConfiguration 2). */
  readonly planar: boolean
  /** Pixels of a tile, or of a strip (as wide as the image). */
  readonly segment: { readonly width: number; readonly height: number }
  readonly isTiled: boolean
  /** Of a decoded row of a tile or strip: as stored, and as served. */
  readonly rowBytes: { readonly stored: number; readonly served: number }
  /** Decodes one tile or strip to little-endian samples. */
  readonly pipeline: Pipeline
  /** What stands for nothing: sparse tiles are filled with it. */
  readonly noData?: number | undefined
  /** What was changed or left out, for the summary. */
  readonly notes: readonly string[]
}

export interface PageOptions {
  /** Set bits of a mask are ids (1), not brightness (255). */
  readonly isSegmentation?: boolean | undefined
}

const PAGE_TAGS = [
  Tag.ImageWidth,
  Tag.ImageLength,
  Tag.BitsPerSample,
  Tag.Compression,
  Tag.Photometric,
  Tag.FillOrder,
  Tag.SamplesPerPixel,
  Tag.RowsPerStrip,
  Tag.PlanarConfiguration,
  Tag.Predictor,
  Tag.ColorMap,
  Tag.TileWidth,
  Tag.TileLength,
  Tag.ExtraSamples,
  Tag.SampleFormat,
  Tag.JpegTables,
  Tag.YcbcrSubsampling,
  Tag.GdalNoData,
]

/** Throws `Unusable` with the name of what is not supported, `CorruptChunk` where the tags make no sense. */
export const readPage = (reader: TiffReader, ifd: Ifd, options: PageOptions = {}): MaybePromise<Page> =>
  chain(reader.load(ifd, PAGE_TAGS), () => pageOf(ifd, options))

function pageOf(ifd: Ifd, { isSegmentation = false }: PageOptions): Page {
  const number = (tag: number, otherwise: number) => ifd.number(tag) ?? otherwise
  const width = number(Tag.ImageWidth, 0)
  const height = number(Tag.ImageLength, 0)
  if (!isSize(width) || !isSize(height)) throw new Unusable(`an image of ${width}×${height} pixels`)
  const samples = number(Tag.SamplesPerPixel, 1)
  if (!isSize(samples) || samples > 65535) throw new Unusable(`${samples} samples per pixel`)
  const stored = storedTypeOf(ifd)
  const compression = number(Tag.Compression, 1)
  const codec = COMPRESSIONS[compression]
  if (!codec)
    throw new Unusable(`its compression is ${REFUSED_COMPRESSIONS[compression] ?? 'unknown'} (${compression}), which is not supported yet`)
  const photometric = number(Tag.Photometric, samples >= 3 ? 2 : 1)
  const isJpegYcbcr = photometric === 6 && codec === 'jpeg'
  if (photometric > 3 && !isJpegYcbcr) throw new Unusable(`its pixels are ${kindOfPixels(photometric, ifd)}, which is not supported yet`)
  const isPalette = photometric === 3
  if (isPalette && (samples !== 1 || stored.bits !== 8 || stored.kind !== 'uint'))
    throw new Unusable(`a palette for ${samples} samples of ${stored.bits} bits, which is not supported yet`)
  const isRgb = photometric === 2 || isJpegYcbcr || isPalette
  if (isRgb && !isPalette && samples < 3) throw new Unusable(`${samples} samples per pixel for RGB`)
  if (photometric === 0 && stored.kind !== 'uint')
    throw new Unusable(`white is zero for samples of kind ${stored.kind}, which is not supported yet`)
  const planar = samples > 1 && number(Tag.PlanarConfiguration, 1) === 2
  if (codec === 'jpeg' && stored.bits !== 8) throw new Unusable(`JPEG with samples of ${stored.bits} bits, which is not supported yet`)
  if (isJpegYcbcr && planar) throw new Unusable('YCbCr JPEG in separate planes, which is not supported yet')
  // old writers give tiles in the tags for strips: what counts is whether a tile has a size
  const isTiled = ifd.has(Tag.TileWidth)
  const segment = isTiled
    ? { width: number(Tag.TileWidth, 0), height: number(Tag.TileLength, 0) }
    : { width, height: Math.min(height, number(Tag.RowsPerStrip, height) || height) }
  if (!isSize(segment.width) || !isSize(segment.height))
    throw new Unusable(`${isTiled ? 'tiles' : 'strips'} of ${segment.width}×${segment.height} pixels`)
  const alpha = alphaOf(ifd, samples)
  const served = isPalette ? 3 : isRgb ? 3 : samples - alpha
  const perSegment = planar ? { stored: 1, served: 1 } : { stored: samples, served }
  const facts = { stored, samples: perSegment.stored, served: perSegment.served, width: segment.width, photometric, isSegmentation }
  const pipeline = pipelineOf(ifd, codec, facts)
  const bits = segment.width * perSegment.stored * stored.bits
  const noData = noDataOf(ifd, stored)
  return {
    width,
    height,
    dataType: stored.served,
    stored,
    samples,
    served,
    isRgb,
    planar,
    segment,
    isTiled,
    rowBytes: { stored: Math.ceil(bits / 8), served: segment.width * perSegment.served * sampleBytes(stored.served) },
    pipeline,
    noData,
    notes: [
      ...stored.notes,
      ...sampleNotes(samples, isPalette ? 1 : served, isRgb),
      ...(isPalette ? ['colours of its palette'] : []),
      ...(noData ? [`tiles that are not stored hold its no-data value ${noData}`] : []),
    ],
  }
}

/** Extra samples at the end that are opacity (1, 2) and not just more channels (0). */
function alphaOf(ifd: Ifd, samples: number): number {
  const extra = ifd.numbers(Tag.ExtraSamples) ?? []
  return extra.length > 0 && extra.length < samples && extra.every((kind) => kind === 1 || kind === 2) ? extra.length : 0
}

const sampleNotes = (samples: number, served: number, isRgb: boolean): string[] =>
  samples > served
    ? [`${samples - served} extra sample${samples - served > 1 ? 's' : ''} per pixel (${isRgb ? 'alpha' : 'opacity'}) left out`]
    : []

function kindOfPixels(photometric: number, ifd: Ifd): string {
  const name = PHOTOMETRICS[photometric] ?? `of photometric kind ${photometric}`
  if (photometric !== 6) return name
  const [x = 2, y = 2] = ifd.numbers(Tag.YcbcrSubsampling) ?? []
  return `${name} sub-sampled ${x}×${y} and not JPEG`
}

function noDataOf(ifd: Ifd, { kind, served }: StoredType): number | undefined {
  const text = ifd.text(Tag.GdalNoData)?.trim()
  if (!text) return undefined
  const value = Number(text)
  if (kind === 'float') return /^-?nan$/i.test(text) ? Number.NaN : Number.isNaN(value) ? undefined : value
  const bits = sampleBytes(served) * 8
  const [least, most] = kind === 'uint' ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
  return Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined
}

const isSize = (n: number): boolean => Number.isSafeInteger(n) && n > 0 && n < 2 ** 31

/** Pages that can be slices of one volume. */
export const sameKind = (a: Page, b: Page): boolean => a.width === b.width && a.height === b.height && sameSamples(a, b)

/** Pages whose voxels mean the same, whatever their size. */
export const sameSamples = (a: Page, b: Page): boolean =>
  a.dataType === b.dataType && a.samples === b.samples && a.served === b.served && a.isRgb === b.isRgb && a.planar === b.planar
