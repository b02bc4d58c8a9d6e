/** The offsets or byte counts of a page's tiles, read in pieces as they are asked for: a slide of 100 GB has megabytes of them. */
import type { Readable } from '../../stores/store.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'
import { type Ifd, type Layout, readNumber, typeBytes } from './ifd.ts'

/** Bytes of a piece, and how many are kept. */
const PIECE_BYTES = 32 * 1024
const KEPT_PIECES = 32

export interface NumberTable {
  readonly length: number
  /** What it may come to hold. */
  readonly heldBytes: number
  at(n: number): MaybePromise<number>
}

/** Undefined where the page has no such tag. Throws `CorruptChunk` where it is longer than the file. */
export function tableOf(ifd: Ifd, tag: number, file: Readable): NumberTable | undefined {
  const entry = ifd.entries.get(tag)
  if (!entry) return undefined
  const inMemory = ifd.numbers(tag)
  if (inMemory) return { length: inMemory.length, heldBytes: 8 * inMemory.length, at: (n) => inMemory[n]! }
  const bytes = entry.count * typeBytes(entry.type)
  if (bytes === 0 || !(entry.offset + bytes <= file.size)) {
    throw new CorruptChunk({
      file: file.name,
      cause: `the ${entry.count} values of tag ${tag} lie at ${entry.offset}, the file ends at ${file.size}`,
    })
  }
  return new PiecewiseTable(file, entry.type, entry.count, entry.offset, ifd.layout)
}

class PiecewiseTable implements NumberTable {
  readonly length: number
  readonly #file: Readable
  readonly #type: number
  readonly #offset: number
  readonly #layout: Layout
  readonly #size: number
  readonly #perPiece: number
  readonly #pieces = new Map<number, MaybePromise<Float64Array>>()

  constructor(file: Readable, type: number, length: number, offset: number, layout: Layout) {
    this.#file = file
    this.#type = type
    this.length = length
    this.#offset = offset
    this.#layout = layout
    this.#size = typeBytes(type)
    this.#perPiece = Math.floor(PIECE_BYTES / this.#size)
  }

  get heldBytes(): number {
    return 8 * Math.min(this.length, this.#perPiece * KEPT_PIECES)
  }

  at(n: number): MaybePromise<number> {
    const within = n % this.#perPiece
    return chain(this.#piece((n - within) / this.#perPiece), (piece) => piece[within]!)
  }

  #piece(n: number): MaybePromise<Float64Array> {
    const held = this.#pieces.get(n)
    if (held) return held
    const first = n * this.#perPiece
    const length = Math.min(this.#perPiece, this.length - first)
    const bytes = new Uint8Array(length * this.#size)
    const piece = chain(this.#file.read(bytes, this.#offset + first * this.#size), () => {
      const view = new DataView(bytes.buffer)
      const numbers = Float64Array.from({ length }, (_, i) => readNumber(view, i * this.#size, this.#type, this.#layout.littleEndian))
      this.#keep(n, numbers)
      return numbers
    })
    if (piece instanceof Promise) {
      // whoever asks meanwhile shares the read; a failed one is forgotten
      this.#pieces.set(n, piece)
      piece.catch(() => this.#pieces.delete(n))
    }
    return piece
  }

  #keep(n: number, piece: Float64Array): void {
    this.#pieces.delete(n)
    this.#pieces.set(n, piece)
    for (const oldest of this.#pieces.keys()) {
      if (this.#pieces.size <= KEPT_PIECES) break
      this.#pieces.delete(oldest)
    }
  }
}
