/**
 * Keeps away from a server that only fails, so that asking it costs milliseconds instead of a time-out. After a rest one request is let
 * through; if that succeeds all are, else the rest begins anew.
 */
const REST_MS = 4000
/** How much may go wrong in a row. A server that does not answer weighs more than one that answers with an error. */
const TOLERANCE = 20
export const WEIGHTS = { silent: 4, error: 1 } as const

export class Breaker {
  readonly #restMs: number
  #failures = 0
  #openUntil = 0
  /** Since when a trial has been under way; 0 where there is none. */
  #trialSince = 0
  #why = ''

  constructor(restMs = REST_MS) {
    this.#restMs = restMs
  }

  /** Why it must not be asked just now, or undefined. Changes nothing. */
  refusal(now = Date.now()): string | undefined {
    return this.#failures >= TOLERANCE && now < this.#openUntil ? this.#text() : undefined
  }

  /** The same for whoever is about to ask: after the rest the first one is the trial, and the others are refused until it ends. */
  enter(now = Date.now()): string | undefined {
    if (this.#failures < TOLERANCE) return undefined
    // a trial that never reported, because its reader left, is nobody's trial
    const isTried = this.#trialSince > 0 && now - this.#trialSince < this.#restMs
    if (now < this.#openUntil || isTried) return this.#text()
    this.#trialSince = now
    return undefined
  }

  #text(): string {
    return `it only fails just now (${this.#why}); it is tried again in a moment`
  }

  succeeded(): void {
    this.#failures = 0
    this.#trialSince = 0
  }

  failed(why: string, weight: number, now = Date.now()): void {
    this.#failures += weight
    this.#trialSince = 0
    this.#why = why
    if (this.#failures >= TOLERANCE) this.#openUntil = now + this.#restMs
  }
}
