/**
 * Memory to put the voxels together a chunk is made of, and turns to do so. A chunk of one step is made of chunks of the step before,
 * which may have to be made first: whoever holds memory of a step waits only for lower steps, so nobody waits in a circle.
 */
import type { MaybePromise } from '../volume/maybe-promise.ts'

/** Chunks of one step that are being made at the same time. */
export const AT_ONCE = 4
/** Buffers up to this size wait for the next one who asks. */
const KEPT_BYTES = 4 * 1024 * 1024
const KEPT_ALL_BYTES = 16 * 1024 * 1024

interface Step {
  used: number
  readonly free: Uint8Array[]
  readonly waiting: (() => void)[]
}

export class Scratch {
  readonly #steps = new Map<number, Step>()
  #kept = 0

  /** At least `bytes`, with any content, when it is this one's turn. Give it back. */
  take(step: number, bytes: number): MaybePromise<Uint8Array> {
    let turns = this.#steps.get(step)
    if (!turns) this.#steps.set(step, (turns = { used: 0, free: [], waiting: [] }))
    if (turns.used < AT_ONCE) return this.#grant(turns, bytes)
    return new Promise((resolve) => turns.waiting.push(() => resolve(this.#grant(turns, bytes))))
  }

  giveBack(step: number, buffer: Uint8Array): void {
    const turns = this.#steps.get(step)!
    turns.used--
    if (buffer.length <= KEPT_BYTES && this.#kept + buffer.length <= KEPT_ALL_BYTES) {
      turns.free.push(buffer)
      this.#kept += buffer.length
    } else (buffer.buffer as ArrayBuffer).transfer(0)
    turns.waiting.shift()?.()
  }

  #grant(turns: Step, bytes: number): Uint8Array {
    turns.used++
    const kept = turns.free.pop()
    if (kept) this.#kept -= kept.length
    if (kept && kept.length >= bytes) return kept
    if (kept) (kept.buffer as ArrayBuffer).transfer(0)
    return new Uint8Array(bytes)
  }
}
