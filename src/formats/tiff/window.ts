/**
 * Reads of metadata: many small ones through few larger ones, because over a network each costs a round trip. What lies near what was
 * read before is in memory already.
 */
import type { Readable } from '../../stores/store.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'

/** Header and, in most files that are meant to be read from afar, the first directory. */
const FIRST_BYTES = 16 * 1024
const NEXT_BYTES = 4 * 1024
/** Directories that lie one behind the other are read in growing pieces. */
const MOST_BYTES = 64 * 1024
const KEPT = 4

interface Window {
  readonly start: number
  readonly bytes: Uint8Array
}

export class MetadataWindows {
  readonly file: Readable
  /** Reads of this file take time. */
  isFar = false
  #windows: Window[] = []
  readonly #ahead = new Map<number, Window>()

  constructor(file: Readable) {
    this.file = file
  }

  /** As many of the `length` bytes from `offset` as there are. */
  upTo(offset: number, length: number): MaybePromise<DataView> {
    return this.read(offset, Math.max(0, Math.min(length, this.file.size - offset)))
  }

  /** Exactly these bytes. Throws `CorruptChunk` where the file ends before. */
  read(offset: number, length: number): MaybePromise<DataView> {
    if (!(offset >= 0 && offset + length <= this.file.size))
      throw new CorruptChunk({
        file: this.file.name,
        cause: `${length} bytes at ${offset} are asked for, the file ends at ${this.file.size}`,
      })
    const ahead = this.#ahead.get(offset)
    if (ahead && length <= ahead.bytes.length) return viewOf(ahead, offset, length)
    const held = this.#windows.find(({ start, bytes }) => offset >= start && offset + length <= start + bytes.length)
    if (held) return viewOf(held, offset, length)
    const size = Math.min(Math.max(length, this.#reach(offset)), this.file.size - offset)
    const window = { start: offset, bytes: new Uint8Array(size) }
    const reading = this.file.read(window.bytes, offset)
    this.isFar ||= reading instanceof Promise
    return chain(reading, () => {
      if (size <= MOST_BYTES) this.#windows = [window, ...this.#windows].slice(0, KEPT)
      return viewOf(window, offset, length)
    })
  }

  holds(offset: number): boolean {
    return this.#ahead.has(offset)
  }

  /** Reads pieces that are likely to be asked for next, all at the same time. One that cannot be read fails whoever asks for it. */
  async prefetch(offsets: readonly number[], length: number): Promise<void> {
    this.#ahead.clear()
    const reading = offsets.map(async (start) => {
      const bytes = new Uint8Array(Math.min(length, this.file.size - start))
      await this.file.read(bytes, start)
      this.#ahead.set(start, { start, bytes })
    })
    await Promise.allSettled(reading)
  }

  #reach(offset: number): number {
    if (this.#windows.length === 0) return FIRST_BYTES
    const before = this.#windows.find(({ start, bytes }) => offset >= start && offset <= start + 2 * bytes.length)
    return before ? Math.min(MOST_BYTES, 2 * before.bytes.length) : NEXT_BYTES
  }
}

const viewOf = ({ start, bytes }: Window, offset: number, length: number): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset + offset - start, length)
