/**
 * Objects that lie compressed beside their name, `chunk.gz` for `chunk`, as programs that know no Content-Encoding leave them on a disk
 * (formats.md 2.8). For whole objects only: a range of one could not be found.
 */
import { decodeContent } from './http/decode.ts'
import { MAX_GET_BYTES, type Store } from './store.ts'

const SUFFIXES = { '.gz': 'gzip', '.br': 'br', '.zstd': 'zstd' } as const

/** The plain name counts first. `get` throws `CorruptChunk` where the bytes unpack to more than `maxBytes`, its own or `most`. */
export function withCompressedSiblings(store: Store, most = MAX_GET_BYTES): Store {
  return {
    url: store.url,
    stat: (key, signal) => store.stat(key, signal),
    open: (key, signal) => store.open(key, signal),
    async get(key, range, signal, maxBytes = most) {
      const plain = await store.get(key, range, signal, maxBytes)
      if (plain || range) return plain
      for (const [suffix, encoding] of Object.entries(SUFFIXES)) {
        const packed = await store.get(key + suffix, undefined, signal, maxBytes)
        if (packed) return decodeContent(packed, encoding, maxBytes, `${store.url}/${key}${suffix}`)
      }
      return undefined
    },
    ...(store.list && { list: (prefix: string) => store.list!(prefix) }),
    ...(store.metadataRead && { metadataRead: (key: string) => store.metadataRead!(key) }),
  }
}
