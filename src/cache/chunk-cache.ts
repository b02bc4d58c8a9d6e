/**
 * Decoded chunks, least recently used first out, weighed in bytes of one budget. Concurrent readers of a chunk share one read
 * (single flight); a failed read is forgotten at once, and a read is aborted only when the last of its readers has gone.
 *
 * Keys are self-describing: the array's id (dataset version / layer / mag) and the chunk's grid index.
 */
import { type ChunkedArray, type ChunkGrid, chunkBytes, type FetchedChunks } from '../volume/chunked-array.ts'
import type { ChunkReader } from '../volume/cutout.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import type { Vec3 } from '../volume/vec.ts'
import { Admission } from './admission.ts'
import { flightName, keyOf } from './chunk-key.ts'
import { LazyAbort } from './lazy-abort.ts'
import { type Linked, Lru } from './lru.ts'
import { SharedFlight } from './shared-flight.ts'
import { type Piece, type Slab, Slabs } from './slabs.ts'

interface Entry extends Linked<Entry> {
  readonly owner: Map<string | number, Entry>
  readonly key: string | number
  readonly piece: Piece
  readonly bytes: Uint8Array
  /** Readers that have been promised the bytes and have not copied them yet. */
  pins: number
}

export interface CacheStatistics {
  readonly budgetBytes: number
  readonly heldBytes: number
  readonly chunks: number
  readonly hits: number
  readonly misses: number
  readonly evictions: number
}

type Visit = (bytes: Uint8Array) => void
/** Kept, too large to be kept, or nothing that is stored. */
type Loaded = Entry | Uint8Array | undefined

export class ChunkCache implements ChunkReader {
  readonly #arrays = new Map<string, Map<string | number, Entry>>()
  readonly #flights = new Map<string, SharedFlight<Loaded>>()
  readonly #slabs: Slabs
  readonly #budget: number
  readonly #admission = new Admission()
  readonly #lru = new Lru<Entry>()
  #hits = 0
  #misses = 0
  #evictions = 0

  constructor(budgetBytes: number) {
    this.#budget = budgetBytes
    this.#slabs = new Slabs(budgetBytes)
  }

  get statistics(): CacheStatistics {
    return {
      budgetBytes: this.#budget,
      heldBytes: this.#slabs.heldBytes,
      chunks: this.#lru.length,
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
    }
  }

  read(array: ChunkedArray | FetchedChunks, index: Vec3, visit: Visit, signal?: AbortSignal): MaybePromise<boolean> {
    const key = keyOf(array, index)
    const bytes = this.held(array, index, key)
    if (!bytes) return this.#miss(array, index, key, visit, signal)
    visit(bytes)
    return true
  }

  held(array: ChunkGrid, index: Vec3, key = keyOf(array, index)): Uint8Array | undefined {
    const entry = this.#arrays.get(array.id)?.get(key)
    if (!entry) return undefined
    this.#hits++
    this.#lru.touch(entry)
    return entry.bytes
  }

  /** A chunk that is cheap to read is decoded right into `target`, and kept only when it is asked for a second time soon. */
  readWhole(array: ChunkedArray, index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    const key = keyOf(array, index)
    const bytes = this.held(array, index, key)
    if (bytes) {
      target.set(bytes)
      return true
    }
    if (array.isCheap && !this.#admits(array, index)) {
      this.#misses++
      return array.readChunk(index, target, signal)
    }
    return this.#miss(array, index, key, (read) => target.set(read), signal)
  }

  #miss(array: ChunkedArray | FetchedChunks, index: Vec3, key: string | number, visit: Visit, signal?: AbortSignal): MaybePromise<boolean> {
    const flight = this.#flights.get(flightName(array, key))
    if (flight) return flight.join(signal).then((result) => this.#hand(result, visit))
    this.#misses++
    if (isFetched(array)) return this.#fetch(array, index, key, visit, signal)
    return this.#load(array, index, key, visit, signal)
  }

  #admits(array: ChunkedArray, index: Vec3): boolean {
    return this.#admission.admits(array.id, index, this.#budget / chunkBytes(array))
  }

  forget(chunks: ChunkGrid, index: Vec3): void {
    const entry = this.#arrays.get(chunks.id)?.get(keyOf(chunks, index))
    if (entry) this.#detach(entry)
  }

  /** Forgets every chunk of the arrays whose id begins so; chunks being copied stay until they are. */
  drop(idPrefix: string): void {
    for (const [id, entries] of this.#arrays) {
      if (!id.startsWith(idPrefix)) continue
      this.#arrays.delete(id)
      for (const entry of [...entries.values()]) this.#detach(entry)
    }
  }

  #load(array: ChunkedArray, index: Vec3, key: string | number, visit: Visit, signal?: AbortSignal): MaybePromise<boolean> {
    const bytes = chunkBytes(array)
    const piece = this.#room(bytes)
    const target = piece ? piece.bytes.subarray(0, bytes) : new Uint8Array(bytes)
    const abort = new LazyAbort()
    let read: MaybePromise<boolean>
    try {
      read = array.readChunk(index, target, signal ? abort.signal : undefined)
    } catch (error) {
      if (piece) this.#slabs.giveBack(piece)
      throw error
    }
    if (!(read instanceof Promise)) {
      if (!read) {
        if (piece) this.#slabs.giveBack(piece)
        return false
      }
      if (piece) this.#insert(array, key, piece, target)
      visit(target)
      return true
    }
    const drop = () => {
      if (piece) this.#slabs.giveBack(piece)
    }
    const keep = (stored: boolean): Loaded => {
      if (stored) return piece ? this.#insert(array, key, piece, target) : target
      drop()
      return undefined
    }
    return this.#fly(flightName(array, key), read, { keep, drop, abort }, visit, signal)
  }

  /** What comes in memory of its own is kept there; what turns out to be a part of something larger is copied. */
  #fetch(array: FetchedChunks, index: Vec3, key: string | number, visit: Visit, signal?: AbortSignal): Promise<boolean> {
    const abort = new LazyAbort()
    const keep = (bytes: Uint8Array | undefined): Loaded => {
      if (!bytes || bytes.length === 0) return bytes
      if (bytes.length === bytes.buffer.byteLength) {
        const piece = this.#roomFor(bytes)
        return piece ? this.#insert(array, key, piece, bytes) : bytes
      }
      const piece = this.#room(bytes.length)
      if (!piece) return bytes
      const copy = piece.bytes.subarray(0, bytes.length)
      copy.set(bytes)
      return this.#insert(array, key, piece, copy)
    }
    const read = array.fetchChunk(index, signal ? abort.signal : undefined)
    return this.#fly(flightName(array, key), read, { keep, drop() {}, abort }, visit, signal)
  }

  /**
   * Lets others join until `read` settles. What `keep` puts into the cache is pinned in the same turn: a turn later it might have been
   * evicted. `drop` is called instead when it fails.
   */
  #fly<T>(
    name: string,
    read: Promise<T>,
    { keep, drop, abort }: { readonly keep: (value: T) => Loaded; readonly drop: () => void; readonly abort: LazyAbort },
    visit: Visit,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const land = () => {
      if (this.#flights.get(name) === flight) this.#flights.delete(name)
    }
    const settled = read.then(
      (value) => {
        land()
        const result = keep(value)
        if (result && !(result instanceof Uint8Array)) result.pins = flight.waiting
        return result
      },
      (error) => {
        land()
        drop()
        throw error
      },
    )
    const flight = new SharedFlight(settled, (reason) => {
      land()
      abort.abort(reason)
    })
    this.#flights.set(name, flight)
    return flight.join(signal).then((result) => this.#hand(result, visit))
  }

  #hand(result: Loaded, visit: Visit): boolean {
    if (!result) return false
    if (result instanceof Uint8Array) {
      visit(result)
      return true
    }
    visit(result.bytes)
    if (--result.pins === 0 && result.owner.get(result.key) !== result) this.#slabs.giveBack(result.piece)
    return true
  }

  /** A piece for a new chunk; evicts the oldest ones until there is one. Undefined when the chunk is too large to be kept. */
  #room(bytes: number): Piece | undefined {
    if (bytes > this.#budget / 2) return undefined
    for (let piece = this.#slabs.take(bytes); ; piece = this.#slabs.take(bytes)) {
      if (piece) return piece
      const victim = this.#oldestUnpinned()
      if (!victim) return undefined
      // the same size class: its piece is used again. Another one: the whole slab goes, or memory would never change hands
      const { slab } = victim.piece
      this.#evict(victim)
      if (slab.pieceBytes < bytes || slab.pieceBytes > bytes * 1.5) this.#evictSlab(slab)
    }
  }

  /** The same for bytes that bring their memory along. Only whole slabs make room for them. */
  #roomFor(bytes: Uint8Array): Piece | undefined {
    if (bytes.length > this.#budget / 2) return undefined
    for (let piece = this.#slabs.adopt(bytes); ; piece = this.#slabs.adopt(bytes)) {
      if (piece) return piece
      const victim = this.#oldestUnpinned()
      if (!victim) return undefined
      this.#evict(victim)
      this.#evictSlab(victim.piece.slab)
    }
  }

  #evictSlab(slab: Slab): void {
    if (slab.isAdopted) return
    for (let entry = this.#lru.oldest; entry && slab.used > 0; ) {
      const { newer } = entry
      if (entry.piece.slab === slab && entry.pins === 0) this.#evict(entry)
      entry = newer
    }
    if (slab.used === 0) this.#slabs.release(slab)
  }

  #oldestUnpinned(): Entry | undefined {
    let entry = this.#lru.oldest
    while (entry && entry.pins > 0) entry = entry.newer
    return entry
  }

  #insert({ id }: ChunkGrid, key: string | number, piece: Piece, bytes: Uint8Array): Entry {
    let owner = this.#arrays.get(id)
    if (!owner) this.#arrays.set(id, (owner = new Map()))
    const previous = owner.get(key)
    if (previous) this.#detach(previous)
    const entry: Entry = { owner, key, piece, bytes, pins: 0, newer: undefined, older: undefined }
    owner.set(key, entry)
    this.#lru.add(entry)
    return entry
  }

  #evict(entry: Entry): void {
    this.#detach(entry)
    this.#evictions++
  }

  /** Takes an entry out; the piece of a pinned one is given back by its last reader. */
  #detach(entry: Entry): void {
    entry.owner.delete(entry.key)
    this.#lru.remove(entry)
    if (entry.pins === 0) this.#slabs.giveBack(entry.piece)
  }
}

const isFetched = (array: ChunkedArray | FetchedChunks): array is FetchedChunks => array.fetchChunk !== undefined
