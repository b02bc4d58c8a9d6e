/** Where the chunks of one chunk size of one scale lie: a file for each, or places in shards (formats.md 2.2, 2.4). */
import { CodecError } from '../../../codecs/codec.ts'
import { FileChanged, type Store } from '../../stores/store.ts'
import { CorruptChunk, UpstreamError } from '../../volume/errors.ts'
import { chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { ceilDivide, type Vec3 } from '../../volume/vec.ts'
import type { Scale } from './metadata.ts'
import { compressedMorton } from './sharding.ts'
import type { Shards } from './shards.ts'
import { isRemote } from './source.ts'

export interface ChunkFilesParts {
  readonly store: Store
  readonly scale: Scale
  readonly chunkSize: Vec3
  readonly shards: Shards | undefined
  /** No stored chunk has more bytes. */
  readonly mostBytes: number
  /** Called when a file is found to be replaced. */
  changed(): void
}

/** Stored bytes that can be read to where they are wanted. */
export interface StoredPart {
  readonly length: number
  read(into: Uint8Array): MaybePromise<void>
}

export class ChunkFiles {
  /** A request for each chunk, which brings memory of its own. */
  readonly areFetched: boolean
  readonly #parts: ChunkFilesParts
  readonly #grid: Vec3
  readonly #isRemote: boolean

  constructor(parts: ChunkFilesParts) {
    this.#parts = parts
    this.#grid = ceilDivide(parts.scale.size, parts.chunkSize)
    this.#isRemote = isRemote(parts.store.url)
    this.areFetched = this.#isRemote && !parts.shards
  }

  /** The bytes of a chunk, or where they can be read from; undefined where nothing is stored. */
  find(index: Vec3, signal?: AbortSignal): MaybePromise<Uint8Array | StoredPart | undefined> {
    if (index.some((cell, d) => cell < 0 || cell >= this.#grid[d]!)) return undefined
    const { shards } = this.#parts
    return shards ? this.#inShard(shards, index, signal) : this.#inFile(index, signal)
  }

  #inFile(index: Vec3, signal?: AbortSignal): MaybePromise<Uint8Array | StoredPart | undefined> {
    const { store, mostBytes } = this.#parts
    const key = this.#keyOf(index)
    // an empty object is a chunk without anything in it
    const whole = () => store.get(key, undefined, signal, mostBytes).then((bytes) => (bytes?.length ? bytes : undefined))
    // one request; a file of this machine is opened at once, and may lie compressed beside its name
    if (this.#isRemote) return whole()
    return chain(store.open(key, signal), (file): MaybePromise<Uint8Array | StoredPart | undefined> => {
      if (!file) return whole()
      return file.size === 0 ? undefined : { length: file.size, read: (into) => file.read(into, 0, signal) }
    })
  }

  #inShard(shards: Shards, index: Vec3, signal?: AbortSignal): MaybePromise<StoredPart | undefined> {
    return chain(shards.find(compressedMorton(index, this.#grid), signal), (place) => {
      if (!place || place.length === 0) return undefined
      return { length: place.length, read: (into) => place.file.read(into, place.start, signal) }
    })
  }

  /** Throws `CodecError` where a chunk is said to have more bytes than one can have. */
  checkLength(length: number): void {
    const { mostBytes } = this.#parts
    if (length > mostBytes) throw new CodecError(`${length} bytes, a chunk never has more than ${mostBytes}`)
  }

  /** Which of the eight kinds of chunks this is: whole (0), or cut along x (1), y (2), z (4). */
  cutOf(index: Vec3): number {
    return this.sizeOf(index).reduce((sum, edge, d) => sum + (edge < this.#parts.chunkSize[d]! ? 1 << d : 0), 0)
  }

  /** Voxels stored of a chunk: one at the upper edge is cut. */
  sizeOf(index: Vec3): Vec3 {
    const { scale, chunkSize } = this.#parts
    const { size } = scale
    const [cx, cy, cz] = chunkSize
    return [Math.min(cx, size[0] - index[0] * cx), Math.min(cy, size[1] - index[1] * cy), Math.min(cz, size[2] - index[2] * cz)]
  }

  /** What `work` gives. Throws `CorruptChunk`, naming file and chunk, for what cannot be decoded; `UpstreamError` for a file that was replaced. */
  explained<T>(index: Vec3, work: () => MaybePromise<T>): MaybePromise<T> {
    return recover(work, (error) => {
      if (error instanceof CodecError) throw new CorruptChunk({ file: this.#fileName(index), chunk: index.join(','), cause: error.message })
      if (!(error instanceof FileChanged)) throw error
      this.#parts.changed()
      throw new UpstreamError({ cause: error.message })
    })
  }

  /** `<key>/<x0>-<x1>_<y0>-<y1>_<z0>-<z1>`, in voxels of the scale with its offset; a negative one keeps its sign. */
  #keyOf(index: Vec3): string {
    const { scale, chunkSize } = this.#parts
    const size = this.sizeOf(index)
    const range = (d: 0 | 1 | 2): string => {
      const start = scale.offset[d] + index[d] * chunkSize[d]
      return `${start}-${start + size[d]}`
    }
    return `${scale.key}/${range(0)}_${range(1)}_${range(2)}`
  }

  #fileName(index: Vec3): string {
    const { store, scale, shards } = this.#parts
    return shards ? `${store.url}/${scale.key}` : `${store.url}/${this.#keyOf(index)}`
  }
}
