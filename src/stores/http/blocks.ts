/**
 * Remembers blocks of remote files, so that reading a header field by field costs one request. Bounded in bytes for all files together;
 * the block unused longest goes first. A block on its way is shared; one that failed is forgotten.
 */
import type { MaybePromise } from '../../volume/maybe-promise.ts'

export const BLOCK_BYTES = 64 * 1024

export class BlockCache {
  readonly #most: number
  readonly #blocks = new Map<string, Uint8Array | Promise<Uint8Array>>()
  #files = 0

  constructor(budgetBytes: number) {
    this.#most = Math.max(4, Math.floor(budgetBytes / BLOCK_BYTES))
  }

  get size(): number {
    return this.#blocks.size
  }

  /** An id for one version of one file. */
  newFile(): number {
    return ++this.#files
  }

  put(file: number, n: number, bytes: Uint8Array): void {
    this.#keep(`${file}:${n}`, bytes)
  }

  get(file: number, n: number, load: () => Promise<Uint8Array>): MaybePromise<Uint8Array> {
    const key = `${file}:${n}`
    const known = this.#blocks.get(key)
    if (known) {
      if (known instanceof Uint8Array) this.#keep(key, known)
      return known
    }
    const loading = load().then(
      (bytes) => {
        this.#keep(key, bytes)
        return bytes
      },
      (error) => {
        if (this.#blocks.get(key) === loading) this.#blocks.delete(key)
        throw error
      },
    )
    this.#keep(key, loading)
    return loading
  }

  #keep(key: string, block: Uint8Array | Promise<Uint8Array>): void {
    this.#blocks.delete(key)
    this.#blocks.set(key, block)
    for (const oldest of this.#blocks.keys()) {
      if (this.#blocks.size <= this.#most) return
      this.#blocks.delete(oldest)
    }
  }
}
