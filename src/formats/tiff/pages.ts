/**
 * The chain of pages of one file. It is walked only once, and only offsets are kept: 100,000 pages cost 800 kB. Nothing but the chain
 * says how many there are.
 */
import { CorruptChunk, messageOf } from '../../volume/errors.ts'
import { chain } from '../../volume/maybe-promise.ts'
import { type Ifd, Tag } from './ifd.ts'
import type { TiffReader } from './reader.ts'
import { tableOf } from './table.ts'

const MAX_PAGES = 1_000_000
/** Reads of a local disk are synchronous; others have their turn after so many pages. */
const TURN = 256
/** Pages at the end that are looked at for whether their pixels are there. */
const MAX_INCOMPLETE = 64

export class Pages {
  readonly reader: TiffReader
  readonly #offsets: number[] = []
  readonly #seen = new Set<number>()
  #next: number
  #walking: Promise<void> | undefined
  /** Why the chain ends before its end. */
  problem: string | undefined

  constructor(reader: TiffReader) {
    this.reader = reader
    this.#next = reader.firstIfd
  }

  get count(): number {
    return this.#offsets.length
  }

  /** Where page `n` lies, walking as far as needed; undefined behind the last one. Throws where the chain is a loop. */
  async offsetOf(n: number): Promise<number | undefined> {
    while (n >= this.#offsets.length && this.#next !== 0) {
      this.#walking ??= this.#walk(n, undefined).finally(() => {
        this.#walking = undefined
      })
      await this.#walking
    }
    return this.#offsets[n]
  }

  /**
   * Walks to the end. A chain that breaks off behind its first page is that of a file that is cut or still being written: it ends
   * there, and so it does before pages whose pixels are not there yet.
   */
  async walk(visit: (ifd: Ifd, n: number) => void): Promise<void> {
    await this.#walk(Number.POSITIVE_INFINITY, visit)
    let incomplete = 0
    while (this.#offsets.length > 1 && incomplete < MAX_INCOMPLETE && !(await this.#isComplete(this.#offsets.at(-1)!))) {
      this.#offsets.pop()
      incomplete++
    }
    if (incomplete > 0) this.problem ??= `the pixels of the last ${incomplete === 1 ? 'page' : `${incomplete} pages`} are not in the file`
  }

  async #walk(to: number, visit: ((ifd: Ifd, n: number) => void) | undefined): Promise<void> {
    while (this.#next !== 0 && this.#offsets.length <= to) {
      const n = this.#offsets.length
      const at = this.#next
      const fail = (cause: string) => new CorruptChunk({ file: this.reader.file.name, cause })
      if (this.#seen.has(at)) throw fail(`page ${n} lies at ${at}, where an earlier page lies: the chain of pages is a loop`)
      if (n >= MAX_PAGES) throw fail(`more than ${MAX_PAGES} pages`)
      this.#seen.add(at)
      let ifd: Ifd
      try {
        const read = this.reader.ifd(at)
        ifd = read instanceof Promise ? await read : read
      } catch (error) {
        if (n === 0 || !(error instanceof CorruptChunk)) throw error
        this.#next = 0
        this.problem = `it breaks off before page ${n + 1}: ${messageOf(error)}`
        break
      }
      this.#offsets.push(at)
      this.#next = ifd.next
      visit?.(ifd, n)
      const stride = ifd.next - at
      if (this.reader.isFar && n > 1 && stride === at - this.#offsets[n - 1]!) await this.reader.readAhead(ifd.next, stride, to - n)
      if (n % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve))
    }
    if (this.#next === 0) this.#seen.clear()
  }

  async #isComplete(offset: number): Promise<boolean> {
    const { file } = this.reader
    try {
      const ifd = await this.reader.ifd(offset)
      const offsets = tableOf(ifd, Tag.TileOffsets, file) ?? tableOf(ifd, Tag.StripOffsets, file)
      const counts = tableOf(ifd, Tag.TileByteCounts, file) ?? tableOf(ifd, Tag.StripByteCounts, file)
      if (!offsets || !counts || offsets.length === 0) return true
      const last = Math.min(offsets.length, counts.length) - 1
      const end = await chain(offsets.at(last), async (start) => start + (await counts.at(last)))
      return end <= file.size
    } catch (error) {
      if (error instanceof CorruptChunk) return false
      throw error
    }
  }
}

/** Pages that look alike from their tags. */
export interface Kind {
  readonly width: number
  readonly height: number
  readonly isTiled: boolean
  /** Marked as a smaller copy of another page. */
  readonly isReduced: boolean
  readonly isMask: boolean
  /** Positions in the chain, ascending. */
  readonly pages: number[]
}

/** Walks the whole chain and sorts its pages by what can be seen without further reads. */
export async function walkKinds(pages: Pages): Promise<Kind[]> {
  const kinds = new Map<string, Kind>()
  await pages.walk((ifd, n) => {
    const width = ifd.number(Tag.ImageWidth) ?? 0
    const height = ifd.number(Tag.ImageLength) ?? 0
    const subfile = ifd.number(Tag.NewSubfileType) ?? 0
    const isTiled = ifd.has(Tag.TileWidth)
    const bits = ifd.number(Tag.BitsPerSample) ?? ifd.entries.get(Tag.BitsPerSample)?.count
    const isMask = (subfile & 4) === 4
    const key = `${width} ${height} ${isTiled} ${isMask} ${ifd.number(Tag.SamplesPerPixel) ?? 1} ${bits}`
    const kind = kinds.get(key)
    if (kind) kind.pages.push(n)
    else kinds.set(key, { width, height, isTiled, isReduced: (subfile & 1) === 1, isMask, pages: [n] })
  })
  // what breaks off at the end is not part of it
  const known = [...kinds.values()].map((kind) => ({ ...kind, pages: kind.pages.filter((n) => n < pages.count) }))
  return known.filter((kind) => kind.pages.length > 0)
}
