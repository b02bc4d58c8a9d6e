/**
 * Objects that lie compressed beside their name, `chunk.gz` for `chunk`, as programs that know no Content-Encoding leave them on a disk
 * (formats.md 2.8). For whole objects only: a range of one could not be found.
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { CorruptChunk, messageOf } from '../volume/errors.ts'
import { MAX_GET_BYTES, type Store } from './store.ts'

const SUFFIXES = { '.gz': gunzipSync, '.br': brotliDecompressSync, '.zstd': zstdDecompressSync } as const

/** The plain name counts first. `get` throws `CorruptChunk` where the bytes unpack to more than `maxBytes`. */
export function withCompressedSiblings(store: Store, maxBytes = MAX_GET_BYTES): Store {
  return {
    url: store.url,
    stat: (key, signal) => store.stat(key, signal),
    open: (key, signal) => store.open(key, signal),
    async get(key, range, signal) {
      const plain = await store.get(key, range, signal)
      if (plain || range) return plain
      for (const [suffix, unpack] of Object.entries(SUFFIXES)) {
        const packed = await store.get(key + suffix, undefined, signal)
        if (!packed) continue
        try {
          return unpack(packed, { maxOutputLength: maxBytes })
        } catch (error) {
          throw new CorruptChunk({ file: `${store.url}/${key}${suffix}`, cause: messageOf(error) })
        }
      }
      return undefined
    },
    ...(store.list && { list: (prefix: string) => store.list!(prefix) }),
    ...(store.metadataRead && { metadataRead: (key: string) => store.metadataRead!(key) }),
  }
}
