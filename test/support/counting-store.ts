/** A folder read as if it lay far away: every read takes a turn of the event loop and is counted. */
import type { Readable, Store } from '../../src/stores/store.ts'
import type { MaybePromise } from '../../src/volume/maybe-promise.ts'

export class CountingStore implements Store {
  readonly url: string
  readonly reads: { readonly key: string; readonly offset: number; readonly length: number }[] = []
  /** How often a read began while none was under way: round trips one after the other. */
  waves = 0
  #pending = 0
  readonly #store: Store

  constructor(store: Store) {
    this.url = store.url
    this.#store = store
  }

  get bytes(): number {
    return this.reads.reduce((sum, { length }) => sum + length, 0)
  }

  stat(key: string) {
    return this.#store.stat(key)
  }

  get(...args: Parameters<Store['get']>) {
    return this.#store.get(...args)
  }

  async list(prefix: string) {
    return (await this.#store.list?.(prefix)) ?? []
  }

  async open(key: string): Promise<Readable | undefined> {
    const file = await this.#store.open(key)
    if (!file) return undefined
    const { reads } = this
    const began = () => {
      if (this.#pending++ === 0) this.waves++
    }
    const ended = () => {
      this.#pending--
    }
    return {
      name: file.name,
      size: file.size,
      version: file.version,
      isCurrent: () => file.isCurrent(),
      read(target: Uint8Array, offset: number): MaybePromise<void> {
        reads.push({ key, offset, length: target.length })
        began()
        return new Promise<void>((resolve) => setTimeout(resolve, 1)).then(() => file.read(target, offset)).finally(ended)
      },
    }
  }
}
