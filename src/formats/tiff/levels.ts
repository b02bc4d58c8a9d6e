/** The smaller copies of a file's pages: pages of their own, or in sub-IFDs. */
import { CorruptChunk, Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { type Ifd, Tag } from './ifd.ts'
import { type Page, type PageOptions, readPage, sameSamples } from './page.ts'
import type { Kind, Pages } from './pages.ts'
import type { TiffReader } from './reader.ts'

export interface Level {
  readonly factor: Vec3
  readonly page: Page
  /** This level of the page at full size that is number `n` in the chain of `pages`. */
  find(pages: Pages, n: number): Promise<{ readonly reader: TiffReader; readonly ifd: Ifd }>
}

export interface Levels {
  /** Finest first. */
  readonly levels: readonly Level[]
  /** What was left out, and why. */
  readonly notes: readonly string[]
}

/** More sub-IFDs than a pyramid can have levels. */
const MAX_SUB_IFDS = 64

/** `base`: pages at full size; `others`: pages that may be smaller copies of them. Throws `Unusable` where the first cannot be decoded. */
export async function findLevels(
  pages: Pages,
  first: number,
  base: Kind | undefined,
  others: readonly Kind[],
  options: PageOptions,
): Promise<Levels> {
  const { reader } = pages
  const baseIfd = await ifdAt(pages, first)
  const basePage = await readPage(reader, baseIfd, options)
  const levels: Level[] = [
    { factor: [1, 1, 1], page: basePage, find: async (from, n) => ({ reader: from.reader, ifd: await ifdAt(from, n) }) },
  ]
  const notes: string[] = []
  const add = (page: Page, count: number, find: Level['find']) => {
    const factor = factorOf(basePage, page)
    const why = !factor
      ? 'its size is not a power of two of the first'
      : !sameSamples(basePage, page)
        ? 'its samples differ from those of the first'
        : base && count !== base.pages.length
          ? `there are ${count} of them and ${base.pages.length} at full size`
          : levels.some((level) => level.factor[0] === factor[0])
            ? 'there is another of that size'
            : undefined
    if (why || !factor) notes.push(`${count === 1 ? 'a page' : `${count} pages`} of ${page.width}×${page.height} left out: ${why}`)
    else levels.push({ factor, page, find })
  }
  const leaveOut = (what: string, error: unknown) => {
    if (!(error instanceof Unusable || error instanceof CorruptChunk)) throw error
    notes.push(`${what} left out: ${error.message}`)
  }
  for (const kind of others) {
    const what = `${kind.pages.length === 1 ? 'a page' : `${kind.pages.length} pages`} of ${kind.width}×${kind.height}`
    if (kind.isMask) {
      notes.push(`${what} left out: a transparency mask`)
      continue
    }
    try {
      const page = await readPage(reader, await ifdAt(pages, kind.pages[0]!), options)
      const position = new Map(base?.pages.map((n, at) => [n, at]))
      add(page, kind.pages.length, async (from, n) => ({ reader: from.reader, ifd: await ifdAt(from, kind.pages[position.get(n) ?? 0]!) }))
    } catch (error) {
      leaveOut(what, error)
    }
  }
  await reader.load(baseIfd, [Tag.SubIfds])
  for (const [level, offset] of (baseIfd.numbers(Tag.SubIfds) ?? []).slice(0, MAX_SUB_IFDS).entries()) {
    try {
      const page = await readPage(reader, await reader.ifd(offset), options)
      add(page, base?.pages.length ?? 1, (from, n) => subIfd(from, n, level))
    } catch (error) {
      leaveOut(`sub-resolution ${level + 1}`, error)
    }
  }
  return { levels: levels.sort((a, b) => a.factor[0] - b.factor[0]), notes }
}

export async function ifdAt(pages: Pages, n: number): Promise<Ifd> {
  const offset = await pages.offsetOf(n)
  if (offset === undefined)
    throw new CorruptChunk({ file: pages.reader.file.name, cause: `page ${n + 1} is asked for, there are ${pages.count}` })
  return pages.reader.ifd(offset)
}

async function subIfd(pages: Pages, n: number, level: number): Promise<{ reader: TiffReader; ifd: Ifd }> {
  const { reader } = pages
  const own = (await reader.load(await ifdAt(pages, n), [Tag.SubIfds])).numbers(Tag.SubIfds)?.[level]
  if (own === undefined) throw new CorruptChunk({ file: reader.file.name, cause: `page ${n + 1} has no sub-resolution ${level + 1}` })
  return { reader, ifd: await reader.ifd(own) }
}

/** [2^k, 2^k, 1] where a page is that much smaller within 1 % and a pixel. */
function factorOf(base: Page, page: Page): Vec3 | undefined {
  const k = Math.round(Math.log2(Math.max(base.width / page.width, base.height / page.height)))
  const fits = (full: number, small: number) => Math.abs(small - full / 2 ** k) <= 1 + (full / 2 ** k) * 0.01
  return k >= 1 && fits(base.width, page.width) && fits(base.height, page.height) ? [2 ** k, 2 ** k, 1] : undefined
}
