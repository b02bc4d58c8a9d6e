/** Who was used longest ago: a list through the entries themselves, so that using one costs no memory. */
export interface Linked<T> {
  newer: T | undefined
  older: T | undefined
}

export class Lru<T extends Linked<T>> {
  #newest: T | undefined
  #oldest: T | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  get oldest(): T | undefined {
    return this.#oldest
  }

  add(entry: T): void {
    this.#length++
    entry.older = this.#newest
    entry.newer = undefined
    if (this.#newest) this.#newest.newer = entry
    else this.#oldest = entry
    this.#newest = entry
  }

  remove(entry: T): void {
    if (entry.newer) entry.newer.older = entry.older
    else this.#newest = entry.older
    if (entry.older) entry.older.newer = entry.newer
    else this.#oldest = entry.newer
    this.#length--
  }

  /** Was used just now. */
  touch(entry: T): void {
    if (entry === this.#newest) return
    this.remove(entry)
    this.add(entry)
  }
}
