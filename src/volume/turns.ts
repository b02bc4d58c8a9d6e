/**
 * Who goes on when many want the same thread: for so many milliseconds of each round of the event loop, whoever has waited longest
 * first. In between everything else that is ready runs.
 */
export class Turns {
  readonly #ms: number
  readonly #steps: number
  readonly #waiting: (() => void)[] = []
  /** When the slice of this round is used up. */
  #until = 0
  #isScheduled = false

  /** `ms` for all of one round together; `steps`: promises between being let go and having done what is done at once. */
  constructor(ms: number, steps: number) {
    this.#ms = ms
    this.#steps = steps
  }

  /**
   * Whether one may go on without waiting: the slice lasts, and nobody waits. Only an immediate tells one round from the next, and costs as
   * much as half a bucket: there is none before most of a slice has gone by, and until then rounds count as one.
   */
  isFree(): boolean {
    const now = performance.now()
    if (this.#isScheduled) return this.#waiting.length === 0 && now < this.#until
    if (now < this.#until - this.#ms / 4) return true
    if (now >= this.#until) this.#until = now + this.#ms
    this.#schedule()
    return true
  }

  /** Resolves in one of the next rounds. */
  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      this.#schedule()
    })
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#goRound)
  }

  readonly #goRound = async (): Promise<void> => {
    if (this.#waiting.length === 0) {
      this.#until = performance.now() + this.#ms
      this.#isScheduled = false
      return
    }
    const until = performance.now() + this.#ms
    this.#until = until
    // who steps back meanwhile waits for the next round
    for (let left = this.#waiting.length; left > 0 && performance.now() < until; left--) {
      this.#waiting.shift()!()
      for (let step = 0; step < this.#steps; step++) await undefined
    }
    setImmediate(this.#goRound)
  }
}
