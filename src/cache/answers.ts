/**
 * Memory for answers, in two halves: large ones are held until their client has read them, which may take as long as it likes, and must
 * leave room for small ones, which are gone as soon as they are made.
 */
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { Buffers } from './buffers.ts'
import { sizeClass } from './slabs.ts'

/** Larger answers are sent in pieces while their client reads. */
export const LARGE_BYTES = 4 * 1024 * 1024

export class Answers {
  readonly #small: Buffers
  readonly #large: Buffers

  /** `limit` and `keep` as those of `Buffers`, of both together. */
  constructor(limit: number, keep: number) {
    this.#small = new Buffers(limit / 2, keep)
    this.#large = new Buffers(limit / 2, 0)
  }

  get usedBytes(): number {
    return this.#small.usedBytes + this.#large.usedBytes
  }

  /** How many wait for memory. */
  get waiting(): number {
    return this.#small.waiting + this.#large.waiting
  }

  /** As `Buffers.take`. */
  take(bytes: number, signal?: AbortSignal): MaybePromise<Uint8Array> {
    return this.#of(sizeClass(bytes)).take(bytes, signal)
  }

  giveBack(buffer: Uint8Array): void {
    this.#of(buffer.byteLength).giveBack(buffer)
  }

  #of(size: number): Buffers {
    return size > LARGE_BYTES ? this.#large : this.#small
  }
}
