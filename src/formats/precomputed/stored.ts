/**
 * Chunks kept as they are stored. Compressed segmentation is a fraction of the labels in it, and any of its blocks can be decoded by
 * itself: keeping the stored bytes and decoding what is looked at takes less memory, and less time, than keeping all labels of a chunk.
 */
import { gunzip } from '../../../codecs/gunzip.ts'
import type { Box } from '../../volume/box.ts'
import type { ChunkGrid, FetchedChunks } from '../../volume/chunked-array.ts'
import type { ChunkReader } from '../../volume/cutout.ts'
import { chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import type { Vec3 } from '../../volume/vec.ts'
import type { ChunkFiles } from './files.ts'

export interface StoredChunksParts {
  readonly grid: ChunkGrid
  readonly files: ChunkFiles
  /** Where they are kept. */
  readonly kept: ChunkReader
  readonly isZipped: boolean
  /** No chunk has more bytes. */
  readonly mostBytes: number
}

export class StoredChunks implements FetchedChunks {
  readonly id: string
  readonly box: Box
  readonly gridOrigin: Vec3
  readonly chunkSize: Vec3
  readonly #parts: StoredChunksParts

  constructor(parts: StoredChunksParts) {
    const { id, box, gridOrigin, chunkSize } = parts.grid
    this.#parts = parts
    this.id = `${id}/stored`
    this.box = box
    this.gridOrigin = gridOrigin
    this.chunkSize = chunkSize
  }

  async fetchChunk(index: Vec3, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const { files, isZipped, mostBytes } = this.#parts
    const found = await files.find(index, signal)
    if (!found) return undefined
    let bytes: Uint8Array
    if (found instanceof Uint8Array) bytes = found
    else {
      files.checkLength(found.length)
      await found.read((bytes = new Uint8Array(found.length)))
    }
    return isZipped ? gunzip(bytes, mostBytes) : bytes
  }

  /**
   * What `decode` makes of the bytes of a chunk, which it must be done with when it returns; false where nothing is stored. Bytes that
   * cannot be decoded are not kept: they may have been mended when they are asked for again.
   */
  use(index: Vec3, decode: (bytes: Uint8Array) => MaybePromise<boolean>, signal?: AbortSignal): MaybePromise<boolean> {
    const { files, kept } = this.#parts
    let decoded: () => MaybePromise<boolean> = () => false
    const visit = (bytes: Uint8Array): void => {
      try {
        const result = decode(bytes)
        decoded = () => result
      } catch (error) {
        decoded = () => {
          throw error
        }
      }
    }
    return files.explained(index, () =>
      chain(kept.read(this, index, visit, signal), () =>
        recover(decoded, (error) => {
          kept.forget(this, index)
          throw error
        }),
      ),
    )
  }
}
