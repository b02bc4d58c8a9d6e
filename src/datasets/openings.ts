/** Opens datasets in the background, some at a time; those on other machines in a lane of their own, so that they hold up nobody. */
const PARALLEL = 8

export type Lane = 'local' | 'remote'

export class Openings {
  readonly #lanes = {
    local: { running: 0, queue: [] as (() => Promise<void>)[] },
    remote: { running: 0, queue: [] as (() => Promise<void>)[] },
  }

  /** `work` never rejects. */
  add(lane: Lane, work: () => Promise<void>): void {
    this.#lanes[lane].queue.push(work)
    this.#next(lane)
  }

  #next(lane: Lane): void {
    const state = this.#lanes[lane]
    if (state.running >= PARALLEL) return
    const work = state.queue.shift()
    if (!work) return
    state.running++
    // a macrotask between openings: reads of a local disk are synchronous, and health must be answered meanwhile
    setImmediate(() =>
      work().finally(() => {
        state.running--
        this.#next(lane)
      }),
    )
    this.#next(lane)
  }
}
