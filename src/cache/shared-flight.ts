/**
 * One piece of work under way that several readers wait for. A reader that gives up leaves alone; the work is aborted when the
 * last one has. The owner of the flight forgets it when it ends, so that no failure is ever kept.
 */
export class SharedFlight<T> {
  readonly #work: Promise<T>
  readonly #abandon: (reason: unknown) => void
  #waiting = 0

  /** `abandon` is told why the last reader gave up. */
  constructor(work: Promise<T>, abandon: (reason: unknown) => void) {
    this.#work = work
    this.#abandon = abandon
    // with every reader gone nobody else would look at the failure
    work.catch(() => {})
  }

  /** Readers that will still take the result. */
  get waiting(): number {
    return this.#waiting
  }

  join(signal?: AbortSignal): Promise<T> {
    this.#waiting++
    if (!signal) return this.#work
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        if (--this.#waiting === 0) this.#abandon(signal.reason)
        reject(signal.reason)
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      const stay = () => signal.removeEventListener('abort', leave)
      this.#work.then(
        (value) => {
          stay()
          resolve(value)
        },
        (error) => {
          stay()
          reject(error)
        },
      )
    })
  }
}
