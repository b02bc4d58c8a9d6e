/** What was asked of each server. Bounded: those after the first ones are counted together. */
export interface OriginCount {
  readonly origin: string
  requests: number
  retries: number
  failures: number
}

const MAX_ORIGINS = 64
export const OTHER_ORIGINS = 'other'

export class OriginCounts {
  readonly #counts = new Map<string, OriginCount>()

  of(origin: string): OriginCount {
    const known = this.#counts.get(origin)
    if (known) return known
    if (this.#counts.size >= MAX_ORIGINS && origin !== OTHER_ORIGINS) return this.of(OTHER_ORIGINS)
    const count = { origin, requests: 0, retries: 0, failures: 0 }
    this.#counts.set(origin, count)
    return count
  }

  all(): readonly OriginCount[] {
    return [...this.#counts.values()]
  }
}
