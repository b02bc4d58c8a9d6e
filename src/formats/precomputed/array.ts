/** One chunk size of one scale. A chunk at the upper edge is stored cut; a chunk that is not there holds nothing (formats.md 2.2). */

import { CodecError } from '../../../codecs/codec.ts'
import { gunzip } from '../../../codecs/gunzip.ts'
import type { Decoder } from '../../../codecs/pool.ts'
import type { Buffers } from '../../cache/buffers.ts'
import type { Box } from '../../volume/box.ts'
import { type ChunkedArray, chunkBytes, voxelBytes } from '../../volume/chunked-array.ts'
import { spreadBox } from '../../volume/copy.ts'
import type { DataType } from '../../volume/data-type.ts'
import { always, chain, type MaybePromise } from '../../volume/maybe-promise.ts'
import { equals, product, type Vec3 } from '../../volume/vec.ts'
import type { ChunkFiles, StoredPart } from './files.ts'
import type { Encoding } from './metadata.ts'
import type { StoredChunks } from './stored.ts'

export interface PrecomputedArrayParts {
  readonly id: string
  readonly box: Box
  readonly gridOrigin: Vec3
  readonly chunkSize: Vec3
  readonly files: ChunkFiles
  readonly encoding: Encoding
  /** Each chunk is compressed once more. */
  readonly isZipped: boolean
  readonly dataType: DataType
  readonly channels: number
  /** For chunks cut along x (1), y (2), z (4): some encodings have to know how large a chunk is. */
  readonly decoders: readonly Decoder[]
  readonly metadataVersion: string
  readonly buffers: Buffers
  /** Where stored chunks are kept, for those of which parts are decoded as well. */
  readonly stored?: StoredChunks | undefined
}

/** No encoding makes a chunk of so many bytes larger than this, so what is has never been one. */
export const mostBytes = (bytes: number): number => 4 * bytes + 65536

export class PrecomputedArray implements ChunkedArray {
  readonly id: string
  readonly dataType: DataType
  readonly channels: number
  readonly box: Box
  readonly gridOrigin: Vec3
  readonly chunkSize: Vec3
  readonly encoding: Encoding
  readonly metadataVersion: string
  readonly fetchChunk?: NonNullable<ChunkedArray['fetchChunk']>
  readonly #parts: PrecomputedArrayParts
  readonly #mostBytes: number

  constructor(parts: PrecomputedArrayParts) {
    this.#parts = parts
    this.id = parts.id
    this.dataType = parts.dataType
    this.channels = parts.channels
    this.box = parts.box
    this.gridOrigin = parts.gridOrigin
    this.chunkSize = parts.chunkSize
    this.encoding = parts.encoding
    this.metadataVersion = parts.metadataVersion
    this.#mostBytes = mostBytes(chunkBytes(this))
    // what is sent as it is served needs no memory but what it comes in
    if (this.encoding === 'raw' && this.channels === 1 && parts.files.areFetched)
      this.fetchChunk = async (index, signal) => parts.files.explained(index, () => this.#fetchRaw(index, signal))
  }

  /** Throws `CorruptChunk` naming file and chunk, or `UpstreamError`. */
  readChunk(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    const { files, stored } = this.#parts
    if (stored) return stored.use(index, (bytes) => this.#decode(bytes, index, target), signal)
    return files.explained(index, () =>
      chain(files.find(index, signal), (stored) => {
        if (!stored) return false
        return stored instanceof Uint8Array ? this.#unzip(stored, index, target) : this.#readPart(stored, index, target)
      }),
    )
  }

  async #fetchRaw(index: Vec3, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const bytes = await this.#parts.files.find(index, signal)
    if (!(bytes instanceof Uint8Array)) return undefined
    const size = this.#parts.files.sizeOf(index)
    this.#checkRaw(bytes.length, size)
    if (equals(size, this.chunkSize)) return bytes
    const whole = new Uint8Array(chunkBytes(this))
    whole.set(bytes)
    this.#spread(size, whole)
    return whole
  }

  #readPart({ length, read }: StoredPart, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const isPlain = this.encoding === 'raw' && !this.#parts.isZipped
    if (isPlain) {
      const size = this.#parts.files.sizeOf(index)
      const bytes = this.#checkRaw(length, size)
      // planes of several channels have to be decoded out of other memory
      if (this.channels === 1) return chain(read(target.subarray(0, bytes)), () => this.#spread(size, target))
    }
    this.#parts.files.checkLength(length)
    return chain(this.#parts.buffers.take(length), (buffer) => {
      const source = buffer.subarray(0, length)
      return always(
        () => chain(read(source), () => this.#unzip(source, index, target)),
        () => this.#parts.buffers.giveBack(buffer),
      )
    })
  }

  #checkRaw(length: number, size: Vec3): number {
    const bytes = product(size) * voxelBytes(this)
    if (length !== bytes) throw new CodecError(`${length} bytes, a raw chunk of ${size.join('×')} voxels has ${bytes}`)
    return bytes
  }

  #unzip(stored: Uint8Array, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    if (!this.#parts.isZipped) return this.#decode(stored, index, target)
    const most = this.encoding === 'raw' ? product(this.#parts.files.sizeOf(index)) * voxelBytes(this) : this.#mostBytes
    return chain(gunzip(stored, most), (plain) => this.#decode(plain, index, target))
  }

  #decode(plain: Uint8Array, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const { files, decoders } = this.#parts
    const size = files.sizeOf(index)
    const voxels = target.subarray(0, product(size) * voxelBytes(this))
    return chain(decoders[files.cutOf(index)]!.decode(plain, voxels), () => this.#spread(size, target))
  }

  #spread(size: Vec3, target: Uint8Array): true {
    if (!equals(size, this.chunkSize)) spreadBox(target, size, this.chunkSize, voxelBytes(this))
    return true
  }
}
