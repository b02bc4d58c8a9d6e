/** What has to be done to the bytes of one tile or strip until they are little-endian voxels. */
import type { FilterStep, Pipeline } from '../../../codecs/codec.ts'
import { sampleBytes } from '../../volume/data-type.ts'
import { Unusable } from '../../volume/errors.ts'
import { type Ifd, Tag } from './ifd.ts'
import type { StoredType } from './stored-type.ts'

export interface SegmentFacts {
  readonly stored: StoredType
  /** Interleaved in the segment, and how many of them are served (before a palette is looked up). */
  readonly samples: number
  readonly served: number
  /** Pixels of a row. */
  readonly width: number
  readonly photometric: number
  readonly isSegmentation: boolean
}

type Conversions = NonNullable<Pipeline['conversions']>[number]

/** Throws `Unusable` where something is not supported. */
export function pipelineOf(ifd: Ifd, codec: string, facts: SegmentFacts): Pipeline {
  const { stored, samples, width, photometric } = facts
  if (stored.bits === 1 && (codec === 'jpeg' || samples > 1 || photometric > 1))
    throw new Unusable(`1-bit samples, ${samples} per pixel, of photometric kind ${photometric}, which is not supported yet`)
  // libtiff and tifffile read JPEG as it is, whatever the fill order
  const isReversed = ifd.number(Tag.FillOrder) === 2 && codec !== 'jpeg'
  const shared = {
    ...(isReversed && { before: [{ filter: 'reverse-bits' }] }),
    filters: filtersOf(ifd, codec, facts),
    conversions: conversionsOf(ifd, facts),
  }
  if (codec !== 'jpeg') return { codec, ...shared }
  if (samples !== 1 && samples !== 3) throw new Unusable(`JPEG with ${samples} components, which is not supported yet`)
  const view = ifd.view(Tag.JpegTables)
  const tables = view && new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice()
  const colour = photometric === 6 ? 'ycbcr' : samples === 3 ? 'rgb' : 'grey'
  return { codec, options: { components: samples, width, colour, ...(tables && { tables }) }, ...shared }
}

function filtersOf(ifd: Ifd, codec: string, { stored, samples, width, photometric }: SegmentFacts): FilterStep[] {
  const size = Math.max(1, stored.bits / 8)
  const layout = { rowBytes: width * samples * size, samples, sampleBytes: size }
  // the others ignore it, as libtiff does
  const hasPredictor = codec === 'lzw' || codec === 'deflate' || codec === 'zstd'
  const predictor = hasPredictor ? (ifd.number(Tag.Predictor) ?? 1) : 1
  const filters: FilterStep[] = []
  if (predictor === 3) {
    if (stored.kind !== 'float') throw new Unusable(`a floating-point predictor for ${stored.kind} samples`)
    filters.push({ filter: 'float-predictor', options: layout })
  } else {
    if (!ifd.layout.littleEndian && size > 1) filters.push({ filter: 'swap-bytes', options: { sampleBytes: size } })
    if (predictor === 2) {
      if (stored.bits < 8) throw new Unusable(`a predictor for samples of ${stored.bits} bits`)
      filters.push({ filter: 'horizontal-predictor', options: layout })
    } else if (predictor !== 1) throw new Unusable(`predictor ${predictor}, which is not supported yet`)
  }
  if (photometric === 0) filters.push({ filter: 'invert' })
  return filters
}

function conversionsOf(ifd: Ifd, { stored, samples, served, width, photometric, isSegmentation }: SegmentFacts): Conversions[] {
  const conversions: Conversions[] = []
  if (stored.bits === 1) conversions.push({ conversion: 'bits', options: { rowSamples: width * samples, one: isSegmentation ? 1 : 255 } })
  if (stored.kind === 'float' && stored.bits !== 32)
    conversions.push({ conversion: 'to-float32', options: { sampleBytes: stored.bits / 8 } })
  if (photometric === 3) conversions.push({ conversion: 'palette', options: { colours: coloursOf(ifd) } })
  else if (served !== samples)
    conversions.push({ conversion: 'pick-samples', options: { stored: samples, served, sampleBytes: sampleBytes(stored.served) } })
  return conversions
}

/** The palette as bytes. It has 16 bits by the book; writers that put 8 into it are known by none being larger. */
function coloursOf(ifd: Ifd): Uint8Array {
  const map = ifd.numbers(Tag.ColorMap) ?? []
  if (map.length < 768) throw new Unusable(`a palette of ${map.length / 3} colours for samples of 8 bits`)
  const shift = map.every((value) => value < 256) ? 0 : 8
  return Uint8Array.from({ length: 768 }, (_, i) => map[(i % 3) * 256 + Math.floor(i / 3)]! >> shift)
}
