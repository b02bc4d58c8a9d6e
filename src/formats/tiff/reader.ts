/**
 * Opens a TIFF and reads its directories: classic and BigTIFF, both byte orders. Counts and offsets are compared with the file's length
 * before anything is allocated.
 */
import type { Readable } from '../../stores/store.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, each, type MaybePromise } from '../../volume/maybe-promise.ts'
import { entryCount, Ifd, type Layout, readPointer, sizesOf, typeBytes } from './ifd.ts'
import { MetadataWindows } from './window.ts'

const MAX_ENTRIES = 4096
const MAX_VALUE_BYTES = 64 * 1024 * 1024
/** Most IFDs fit into this; larger ones cost a second read. */
const FIRST_READ = 1024
/** Directories nearer to one another come with the same read. */
const FAR_APART = 4096
const READ_AHEAD = 64

export class TiffReader {
  readonly file: Readable
  readonly layout: Layout
  readonly firstIfd: number
  readonly #windows: MetadataWindows

  private constructor(file: Readable, windows: MetadataWindows, layout: Layout, firstIfd: number) {
    this.file = file
    this.layout = layout
    this.firstIfd = firstIfd
    this.#windows = windows
  }

  /** Throws `CorruptChunk` where the file does not begin as a TIFF does. */
  static open(file: Readable): MaybePromise<TiffReader> {
    const windows = new MetadataWindows(file)
    return chain(windows.upTo(0, 16), (view) => {
      const fail = (cause: string) => new CorruptChunk({ file: file.name, cause })
      if (file.size < 8) throw fail(`${file.size} bytes are too few for a TIFF`)
      const order = view.getUint16(0)
      if (order !== 0x4949 && order !== 0x4d4d) throw fail('begins with neither II nor MM: not a TIFF')
      const littleEndian = order === 0x4949
      const version = view.getUint16(2, littleEndian)
      const at = (big: boolean) => {
        const layout = { littleEndian, big }
        const first = readPointer(view, big ? 8 : 4, layout)
        if (first === 0) throw fail('it has no page yet: whoever writes it has not finished')
        return new TiffReader(file, windows, layout, first)
      }
      if (version === 42) return at(false)
      if (version !== 43 || file.size < 16) throw fail(`TIFF version ${version}, known are 42 (classic) and 43 (BigTIFF)`)
      if (view.getUint16(4, littleEndian) !== 8) throw fail(`BigTIFF with offsets of ${view.getUint16(4, littleEndian)} bytes instead of 8`)
      return at(true)
    })
  }

  /** Each read takes a round trip. */
  get isFar(): boolean {
    return this.#windows.isFar
  }

  /** The directory at this offset. Throws `CorruptChunk` where there cannot be one. */
  ifd(offset: number): MaybePromise<Ifd> {
    const { countBytes, entryBytes, pointerBytes } = sizesOf(this.layout)
    const { size } = this.file
    if (!(offset >= 8 && offset + countBytes <= size)) throw this.#fail(`a page directory at ${offset}, the file ends at ${size}`)
    return chain(this.#windows.upTo(offset, FIRST_READ), (view) => {
      const count = entryCount(view, this.layout)
      const bytes = countBytes + count * entryBytes + pointerBytes
      if (count > MAX_ENTRIES || offset + bytes - pointerBytes > size)
        throw this.#fail(`the page directory at ${offset} claims ${count} entries, the file ends at ${size}`)
      if (bytes <= view.byteLength) return new Ifd(offset, view, this.layout)
      return chain(this.#windows.upTo(offset, bytes), (whole) => new Ifd(offset, whole, this.layout))
    })
  }

  /**
   * Reads directories that are likely to be asked for next: of a stack, pages lie at equal distances, and one round trip for each of
   * thousands would take minutes.
   */
  async readAhead(at: number, stride: number, count: number): Promise<void> {
    if (!this.isFar || stride < FAR_APART || this.#windows.holds(at)) return
    const offsets = Array.from({ length: Math.min(count, READ_AHEAD) }, (_, n) => at + n * stride)
    await this.#windows.prefetch(
      offsets.filter((offset) => offset < this.file.size),
      FIRST_READ,
    )
  }

  /** Reads the values of these tags that lie outside the IFD, so that it can be asked for them. Throws `CorruptChunk`. */
  load(ifd: Ifd, tags: readonly number[]): MaybePromise<Ifd> {
    const missing = tags.filter((tag) => ifd.has(tag) && !ifd.view(tag))
    const loading = each(missing, (tag) => {
      const { type, count, offset } = ifd.entries.get(tag)!
      const bytes = count * typeBytes(type)
      if (bytes === 0) throw this.#fail(`tag ${tag} has ${count} values of type ${type}`)
      if (offset + bytes > this.file.size)
        throw this.#fail(`the ${count} values of tag ${tag} lie at ${offset}, the file ends at ${this.file.size}`)
      if (bytes > MAX_VALUE_BYTES) throw this.#fail(`tag ${tag} has ${bytes} bytes of values, at most ${MAX_VALUE_BYTES} are read`)
      return chain(this.#windows.read(offset, bytes), (view) => {
        ifd.loaded.set(tag, view)
      })
    })
    return chain(loading, () => ifd)
  }

  #fail(cause: string): CorruptChunk {
    return new CorruptChunk({ file: this.file.name, cause })
  }
}
