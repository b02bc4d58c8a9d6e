/** Cuboids known to hold nothing, which costs a request to find out: not asked for again for a while. */

const KEPT = 20_000
const KEPT_MS = 10 * 60_000

export class EmptyCuboids {
  /** Until when, oldest first. */
  readonly #until = new Map<string, number>()

  has(chunk: string, now = performance.now()): boolean {
    const until = this.#until.get(chunk)
    if (until === undefined) return false
    if (now < until) return true
    // somebody may have written there since
    this.#until.delete(chunk)
    return false
  }

  add(chunk: string, now = performance.now()): void {
    if (this.#until.size >= KEPT) this.#until.delete(this.#until.keys().next().value!)
    this.#until.set(chunk, now + KEPT_MS)
  }
}
