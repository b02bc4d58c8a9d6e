/** Takes off a content encoding, once, and never makes more bytes than allowed. */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { CorruptChunk, messageOf } from '../../volume/errors.ts'

type Unpack = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>

const UNPACK: Record<string, Unpack> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
  zstd: unpackZstd,
}

/** The bounded one passes a cut-off frame for what it holds until then; the other one says that it is cut off, and has no bound. */
async function unpackZstd(bytes: Uint8Array, options: { maxOutputLength: number }): Promise<Uint8Array> {
  const unpacked = await promisify(zstdDecompress)(bytes, options)
  await Bun.zstdDecompress(bytes)
  return unpacked
}

/** `encoding` as in Content-Encoding. Throws `CorruptChunk` where the bytes are not that, or unpack to more than `maxBytes`. */
export async function decodeContent(bytes: Uint8Array, encoding: string, maxBytes: number, file: string): Promise<Uint8Array> {
  const name = encoding.trim().toLowerCase()
  if (name === '' || name === 'identity') return bytes
  const unpack = UNPACK[name]
  if (!unpack) throw new CorruptChunk({ file, cause: `the content encoding ${JSON.stringify(encoding)} is not known` })
  try {
    const unpacked = await unpack(bytes, { maxOutputLength: maxBytes })
    return new Uint8Array(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength)
  } catch (error) {
    throw new CorruptChunk({
      file,
      cause: `its ${bytes.length} bytes cannot be unpacked with ${name} to ${maxBytes} at most: ${messageOf(error)}`,
    })
  }
}
