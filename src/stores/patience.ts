/**
 * Waits for file operations that may hang, as those of a network file system do when its server is gone. Each has a time-out; a place
 * that has not answered in time is not asked again for a moment, so that its callers fail at once instead of piling up, and only so
 * many operations are under way at one place, so that it leaves threads for the others.
 */
import { UpstreamError } from '../volume/errors.ts'

const TIMEOUT_MS = 8000
/** What hangs comes back by itself when its server does; only in case it does not, one operation in so long is tried again. */
const REST_MS = 30_000
const PARALLEL = 12

interface Place {
  pending: number
  /** Since when an operation has been overdue. */
  overdue: number
  since: number
  lastTried: number
  readonly queue: (() => void)[]
}

export class Patience {
  readonly #places = new Map<string, Place>()
  readonly #timeoutMs: number

  constructor(timeoutMs = TIMEOUT_MS) {
    this.#timeoutMs = timeoutMs
  }

  /** Runs `work` at `place`, a mount point. `path` is for the message. Throws `UpstreamError` where it does not answer in time. */
  async wait<T>(place: string, path: string, work: () => Promise<T>): Promise<T> {
    let state = this.#places.get(place)
    if (!state) this.#places.set(place, (state = { pending: 0, overdue: 0, since: 0, lastTried: 0, queue: [] }))
    const silent = () =>
      // a moment, not a duration: the same trouble in the same words is said once
      new UpstreamError({ file: path, cause: `${place} has not answered since ${new Date(state.since).toISOString().slice(0, 19)}Z` })
    if (state.overdue > 0) {
      if (Date.now() - state.lastTried < REST_MS || state.pending >= PARALLEL) throw silent()
      state.lastTried = Date.now()
    }
    while (state.pending >= PARALLEL) {
      await new Promise<void>((resolve) => state.queue.push(resolve))
      if (state.overdue > 0) {
        state.queue.shift()?.()
        throw silent()
      }
    }
    return this.#race(state, work, silent)
  }

  async #race<T>(state: Place, work: () => Promise<T>, silent: () => UpstreamError): Promise<T> {
    state.pending++
    let late = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        late = true
        if (state.overdue++ === 0) state.since = Date.now() - this.#timeoutMs
        state.lastTried = Date.now()
        reject(silent())
        // whoever waits in line fails as well
        state.queue.shift()?.()
      }, this.#timeoutMs)
    })
    const done = () => {
      clearTimeout(timer)
      state.pending--
      if (late) state.overdue--
      state.queue.shift()?.()
    }
    const working = work()
    working.then(done, done)
    return Promise.race([working, timeout])
  }
}
