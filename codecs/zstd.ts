import { zstdDecompressSync } from 'node:zlib'
import { type Codec, CodecError } from './codec.ts'

/** Zstandard frames (RFC 8878). The output limit is what stops a bomb, whatever size the frame states. */
export const zstd: Codec = {
  nsPerByte: 1,
  decode(source, target) {
    try {
      const bytes = zstdDecompressSync(source, { maxOutputLength: Math.max(1, target.length) })
      if (bytes.length > target.length) throw new CodecError(`Zstd: ${bytes.length} bytes where ${target.length} were expected`)
      target.set(bytes)
      return bytes.length
    } catch (error) {
      throw error instanceof CodecError ? error : new CodecError(`Zstd: ${String(error)}`)
    }
  },
}
