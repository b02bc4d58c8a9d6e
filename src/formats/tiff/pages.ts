/**
 * Sorts the pages of one file: the slices at full size, the smaller copies of them, and what is neither (thumbnails, labels).
 * Only offsets are kept, so that 100,000 pages cost 800 kB.
 */
import { Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { type Ifd, Tag, type TiffReader } from './ifd.ts'
import { type Page, readPage, sameSamples } from './page.ts'

export interface Level {
  readonly factor: Vec3
  readonly page: Page
  /** The IFD of slice n at this level. */
  ifdOf(n: number): Promise<Ifd>
}

export interface SortedPages {
  readonly base: Page
  readonly baseIfd: Ifd
  /** Offsets of the IFDs of full size, in file order. */
  readonly slices: readonly number[]
  readonly levels: readonly Level[]
  readonly notes: readonly string[]
}

interface Size {
  readonly width: number
  readonly height: number
  readonly offsets: number[]
}

/** Throws `Unusable` where the page of full size cannot be decoded. */
export async function sortPages(reader: TiffReader): Promise<SortedPages> {
  const sizes = new Map<string, Size>()
  for await (const ifd of reader.chain()) {
    const width = (await reader.number(ifd, Tag.ImageWidth)) ?? 0
    const height = (await reader.number(ifd, Tag.ImageLength)) ?? 0
    const key = `${width}×${height}`
    const size = sizes.get(key)
    if (size) size.offsets.push(ifd.offset)
    else sizes.set(key, { width, height, offsets: [ifd.offset] })
  }
  if (sizes.size === 0) throw new Unusable('a TIFF without a page')
  const [full, ...others] = [...sizes.values()].sort((a, b) => b.width * b.height - a.width * a.height)
  const baseIfd = await reader.ifd(full!.offsets[0]!)
  const base = await readPage(reader, baseIfd)
  const notes: string[] = []
  const levels: Level[] = [{ factor: [1, 1, 1], page: base, ifdOf: (n) => reader.ifd(full!.offsets[n]!) }]
  const add = (page: Page, count: number, ifdOf: (n: number) => Promise<Ifd>) => {
    const factor = factorOf(base, page)
    const why = !factor
      ? 'its size is not a power of two of the first'
      : !sameSamples(base, page)
        ? 'its samples differ from those of the first'
        : count !== full!.offsets.length
          ? `there are ${count} of them and ${full!.offsets.length} at full size`
          : levels.some((level) => level.factor[0] === factor[0])
            ? 'there is another of that size'
            : undefined
    if (why || !factor) notes.push(`${count === 1 ? 'a page' : `${count} pages`} of ${page.width}×${page.height} left out: ${why}`)
    else levels.push({ factor, page, ifdOf })
  }
  for (const { width, height, offsets } of others) {
    try {
      add(await readPage(reader, await reader.ifd(offsets[0]!)), offsets.length, (n) => reader.ifd(offsets[n]!))
    } catch (error) {
      if (!(error instanceof Unusable)) throw error
      notes.push(`a page of ${width}×${height} left out: ${error.message}`)
    }
  }
  await addSubIfds(reader, baseIfd, full!.offsets, add)
  return { base, baseIfd, slices: full!.offsets, levels: levels.sort((a, b) => a.factor[0] - b.factor[0]), notes }
}

/** Smaller copies in sub-IFDs of each page, as OME-TIFF has them since version 6. */
async function addSubIfds(
  reader: TiffReader,
  baseIfd: Ifd,
  slices: readonly number[],
  add: (page: Page, count: number, ifdOf: (n: number) => Promise<Ifd>) => void,
): Promise<void> {
  const offsets = (await reader.numbers(baseIfd, Tag.SubIfds)) ?? new Float64Array()
  for (const [level, offset] of offsets.entries()) {
    const page = await readPage(reader, await reader.ifd(offset))
    add(page, slices.length, async (n) => {
      const own = (await reader.numbers(await reader.ifd(slices[n]!), Tag.SubIfds))?.[level]
      if (own === undefined) throw new Unusable(`page ${n} has no sub-resolution ${level}`)
      return reader.ifd(own)
    })
  }
}

/** [2^k, 2^k, 1] where a page is that much smaller within 1 % and a pixel. */
function factorOf(base: Page, page: Page): Vec3 | undefined {
  const k = Math.round(Math.log2(Math.max(base.width / page.width, base.height / page.height)))
  const fits = (full: number, small: number) => Math.abs(small - full / 2 ** k) <= 1 + (full / 2 ** k) * 0.01
  return k >= 1 && fits(base.width, page.width) && fits(base.height, page.height) ? [2 ** k, 2 ** k, 1] : undefined
}
