/** One version of one remote object, read at any position. Small reads come from blocks that are remembered, large ones directly. */
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'
import { FileChanged, type Readable, type Stat } from '../store.ts'
import { BLOCK_BYTES, type BlockCache } from './blocks.ts'

/** Larger reads are not worth a place in the memory of blocks. */
const SMALL_BYTES = 32 * 1024
/** So often a file is asked whether it is still the same. */
const RECHECK_MS = 30_000

export interface RemoteParts {
  readonly name: string
  readonly stat: Stat
  readonly blocks: BlockCache
  /** Exactly these bytes of exactly this version. Throws `FileChanged` where there is another one now. */
  readonly read: (start: number, length: number, signal?: AbortSignal) => Promise<Uint8Array>
  /** Of what is there now; throws where that cannot be found out. */
  readonly currentVersion: () => Promise<string | undefined>
}

export class RemoteFile implements Readable {
  readonly name: string
  readonly size: number
  readonly version: string
  readonly #parts: RemoteParts
  readonly #id: number
  #isChanged = false
  #checkedAt = performance.now()

  /** `first`: the beginning of the file, as opening it brought it along. */
  constructor(parts: RemoteParts, first: Uint8Array) {
    this.name = parts.name
    this.size = parts.stat.size
    this.version = parts.stat.version
    this.#parts = parts
    this.#id = parts.blocks.newFile()
    if (first.length > 0) parts.blocks.put(this.#id, 0, first)
  }

  read(target: Uint8Array, offset: number, signal?: AbortSignal): MaybePromise<void> {
    if (offset < 0 || offset + target.length > this.size)
      throw new CorruptChunk({
        file: this.name,
        cause: `bytes ${offset} to ${offset + target.length} are asked for, the file ends at ${this.size}`,
      })
    if (this.#isChanged) throw new FileChanged(`${this.name} was changed while it was being read`)
    if (target.length > SMALL_BYTES) return this.#exactly(offset, target.length, signal).then((bytes) => target.set(bytes))
    const last = Math.floor((offset + target.length - 1) / BLOCK_BYTES)
    const next = (n: number): MaybePromise<void> => {
      if (n > last) return
      return chain(this.#block(n), (block) => {
        const from = Math.max(0, offset - n * BLOCK_BYTES)
        const at = n * BLOCK_BYTES + from - offset
        target.set(block.subarray(from, Math.min(block.length, from + target.length - at)), at)
        return next(n + 1)
      })
    }
    return next(Math.floor(offset / BLOCK_BYTES))
  }

  async isCurrent(): Promise<boolean> {
    if (this.#isChanged) return false
    if (performance.now() - this.#checkedAt < RECHECK_MS) return true
    this.#checkedAt = performance.now()
    try {
      return (await this.#parts.currentVersion()) === this.version
    } catch {
      return true
    }
  }

  #block(n: number): MaybePromise<Uint8Array> {
    const start = n * BLOCK_BYTES
    // without the reader's signal: others may wait for the same block
    return this.#parts.blocks.get(this.#id, n, () => this.#exactly(start, Math.min(BLOCK_BYTES, this.size - start)))
  }

  async #exactly(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    try {
      return await this.#parts.read(start, length, signal)
    } catch (error) {
      if (error instanceof FileChanged) this.#isChanged = true
      throw error
    }
  }
}
