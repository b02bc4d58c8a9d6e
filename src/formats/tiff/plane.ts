/** One page ready to be read from: its file, what it is, where its tiles or strips lie. */
import type { DecodePool, Decoder } from '../../../codecs/pool.ts'
import type { Readable } from '../../stores/store.ts'
import { sampleBytes } from '../../volume/data-type.ts'
import { CorruptChunk, Unusable } from '../../volume/errors.ts'
import { type Ifd, Tag, type TiffReader } from './ifd.ts'
import type { Page } from './page.ts'

export interface Plane {
  readonly file: Readable
  readonly page: Page
  /** Of every tile or strip; with planar samples all of plane 0 first. */
  readonly offsets: Float64Array
  readonly byteCounts: Float64Array
  readonly decoder: Decoder
}

export const planeBytes = (plane: Plane): number => plane.offsets.byteLength + plane.byteCounts.byteLength

/** Bytes of a decoded row of a tile or strip, as stored. */
export const storedRowBytes = (page: Page): number => page.segment.width * (page.planar ? 1 : page.samples) * sampleBytes(page.dataType)

export const segmentsAcross = (page: Page): number => Math.ceil(page.width / page.segment.width)
export const segmentsDown = (page: Page): number => Math.ceil(page.height / page.segment.height)

/** Reads the tables of tiles or strips. Throws `CorruptChunk` where they are shorter than the image needs. */
export async function openPlane(reader: TiffReader, ifd: Ifd, page: Page, pool: DecodePool): Promise<Plane> {
  const { file } = reader
  const expected = segmentsAcross(page) * segmentsDown(page) * (page.planar ? page.samples : 1)
  const what = page.isTiled ? 'tiles' : 'strips'
  const offsets = await reader.numbers(ifd, page.isTiled ? Tag.TileOffsets : Tag.StripOffsets)
  if (!offsets) throw new Unusable(`the page at ${ifd.offset} does not say where its ${what} lie`)
  if (offsets.length < expected) throw new CorruptChunk({ file: file.name, cause: `${offsets.length} offsets for ${expected} ${what}` })
  const byteCounts =
    (await reader.numbers(ifd, page.isTiled ? Tag.TileByteCounts : Tag.StripByteCounts)) ?? impliedByteCounts(page, offsets, file)
  if (byteCounts.length < expected)
    throw new CorruptChunk({ file: file.name, cause: `${byteCounts.length} byte counts for ${expected} ${what}` })
  return { file, page, offsets, byteCounts, decoder: await pool.decoder(page.pipeline) }
}

/** Old writers leave the byte counts out where nothing is compressed. */
function impliedByteCounts(page: Page, offsets: Float64Array, file: Readable): Float64Array {
  if (page.pipeline.codec !== 'raw') throw new CorruptChunk({ file: file.name, cause: 'no byte counts for compressed data' })
  const { height, segment } = page
  const perPlane = segmentsAcross(page) * segmentsDown(page)
  return offsets.map((_, n) => {
    const rows = page.isTiled ? segment.height : Math.min(segment.height, height - (n % perPlane) * segment.height)
    return rows * storedRowBytes(page)
  })
}
