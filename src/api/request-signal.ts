/**
 * Signals that fire when a request has taken too long. All requests that begin within a second share one: a timer for each would cost
 * more than the bucket it is for.
 */
const SLOT_MS = 1000

export class Deadlines {
  readonly #ms: number
  #signal = AbortSignal.abort()
  #until = 0

  /** Signals fire after `ms` to `ms` + 1000. */
  constructor(ms: number) {
    this.#ms = ms
  }

  signal(now = performance.now()): AbortSignal {
    if (now >= this.#until) {
      const controller = new AbortController()
      const reason = new Error(`it was not read within ${Math.round(this.#ms / 1000)} s`)
      setTimeout(() => controller.abort(reason), this.#ms + SLOT_MS).unref()
      this.#signal = controller.signal
      this.#until = now + SLOT_MS
    }
    return this.#signal
  }
}

/**
 * Fires when the client has left, or its patience ends. Only for what lies far away: a local disk has limits of its own, and a signal costs
 * as much as a bucket from it. From there only what takes long, `isLong`, ends when the client leaves.
 */
export function signalFor(deadlines: Deadlines, isRemote: boolean, request: Request, isLong = false): AbortSignal | undefined {
  if (isRemote) return AbortSignal.any([deadlines.signal(), request.signal])
  return isLong ? request.signal : undefined
}

/** The client has gone: nothing is worth saying any more. Our own signals fire with other reasons. */
export const hasLeft = (signal: AbortSignal | undefined): boolean =>
  signal?.aborted === true && (signal.reason as { name?: unknown } | undefined)?.name === 'AbortError'
