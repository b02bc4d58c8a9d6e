/** One page ready to be read from: its file, what it is, where its tiles or strips lie. */
import { isPlain, type Pipeline } from '../../../codecs/codec.ts'
import type { Decoder, Decoders as Pool } from '../../../codecs/pool.ts'
import type { Readable } from '../../stores/store.ts'
import { CorruptChunk, Unusable } from '../../volume/errors.ts'
import { type Ifd, Tag } from './ifd.ts'
import type { Page } from './page.ts'
import { type NumberTable, tableOf } from './table.ts'

export interface Plane {
  readonly file: Readable
  readonly page: Page
  /** Of every tile or strip; with planar samples all of plane 0 first. */
  readonly offsets: NumberTable
  readonly byteCounts: NumberTable
  /** Bytes every offset is moved by: planes without a directory of their own lie behind the first one. */
  readonly shift: number
  readonly decoder: Decoder
}

/** Decoders of the pages of one layer: mostly they are all the same. */
export class Decoders {
  readonly #pool: Pool
  readonly #byPipeline = new Map<string, Promise<Decoder>>()

  constructor(pool: Pool) {
    this.#pool = pool
  }

  get(pipeline: Pipeline): Promise<Decoder> {
    const key = JSON.stringify(pipeline)
    let decoder = this.#byPipeline.get(key)
    if (!decoder) this.#byPipeline.set(key, (decoder = this.#pool.decoder(pipeline)))
    if (this.#byPipeline.size > MAX_DECODERS) this.#byPipeline.clear()
    return decoder
  }
}

/** Pages with tables of their own (JPEG) have decoders of their own. */
const MAX_DECODERS = 64

export const planeBytes = ({ offsets, byteCounts }: Plane): number => offsets.heldBytes + byteCounts.heldBytes

export const segmentsAcross = (page: Page): number => Math.ceil(page.width / page.segment.width)
export const segmentsDown = (page: Page): number => Math.ceil(page.height / page.segment.height)
export const segmentCount = (page: Page): number => segmentsAcross(page) * segmentsDown(page) * (page.planar ? page.samples : 1)

/** Finds the tables of tiles or strips. Throws `CorruptChunk` where they are shorter than the image needs. */
export async function openPlane(file: Readable, ifd: Ifd, page: Page, decoders: Decoders, shift = 0): Promise<Plane> {
  const expected = segmentCount(page)
  const what = page.isTiled ? 'tiles' : 'strips'
  const table = (ofTiles: number, ofStrips: number) => tableOf(ifd, page.isTiled && ifd.has(ofTiles) ? ofTiles : ofStrips, file)
  const offsets = table(Tag.TileOffsets, Tag.StripOffsets)
  if (!offsets) throw new Unusable(`the page at ${ifd.offset} does not say where its ${what} lie`)
  if (offsets.length < expected) throw new CorruptChunk({ file: file.name, cause: `${offsets.length} offsets for ${expected} ${what}` })
  const byteCounts = table(Tag.TileByteCounts, Tag.StripByteCounts) ?? impliedByteCounts(page, offsets.length, file)
  if (byteCounts.length < expected)
    throw new CorruptChunk({ file: file.name, cause: `${byteCounts.length} byte counts for ${expected} ${what}` })
  return { file, page, offsets, byteCounts, shift, decoder: await decoders.get(page.pipeline) }
}

/** Old writers leave the byte counts out where nothing is compressed. */
function impliedByteCounts(page: Page, length: number, file: Readable): NumberTable {
  if (page.pipeline.codec !== 'raw') throw new CorruptChunk({ file: file.name, cause: 'no byte counts for compressed data' })
  const perPlane = segmentsAcross(page) * segmentsDown(page)
  return { length, heldBytes: 0, at: (n) => segmentRows(page, n % perPlane) * page.rowBytes.stored }
}

/** Rows stored of tile or strip `n` of a plane: tiles are whole, the last strip is not. */
export const segmentRows = ({ isTiled, segment, height }: Page, n: number): number =>
  isTiled ? segment.height : Math.min(segment.height, height - n * segment.height)

/** Whether tiles or strips are the voxels themselves. */
export const isRaw = ({ pipeline }: Page): boolean => isPlain(pipeline)
