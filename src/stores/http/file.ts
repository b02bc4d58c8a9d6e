/** One version of one remote object, read at any position. Small reads come from blocks that are remembered, large ones directly. */
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'
import { FileChanged, type Readable, type Stat } from '../store.ts'
import { BLOCK_BYTES, type BlockCache } from './blocks.ts'

/** Reads of so many bytes, as of an uncompressed bucket, are not worth a place in the memory of blocks. */
const LARGE_BYTES = 32 * 1024
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
    if (target.length === 0) return
    if (target.length >= LARGE_BYTES) return this.#exactly(offset, target.length, signal).then((bytes) => target.set(bytes))
    const n = Math.floor(offset / BLOCK_BYTES)
    const at = offset - n * BLOCK_BYTES
    const first = this.#block(n)
    if (at + target.length <= BLOCK_BYTES) return chain(first, (block) => target.set(block.subarray(at, at + target.length)))
    // both at once: one after the other they would be two round trips
    const next = this.#block(n + 1)
    const copy = ([head, tail]: readonly Uint8Array[]): void => {
      target.set(head!.subarray(at))
      target.set(tail!.subarray(0, at + target.length - BLOCK_BYTES), BLOCK_BYTES - at)
    }
    return first instanceof Promise || next instanceof Promise ? Promise.all([first, next]).then(copy) : copy([first, next])
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
