/**
 * Finds what a shard file holds under an id: one read for a minishard's entry, one for its index, both remembered, and the caller's for
 * the bytes themselves. Layout: formats.md 2.8. Serves chunks, and whatever else is stored in shards.
 */
import { CodecError } from '../../../codecs/codec.ts'
import { gunzip } from '../../../codecs/gunzip.ts'
import type { Tables } from '../../cache/tables.ts'
import type { Readable, Store } from '../../stores/store.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { placeOf, type Sharding, shardName } from './sharding.ts'

export interface ShardsParts {
  /** Part of the keys of all tables. */
  readonly id: string
  readonly store: Store
  /** Key of the folder of the shards. */
  readonly folder: string
  readonly sharding: Sharding
  readonly tables: Tables
}

export interface Place {
  readonly file: Readable
  readonly start: number
  readonly length: number
}

interface Shard {
  readonly data: Readable
  /** Where in `data` the offsets of the shard's indices count from. */
  readonly base: number
  /** Start and end of each minishard's index, where the whole table is small; else it is read entry by entry. */
  readonly entries: BigUint64Array | undefined
  readonly index: Readable
}

interface Minishard {
  readonly ids: BigUint64Array
  readonly starts: Float64Array
  readonly sizes: Float64Array
  readonly isSorted: boolean
}

const ENTRY_BYTES = 16
/** Tables of up to this size are read whole: they cost no more than one entry. */
const WHOLE_TABLE_BYTES = 64 * 1024
/** An index of a minishard has three 64-bit numbers per chunk. */
const ROW_BYTES = 24
const MAX_INDEX_BYTES = 64 * 1024 * 1024

export class Shards {
  readonly #parts: ShardsParts
  /** Whether files called .shard were seen: then the older pairs .index and .data are not looked for. */
  #isModern = false

  constructor(parts: ShardsParts) {
    this.#parts = parts
  }

  /** Where the bytes stored under `id` lie; undefined where nothing is. Throws `CorruptChunk`, `UpstreamError`, `FileChanged`. */
  find(id: bigint, signal?: AbortSignal): MaybePromise<Place | undefined> {
    const { shard, minishard } = placeOf(id, this.#parts.sharding)
    const name = shardName(shard, this.#parts.sharding)
    const key = `${this.#parts.id}/${name}`
    return chain(
      this.#parts.tables.get(
        key,
        () => this.#openShard(name),
        ({ entries }) => entries?.byteLength ?? 0,
      ),
      (opened) => {
        if (!opened) return undefined
        const index = this.#parts.tables.get(
          `${key}/${minishard}`,
          () => this.#readMinishard(opened, minishard, signal),
          ({ ids }) => ids.length * ROW_BYTES,
        )
        return chain(index, (rows) => rows && placeIn(rows, id, opened))
      },
    )
  }

  #openShard(name: string): MaybePromise<Shard | undefined> {
    const { store, folder } = this.#parts
    const tableBytes = ENTRY_BYTES * 2 ** this.#parts.sharding.minishardBits
    return chain(store.open(`${folder}/${name}.shard`), (file) => {
      if (file) {
        this.#isModern = true
        return this.#shard(file, file, tableBytes, tableBytes)
      }
      if (this.#isModern) return undefined
      return chain(store.open(`${folder}/${name}.index`), (index) => {
        if (!index) return undefined
        return chain(store.open(`${folder}/${name}.data`), (data) => {
          if (!data) throw new CorruptChunk({ file: index.name, cause: `there is no ${name}.data beside it` })
          return this.#shard(index, data, 0, tableBytes)
        })
      })
    })
  }

  #shard(index: Readable, data: Readable, base: number, tableBytes: number): MaybePromise<Shard> {
    if (index.size < tableBytes)
      throw new CorruptChunk({
        file: index.name,
        cause: `${index.size} bytes, the table of ${2 ** this.#parts.sharding.minishardBits} minishards alone has ${tableBytes}`,
      })
    if (tableBytes > WHOLE_TABLE_BYTES) return { index, data, base, entries: undefined }
    const entries = new BigUint64Array(tableBytes / 8)
    return chain(index.read(new Uint8Array(entries.buffer), 0), () => ({ index, data, base, entries }))
  }

  #readMinishard(shard: Shard, minishard: number, signal?: AbortSignal): MaybePromise<Minishard | undefined> {
    if (shard.entries) return this.#readIndex(shard, shard.entries[2 * minishard]!, shard.entries[2 * minishard + 1]!, minishard, signal)
    const entry = new BigUint64Array(2)
    return chain(shard.index.read(new Uint8Array(entry.buffer), ENTRY_BYTES * minishard, signal), () =>
      this.#readIndex(shard, entry[0]!, entry[1]!, minishard, signal),
    )
  }

  #readIndex(shard: Shard, from: bigint, to: bigint, minishard: number, signal?: AbortSignal): MaybePromise<Minishard | undefined> {
    if (from === to) return undefined
    const corrupt = (cause: string) => new CorruptChunk({ file: shard.data.name, cause: `the index of minishard ${minishard} ${cause}` })
    const [start, length] = [shard.base + Number(from), Number(to - from)]
    if (length < 0 || start + length > shard.data.size)
      throw corrupt(`lies from ${start} to ${start + length}, the file ends at ${shard.data.size}`)
    if (length > MAX_INDEX_BYTES) throw corrupt(`has ${length} bytes, at most ${MAX_INDEX_BYTES} are read`)
    const stored = new Uint8Array(length)
    const isGzip = this.#parts.sharding.indexEncoding === 'gzip'
    return recover(
      () =>
        chain(shard.data.read(stored, start, signal), () =>
          chain(isGzip ? gunzip(stored, MAX_INDEX_BYTES) : stored, (bytes) => {
            if (bytes.length % ROW_BYTES !== 0) throw corrupt(`has ${bytes.length} bytes, no multiple of ${ROW_BYTES}`)
            return parseIndex(bytes)
          }),
        ),
      (error) => {
        throw error instanceof CodecError ? corrupt(error.message) : error
      },
    )
  }
}

/** Rows of ids, of gaps before each chunk's bytes and of their lengths; ids are differences to the one before. */
function parseIndex(bytes: Uint8Array): Minishard {
  const count = bytes.length / ROW_BYTES
  const rows = new BigUint64Array(bytes.slice().buffer)
  const ids = rows.slice(0, count)
  const starts = new Float64Array(count)
  const sizes = new Float64Array(count)
  let isSorted = true
  let end = 0
  for (let n = 0; n < count; n++) {
    if (n > 0) ids[n] = ids[n]! + ids[n - 1]!
    if (n > 0 && ids[n]! <= ids[n - 1]!) isSorted = false
    starts[n] = end + Number(rows[count + n])
    sizes[n] = Number(rows[2 * count + n])
    end = starts[n]! + sizes[n]!
  }
  return { ids, starts, sizes, isSorted }
}

function placeIn({ ids, starts, sizes, isSorted }: Minishard, id: bigint, { data, base }: Shard): Place | undefined {
  const n = isSorted ? search(ids, id) : ids.indexOf(id)
  if (n < 0) return undefined
  const [start, length] = [base + starts[n]!, sizes[n]!]
  if (!(start + length <= data.size))
    throw new CorruptChunk({
      file: data.name,
      cause: `id ${id} is said to lie from ${start} to ${start + length}, the file ends at ${data.size}`,
    })
  return { file: data, start, length }
}

function search(ids: BigUint64Array, id: bigint): number {
  let low = 0
  let high = ids.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const found = ids[middle]!
    if (found === id) return middle
    if (found < id) low = middle + 1
    else high = middle - 1
  }
  return -1
}
