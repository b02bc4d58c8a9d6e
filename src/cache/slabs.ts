/**
 * Memory for decoded chunks that is reused instead of left to the collector: an LRU of freshly allocated arrays with a budget of
 * 256 MiB peaked at 768 MiB under load, because garbage waits to be found. Pieces of a few size classes are cut from slabs;
 * a slab is given back at once (`transfer(0)` detaches it) when another class needs its memory. What the network brought in memory of
 * its own is adopted as it is, which saves touching as much fresh memory again.
 */
const SMALLEST = 4096
const SLAB_BYTES = 4 * 1024 * 1024

export interface Slab {
  readonly pieceBytes: number
  readonly pieces: number
  readonly buffer: ArrayBuffer
  /** Memory that came from elsewhere as the one piece it is: nobody else can use it, so it goes with its holder. */
  readonly isAdopted?: true
  /** Pieces somebody holds. */
  used: number
}

export interface Piece {
  readonly slab: Slab
  /** All of the piece; what is asked for is its beginning. */
  readonly bytes: Uint8Array
}

/** The next of 4 KiB, 6 KiB, 8 KiB, 12 KiB … : at most a third is wasted. */
export function sizeClass(bytes: number): number {
  let size = SMALLEST
  while (size < bytes) {
    if (size * 1.5 >= bytes) return size * 1.5
    size *= 2
  }
  return size
}

export class Slabs {
  /** Pieces nobody holds, by size class. */
  readonly #free = new Map<number, Piece[]>()
  readonly #budget: number
  #held = 0

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes
  }

  /** Bytes of all slabs, whether their pieces are in use or not. */
  get heldBytes(): number {
    return this.#held
  }

  /** A piece of at least `bytes`, or undefined when the budget is used up and something has to be evicted first. */
  take(bytes: number): Piece | undefined {
    const pieceBytes = sizeClass(bytes)
    let free = this.#free.get(pieceBytes)
    if (!free) this.#free.set(pieceBytes, (free = []))
    if (free.length === 0) this.#addSlab(pieceBytes, free)
    const piece = free.pop()
    if (piece) piece.slab.used++
    return piece
  }

  /** Takes `bytes`, which must be all of their buffer, as a piece in use; undefined when the budget does not allow for them. */
  adopt(bytes: Uint8Array): Piece | undefined {
    const { byteLength } = bytes
    if (this.#held + byteLength > this.#budget) return undefined
    this.#held += byteLength
    return { slab: { pieceBytes: byteLength, pieces: 1, buffer: bytes.buffer as ArrayBuffer, isAdopted: true, used: 1 }, bytes }
  }

  giveBack(piece: Piece): void {
    const { slab } = piece
    slab.used--
    if (slab.isAdopted) this.#end(slab)
    else this.#free.get(slab.pieceBytes)!.push(piece)
  }

  /** Returns the memory of a slab none of whose pieces is held. */
  release(slab: Slab): void {
    if (slab.used > 0) throw new Error(`a slab with ${slab.used} pieces in use cannot be released`)
    const free = this.#free.get(slab.pieceBytes)!
    this.#free.set(
      slab.pieceBytes,
      free.filter((piece) => piece.slab !== slab),
    )
    this.#end(slab)
  }

  #end({ buffer }: Slab): void {
    this.#held -= buffer.byteLength
    buffer.transfer(0)
  }

  #addSlab(pieceBytes: number, free: Piece[]): void {
    const pieces = Math.max(1, Math.floor(Math.min(SLAB_BYTES, this.#budget / 8) / pieceBytes))
    const slabBytes = pieces * pieceBytes
    if (this.#held + slabBytes > this.#budget) return
    const slab: Slab = { pieceBytes, pieces, buffer: new ArrayBuffer(slabBytes), used: 0 }
    this.#held += slabBytes
    for (let i = pieces - 1; i >= 0; i--) free.push({ slab, bytes: new Uint8Array(slab.buffer, i * pieceBytes, pieceBytes) })
  }
}
