import { gunzip as gunzipLater, gunzipSync } from 'node:zlib'
import type { MaybePromise } from '../src/volume/maybe-promise.ts'
import { CodecError } from './codec.ts'

/** What inflates to at most this much is over before another thread would have begun. */
const INLINE_BYTES = 512 * 1024

/**
 * Takes gzip off: at once where it is little, else in a thread of the runtime. Never makes more than `most` bytes; throws `CodecError` for
 * what holds more or is damaged.
 */
export function gunzip(source: Uint8Array, most: number): MaybePromise<Uint8Array> {
  const options = { maxOutputLength: Math.max(1, most) }
  if (most <= INLINE_BYTES || source.length <= INLINE_BYTES / 16) {
    try {
      return gunzipSync(source, options)
    } catch (error) {
      throw explain(error, most)
    }
  }
  return new Promise((resolve, reject) => {
    gunzipLater(source, options, (error, bytes) => (error ? reject(explain(error, most)) : resolve(bytes)))
  })
}

function explain(error: unknown, most: number): CodecError {
  const isLonger = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
  return new CodecError(isLonger ? `gzip: holds more than the ${most} bytes expected` : `gzip: ${String(error)}`)
}
