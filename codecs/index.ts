/** The codecs there are: id → how to get it. Nothing is loaded before it is used. */
import type { Codec, Conversion, Filter } from './codec.ts'

const codecs = new Map<string, () => Promise<Codec>>()
const filters = new Map<string, () => Promise<Filter>>()
const conversions = new Map<string, () => Promise<Conversion>>()

/** Throws when the id is taken: two codecs of one name would be a coin toss. */
export function registerCodec(id: string, load: () => Promise<Codec>): void {
  if (codecs.has(id)) throw new Error(`codec ${id} is registered already`)
  codecs.set(id, load)
}

export function registerFilter(id: string, load: () => Promise<Filter>): void {
  if (filters.has(id)) throw new Error(`filter ${id} is registered already`)
  filters.set(id, load)
}

export function registerConversion(id: string, load: () => Promise<Conversion>): void {
  if (conversions.has(id)) throw new Error(`conversion ${id} is registered already`)
  conversions.set(id, load)
}

export function loadCodec(id: string): Promise<Codec> {
  const load = codecs.get(id)
  if (!load) throw new Error(`no codec ${id}; there are ${[...codecs.keys()].join(', ')}`)
  return load()
}

export function loadFilter(id: string): Promise<Filter> {
  const load = filters.get(id)
  if (!load) throw new Error(`no filter ${id}; there are ${[...filters.keys()].join(', ')}`)
  return load()
}

export function loadConversion(id: string): Promise<Conversion> {
  const load = conversions.get(id)
  if (!load) throw new Error(`no conversion ${id}; there are ${[...conversions.keys()].join(', ')}`)
  return load()
}

export const codecIds = (): string[] => [...codecs.keys()]
export const filterIds = (): string[] => [...filters.keys()]

registerCodec('raw', async () => (await import('./raw.ts')).raw)
registerCodec('lz4', async () => (await import('./lz4.ts')).lz4)
registerCodec('deflate', async () => (await import('./deflate.ts')).deflate)
registerCodec('zstd', async () => (await import('./zstd.ts')).zstd)
registerCodec('lzw', async () => (await import('./lzw.ts')).lzw)
registerCodec('packbits', async () => (await import('./packbits.ts')).packbits)
registerCodec('jpeg', async () => (await import('./jpeg.ts')).jpeg)
registerCodec('png', async () => (await import('./png.ts')).png)
registerCodec('jxl', async () => (await import('./jxl.ts')).jxl)
registerCodec('compressed_segmentation', async () => (await import('./compressed-segmentation.ts')).compressedSegmentation)
registerCodec('compresso', async () => (await import('./compresso.ts')).compresso)
registerCodec('blosc', async () => (await import('./blosc.ts')).blosc)
registerCodec('draco', async () => (await import('./draco.ts')).loadDraco())

registerFilter('horizontal-predictor', async () => (await import('./predictor.ts')).horizontal)
registerFilter('float-predictor', async () => (await import('./predictor.ts')).floatingPoint)
registerFilter('swap-bytes', async () => (await import('./byte-order.ts')).swapBytes)
registerFilter('invert', async () => (await import('./byte-order.ts')).invert)
registerFilter('interleave', async () => (await import('./interleave.ts')).interleave)
registerFilter('reverse-bits', async () => (await import('./bits.ts')).reverseBits)

registerConversion('bits', async () => (await import('./bits.ts')).bits)
registerConversion('palette', async () => (await import('./samples.ts')).palette)
registerConversion('to-float32', async () => (await import('./samples.ts')).toFloat32)
registerConversion('pick-samples', async () => (await import('./samples.ts')).pickSamples)
