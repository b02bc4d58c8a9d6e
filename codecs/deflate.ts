import { inflateSync } from 'node:zlib'
import { type Codec, CodecError } from './codec.ts'

/** zlib streams (RFC 1950), as TIFF's compressions 8 and 32946 hold them. The output limit is what stops a bomb. */
export const deflate: Codec = {
  nsPerByte: 4,
  decode(source, target) {
    try {
      // in one piece: else it is made in pieces of 16 KiB, which are then put together. With room behind, or another piece is begun
      const bytes = inflateSync(source, { maxOutputLength: Math.max(1, target.length), chunkSize: target.length + 64 })
      target.set(bytes)
      return bytes.length
    } catch (error) {
      const tooLong = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
      throw new CodecError(tooLong ? `Deflate: holds more than the ${target.length} bytes expected` : `Deflate: ${String(error)}`)
    }
  },
}
