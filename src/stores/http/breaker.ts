/**
 * Keeps away from a server that only fails, so that asking it costs milliseconds instead of a time-out. After a rest one request is let
 * through; if that succeeds all are, else the rest begins anew.
 */
const REST_MS = 4000
/** How long others wait for a trial: a server that is well again answers within it, a silent one must not hold up everybody. */
const TRIAL_PATIENCE_MS = 1000
/** How much may go wrong in a row. A server that does not answer weighs more than one that answers with an error. */
const TOLERANCE = 20
export const WEIGHTS = { silent: 4, error: 1 } as const

export class Breaker {
  readonly #restMs: number
  #failures = 0
  #openUntil = 0
  /** Since when a trial has been under way; 0 where there is none. */
  #trialSince = 0
  #trial: PromiseWithResolvers<void> | undefined
  #why = ''

  constructor(restMs = REST_MS) {
    this.#restMs = restMs
  }

  /** Why it must not be asked just now, or undefined. Changes nothing. */
  refusal(now = Date.now()): string | undefined {
    return this.#failures >= TOLERANCE && now < this.#openUntil ? this.#text() : undefined
  }

  /** Resolves when the trial under way ends or a second is over; undefined where there is none. */
  trial(): Promise<unknown> | undefined {
    return this.#trial && Promise.race([this.#trial.promise, Bun.sleep(TRIAL_PATIENCE_MS)])
  }

  /** The same for whoever is about to ask: after the rest the first one is the trial, and the others are refused until it ends. */
  enter(now = Date.now()): string | undefined {
    if (this.#failures < TOLERANCE) return undefined
    // a trial that never reported, because its reader left, is nobody's trial
    const isTried = this.#trialSince > 0 && now - this.#trialSince < this.#restMs
    if (now < this.#openUntil || isTried) return this.#text()
    this.#trialSince = now
    this.#trial?.resolve()
    this.#trial = Promise.withResolvers()
    return undefined
  }

  #text(): string {
    return `it only fails just now (${this.#why}); it is tried again in a moment`
  }

  succeeded(): void {
    this.#failures = 0
    this.ended()
  }

  failed(why: string, weight: number, now = Date.now()): void {
    this.#failures += weight
    this.#why = why
    if (this.#failures >= TOLERANCE) this.#openUntil = now + this.#restMs
    this.ended()
  }

  /** Also where its reader left and nothing is known: then the next one is a trial. */
  ended(): void {
    this.#trialSince = 0
    this.#trial?.resolve()
    this.#trial = undefined
  }
}
