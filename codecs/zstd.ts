/**
 * Zstandard frames (RFC 8878). Bun's own decoder takes half the time of the one that can be given a limit (bench reference), but gives
 * out whatever a file holds: it gets only what is one frame that states a size which fits.
 */
import { zstdDecompressSync } from 'node:zlib'
import { type Codec, CodecError } from './codec.ts'

const MAGIC = 0xfd2fb528

export const zstd: Codec = {
  nsPerByte: 1,
  decode(source, target) {
    try {
      const size = statedSize(source)
      const isBounded = size !== undefined && size <= target.length
      const bytes = isBounded
        ? Bun.zstdDecompressSync(source as Uint8Array<ArrayBuffer>)
        : zstdDecompressSync(source, { maxOutputLength: Math.max(1, target.length) })
      if (bytes.length > target.length) throw new CodecError(`Zstd: ${bytes.length} bytes where ${target.length} were expected`)
      target.set(bytes)
      const { length } = bytes
      // given back at once: the collector would let several pile up, and each new one's pages would be touched for the first time
      if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength === length) bytes.buffer.transfer(0)
      return length
    } catch (error) {
      throw error instanceof CodecError ? error : new CodecError(`Zstd: ${String(error)}`)
    }
  },
}

/** What the frame says it holds; undefined where it does not, or where it is not the only one (RFC 8878, 3.1.1). */
function statedSize(source: Uint8Array): number | undefined {
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  if (source.length < 18 || view.getUint32(0, true) !== MAGIC) return undefined
  const descriptor = source[4]!
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  if (sizeFlag === 0 && !isSingleSegment) return undefined
  const sizeAt = 5 + (isSingleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!
  const sizeBytes = [1, 2, 4, 8][sizeFlag]!
  let at = sizeAt + sizeBytes
  for (let last = false; !last; ) {
    if (at + 3 > source.length) return undefined
    const header = source[at]! | (source[at + 1]! << 8) | (source[at + 2]! << 16)
    last = (header & 1) === 1
    // an RLE block (type 1) holds one byte, whatever its size
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3)
  }
  const hasChecksum = (descriptor & 4) !== 0
  if (at + (hasChecksum ? 4 : 0) !== source.length) return undefined
  if (sizeBytes === 1) return view.getUint8(sizeAt)
  if (sizeBytes === 2) return view.getUint16(sizeAt, true) + 256
  return sizeBytes === 4 ? view.getUint32(sizeAt, true) : Number(view.getBigUint64(sizeAt, true))
}
