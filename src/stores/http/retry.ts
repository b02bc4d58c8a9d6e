/** Tries again what may pass: with growing pauses of random length, for a limited time, and not all the time. */

import type { ErrorDetails } from '../../volume/errors.ts'
import { UpstreamError } from '../../volume/errors.ts'

/** An `UpstreamError` after which the same request may well succeed. */
export class Retriable extends UpstreamError {
  /** The server says when: not before this many ms. */
  readonly afterMs: number
  /** An answer that is wrong in itself is asked for once more, not as often as one that is late. */
  readonly once: boolean

  constructor(details: ErrorDetails, { afterMs = 0, once = false } = {}) {
    super(details)
    this.afterMs = afterMs
    this.once = once
  }
}

const BUDGET = 64
const EARNED = 0.5

/** Retries one server may still be asked for: spent by each, earned by successes, so that a sick one is not asked twice as much. */
export class RetryBudget {
  #left = BUDGET

  earn(): void {
    this.#left = Math.min(BUDGET, this.#left + EARNED)
  }

  spend(): boolean {
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

export interface RetryOptions {
  /** When all must be over, as `performance.now()` has it. */
  readonly until: number
  readonly budget?: RetryBudget | undefined
  readonly signal?: AbortSignal | undefined
  readonly attempts?: number | undefined
  readonly baseMs?: number | undefined
  readonly ceilingMs?: number | undefined
}

/** What `work` gives, or the last error it threw. Anything that is not `Retriable` is thrown at once. */
export async function retrying<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { until, budget, signal, attempts = 6, baseMs = 100, ceilingMs = 3000 } = options
  let wrongAnswers = 0
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      if (!(error instanceof Retriable) || attempt + 1 >= attempts || signal?.aborted) throw error
      if (error.once && ++wrongAnswers > 1) throw error
      const pause = Math.max(error.afterMs, Math.min(ceilingMs, baseMs * 2 ** attempt) * (0.5 + Math.random() / 2))
      if (performance.now() + pause >= until || (budget && !budget.spend())) throw error
      await sleep(pause, signal)
    }
  }
}

/** Rejects with the signal's reason where it fires before. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const wake = () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }
    const timer = setTimeout(wake, ms)
    const stop = () => {
      clearTimeout(timer)
      reject(signal!.reason)
    }
    signal?.addEventListener('abort', stop, { once: true })
  })
}

/** `Retry-After` in ms: seconds or a date. */
export function retryAfterMs(value: string | null, now = Date.now()): number {
  if (!value) return 0
  const seconds = Number(value)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - now
  return Math.max(ms || 0, 0)
}
