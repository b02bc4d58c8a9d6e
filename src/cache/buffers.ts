/**
 * Buffers for compressed chunks and answers, used again instead of left to the collector. What is in use at the same time is
 * bounded: whoever would exceed the limit waits its turn, first come first served. One buffer is always granted.
 */
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { sizeClass } from './slabs.ts'

/** Buffers up to this size are kept for the next one who asks. */
const KEPT_BYTES = 4 * 1024 * 1024

interface Waiting {
  readonly bytes: number
  readonly grant: (buffer: Uint8Array) => void
}

export class Buffers {
  readonly #limit: number
  readonly #keep: number
  readonly #free = new Map<number, Uint8Array[]>()
  readonly #queue: Waiting[] = []
  #used = 0
  #kept = 0

  /** `limit`: bytes in use at the same time; `keep`: bytes of unused buffers held ready. */
  constructor(limit: number, keep: number) {
    this.#limit = limit
    this.#keep = keep
  }

  get usedBytes(): number {
    return this.#used
  }

  get keptBytes(): number {
    return this.#kept
  }

  /** How many wait for one. */
  get waiting(): number {
    return this.#queue.length
  }

  /**
   * A buffer of at least `bytes`, with any content; at once unless too much is in use. Give it back when done. Rejects with the
   * signal's reason where it fires before it is this one's turn.
   */
  take(bytes: number, signal?: AbortSignal): MaybePromise<Uint8Array> {
    const size = sizeClass(bytes)
    if (this.#queue.length > 0 || (this.#used > 0 && this.#used + size > this.#limit)) {
      return new Promise((resolve, reject) => {
        const leave = () => {
          this.#queue.splice(this.#queue.indexOf(waiting), 1)
          reject(signal!.reason)
          // who was behind may be smaller
          this.#letIn()
        }
        const grant = (buffer: Uint8Array) => {
          signal?.removeEventListener('abort', leave)
          resolve(buffer)
        }
        const waiting: Waiting = { bytes: size, grant }
        this.#queue.push(waiting)
        if (signal?.aborted) leave()
        else signal?.addEventListener('abort', leave, { once: true })
      })
    }
    return this.#grant(size)
  }

  giveBack(buffer: Uint8Array): void {
    const size = buffer.byteLength
    this.#used -= size
    if (size <= KEPT_BYTES && this.#kept + size <= this.#keep) {
      const free = this.#free.get(size)
      if (free) free.push(buffer)
      else this.#free.set(size, [buffer])
      this.#kept += size
    } else (buffer.buffer as ArrayBuffer).transfer(0)
    this.#letIn()
  }

  #letIn(): void {
    for (let next = this.#queue[0]; next && (this.#used === 0 || this.#used + next.bytes <= this.#limit); next = this.#queue[0]) {
      this.#queue.shift()
      next.grant(this.#grant(next.bytes))
    }
  }

  #grant(size: number): Uint8Array {
    this.#used += size
    const buffer = this.#free.get(size)?.pop()
    if (!buffer) return new Uint8Array(size)
    this.#kept -= size
    return buffer
  }
}
