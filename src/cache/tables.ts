/**
 * Small things that are dear to make and asked for again: open cube files with their jump tables, page tables. Least recently
 * used first out, weighed in bytes; makers of the same one share the work, and a failure is not kept.
 */
import type { MaybePromise } from '../volume/maybe-promise.ts'

interface Row {
  readonly value: unknown
  readonly bytes: number
}

export class Tables {
  readonly #rows = new Map<string, Row>()
  readonly #pending = new Map<string, Promise<unknown>>()
  readonly #budget: number
  #held = 0

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes
  }

  get heldBytes(): number {
    return this.#held
  }

  get size(): number {
    return this.#rows.size
  }

  /** The row of this key, made by `make` where there is none. `undefined`, nothing is there, is not kept. */
  get<T extends object>(key: string, make: () => MaybePromise<T | undefined>, weigh: (value: T) => number): MaybePromise<T | undefined> {
    const row = this.#rows.get(key)
    if (row) {
      this.#rows.delete(key)
      this.#rows.set(key, row)
      return row.value as T
    }
    const pending = this.#pending.get(key)
    if (pending) return pending as Promise<T | undefined>
    const made = make()
    if (!(made instanceof Promise)) return this.#keep(key, made, weigh)
    const kept = made.then((value) => this.#keep(key, value, weigh)).finally(() => this.#pending.delete(key))
    this.#pending.set(key, kept)
    return kept
  }

  /** Keys and rows, least recently used first. */
  *entries(): Iterable<readonly [key: string, value: unknown]> {
    for (const [key, { value }] of this.#rows) yield [key, value]
  }

  /** Forgets all rows whose key begins so. */
  drop(prefix: string): void {
    for (const [key, row] of this.#rows) {
      if (!key.startsWith(prefix)) continue
      this.#rows.delete(key)
      this.#held -= row.bytes
    }
  }

  #keep<T extends object>(key: string, value: T | undefined, weigh: (value: T) => number): T | undefined {
    if (!value) return undefined
    const bytes = weigh(value) + 256
    this.#rows.set(key, { value, bytes })
    this.#held += bytes
    for (const [oldest, row] of this.#rows) {
      if (this.#held <= this.#budget || oldest === key) break
      this.#rows.delete(oldest)
      this.#held -= row.bytes
    }
    return value
  }
}
