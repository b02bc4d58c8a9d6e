/** At most so many at a time; the others wait in line, in order, until it is their turn or their signal fires. */
export class Limit {
  readonly #parallel: number
  #running = 0
  readonly #line = new Set<() => void>()

  constructor(parallel: number) {
    this.#parallel = parallel
  }

  get waiting(): number {
    return this.#line.size
  }

  /** Rejects with the signal's reason where it fires before the work begins. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    if (this.#running >= this.#parallel) await this.#turn(signal)
    else this.#running++
    try {
      return await work()
    } finally {
      const next = this.#line.values().next().value
      if (next) {
        // the place is handed on, not given up: nobody may slip in between
        this.#line.delete(next)
        next()
      } else this.#running--
    }
  }

  #turn(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        this.#line.delete(start)
        reject(signal!.reason)
      }
      const start = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      this.#line.add(start)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }
}
