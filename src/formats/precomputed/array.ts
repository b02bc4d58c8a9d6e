/** One chunk size of one scale. A chunk at the upper edge is stored cut; a chunk that is not there holds nothing (formats.md 2.2). */

import { CodecError } from '../../../codecs/codec.ts'
import { gunzip } from '../../../codecs/gunzip.ts'
import type { Decoder } from '../../../codecs/pool.ts'
import type { Buffers } from '../../cache/buffers.ts'
import { FileChanged, type Store } from '../../stores/store.ts'
import { type Box, boxAt } from '../../volume/box.ts'
import { type ChunkedArray, chunkBytes, voxelBytes } from '../../volume/chunked-array.ts'
import { spreadBox } from '../../volume/copy.ts'
import type { DataType } from '../../volume/data-type.ts'
import { CorruptChunk, UpstreamError } from '../../volume/errors.ts'
import { always, chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { ceilDivide, equals, product, type Vec3 } from '../../volume/vec.ts'
import type { Encoding, Scale } from './metadata.ts'
import { compressedMorton } from './sharding.ts'
import type { Shards } from './shards.ts'
import { isRemote } from './source.ts'

export interface PrecomputedArrayParts {
  readonly id: string
  readonly store: Store
  readonly scale: Scale
  readonly chunkSize: Vec3
  readonly dataType: DataType
  readonly channels: number
  /** For chunks cut along x (1), y (2), z (4): some encodings have to know how large a chunk is. */
  readonly decoders: readonly Decoder[]
  readonly shards: Shards | undefined
  readonly metadataVersion: string
  readonly buffers: Buffers
  /** Called when a file is found to be replaced. */
  changed(): void
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
  readonly #grid: Vec3
  readonly #isRemote: boolean
  readonly #mostBytes: number

  constructor(parts: PrecomputedArrayParts) {
    const { scale, chunkSize } = parts
    this.#parts = parts
    this.id = parts.id
    this.dataType = parts.dataType
    this.channels = parts.channels
    this.box = boxAt(scale.offset, scale.size)
    this.gridOrigin = scale.offset
    this.chunkSize = chunkSize
    this.encoding = scale.encoding
    this.metadataVersion = parts.metadataVersion
    this.#grid = ceilDivide(scale.size, chunkSize)
    this.#isRemote = isRemote(parts.store.url)
    this.#mostBytes = mostBytes(chunkBytes(this))
    // what is sent as it is served needs no memory but that it comes in
    if (this.encoding === 'raw' && this.channels === 1 && this.#isRemote && !parts.shards)
      this.fetchChunk = async (index, signal) => this.#explained(index, () => this.#fetchRaw(index, signal))
  }

  /** Throws `CorruptChunk` naming file and chunk, or `UpstreamError`. */
  readChunk(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    return this.#explained(index, () => this.#read(index, target, signal))
  }

  #explained<T>(index: Vec3, work: () => MaybePromise<T>): MaybePromise<T> {
    return recover(work, (error) => {
      if (error instanceof CodecError) throw new CorruptChunk({ file: this.#fileName(index), chunk: index.join(','), cause: error.message })
      if (!(error instanceof FileChanged)) throw error
      this.#parts.changed()
      throw new UpstreamError({ cause: error.message })
    })
  }

  async #fetchRaw(index: Vec3, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    if (index.some((cell, d) => cell < 0 || cell >= this.#grid[d]!)) return undefined
    const bytes = await this.#parts.store.get(this.#keyOf(index), undefined, signal, this.#mostBytes)
    if (bytes === undefined || bytes.length === 0) return undefined
    const size = this.#sizeOf(index)
    this.#checkRaw(bytes.length, size)
    if (equals(size, this.chunkSize)) return bytes
    const whole = new Uint8Array(chunkBytes(this))
    whole.set(bytes)
    spreadBox(whole, size, this.chunkSize, voxelBytes(this))
    return whole
  }

  #read(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    if (index.some((cell, d) => cell < 0 || cell >= this.#grid[d]!)) return false
    return this.#parts.shards ? this.#readSharded(this.#parts.shards, index, target, signal) : this.#readFile(index, target, signal)
  }

  #readFile(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    const { store } = this.#parts
    const key = this.#keyOf(index)
    const whole = () =>
      store
        .get(key, undefined, signal, this.#mostBytes)
        .then((bytes) => bytes !== undefined && bytes.length > 0 && this.#decode(bytes, index, target))
    // one request; a file of this machine is opened at once, and may lie compressed beside its name
    if (this.#isRemote) return whole()
    return chain(store.open(key, signal), (file) => {
      if (!file) return whole()
      // an empty object is a chunk without anything in it
      if (file.size === 0) return false
      return this.#readPart(file.size, (buffer) => file.read(buffer, 0, signal), index, target)
    })
  }

  #readSharded(shards: Shards, index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    return chain(shards.find(compressedMorton(index, this.#grid), signal), (place) => {
      if (!place || place.length === 0) return false
      return this.#readPart(place.length, (buffer) => place.file.read(buffer, place.start, signal), index, target)
    })
  }

  #readPart(length: number, read: (into: Uint8Array) => MaybePromise<void>, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const isPlain = this.encoding === 'raw' && !this.#isZipped
    if (isPlain) {
      const size = this.#sizeOf(index)
      const bytes = this.#checkRaw(length, size)
      // planes of several channels have to be decoded out of other memory
      if (this.channels === 1) return chain(read(target.subarray(0, bytes)), () => this.#spread(size, target))
    }
    if (length > this.#mostBytes) throw new CodecError(`${length} bytes, a chunk never has more than ${this.#mostBytes}`)
    return chain(this.#parts.buffers.take(length), (buffer) => {
      const source = buffer.subarray(0, length)
      return always(
        () => chain(read(source), () => this.#decode(source, index, target)),
        () => this.#parts.buffers.giveBack(buffer),
      )
    })
  }

  #checkRaw(length: number, size: Vec3): number {
    const bytes = product(size) * voxelBytes(this)
    if (length !== bytes) throw new CodecError(`${length} bytes, a raw chunk of ${size.join('×')} voxels has ${bytes}`)
    return bytes
  }

  #decode(stored: Uint8Array, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const size = this.#sizeOf(index)
    const cut = size.reduce((sum, edge, d) => sum + (edge < this.chunkSize[d]! ? 1 << d : 0), 0)
    const decoder = this.#parts.decoders[cut]!
    const bytes = product(size) * voxelBytes(this)
    const plain = this.#isZipped ? gunzip(stored, this.encoding === 'raw' ? bytes : this.#mostBytes) : stored
    return chain(plain, (source) => chain(decoder.decode(source, target.subarray(0, bytes)), () => this.#spread(size, target)))
  }

  get #isZipped(): boolean {
    return this.#parts.scale.sharding?.dataEncoding === 'gzip'
  }

  #spread(size: Vec3, target: Uint8Array): true {
    if (!equals(size, this.chunkSize)) spreadBox(target, size, this.chunkSize, voxelBytes(this))
    return true
  }

  /** Voxels stored of a chunk. */
  #sizeOf(index: Vec3): Vec3 {
    const { size } = this.#parts.scale
    const [cx, cy, cz] = this.chunkSize
    return [Math.min(cx, size[0] - index[0] * cx), Math.min(cy, size[1] - index[1] * cy), Math.min(cz, size[2] - index[2] * cz)]
  }

  /** `<key>/<x0>-<x1>_<y0>-<y1>_<z0>-<z1>`, in voxels of the scale with its offset; a negative one keeps its sign. */
  #keyOf(index: Vec3): string {
    const { offset, key } = this.#parts.scale
    const size = this.#sizeOf(index)
    const range = (d: 0 | 1 | 2): string => {
      const start = offset[d] + index[d] * this.chunkSize[d]
      return `${start}-${start + size[d]}`
    }
    return `${key}/${range(0)}_${range(1)}_${range(2)}`
  }

  #fileName(index: Vec3): string {
    const { store, scale, shards } = this.#parts
    return shards ? `${store.url}/${scale.key}` : `${store.url}/${this.#keyOf(index)}`
  }
}
