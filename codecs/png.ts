/**
 * PNG with 8 or 16 bits per sample: grey, grey and alpha, RGB, RGBA. 16-bit samples come out little endian, channels interleaved, rows
 * without padding. Spec: W3C PNG, third edition. Everything the header says is compared with `target` before a byte is inflated.
 *
 * Options, each checked where it is given: `samples` per pixel, `sampleBytes`. Palettes, fewer bits and interlacing, which no writer of chunks uses, are refused by name.
 */
import { inflateSync } from 'node:zlib'
import { type Codec, CodecError } from './codec.ts'

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 }

export const png: Codec = {
  nsPerByte: 8,
  decode(source, target, options) {
    const { header, data } = partsOf(source)
    const { width, height, samples, sampleBytes } = header
    for (const name of ['samples', 'sampleBytes'] as const) {
      if (options?.[name] !== undefined && options[name] !== header[name])
        throw fail(`${name} is ${header[name]} where ${options[name]} was expected`)
    }
    const pixel = samples * sampleBytes
    const row = width * pixel
    const bytes = row * height
    if (bytes > target.length) throw fail(`${width}×${height} pixels, ${bytes} bytes where ${target.length} were expected`)
    const lines = inflate(data, (row + 1) * height)
    unfilter(lines, target, row, height, pixel)
    if (sampleBytes === 2) Buffer.from(target.buffer, target.byteOffset, bytes).swap16()
    return bytes
  },
}

const fail = (cause: string) => new CodecError(`PNG: ${cause}`)

interface Header {
  readonly width: number
  readonly height: number
  readonly samples: number
  readonly sampleBytes: number
}

/** The header and the compressed image data. */
function partsOf(source: Uint8Array): { header: Header; data: Uint8Array } {
  if (SIGNATURE.some((byte, n) => source[n] !== byte)) throw fail('does not begin with the PNG signature')
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  let header: Header | undefined
  const data: Uint8Array[] = []
  for (let at = 8; ; ) {
    if (at + 12 > source.length) throw fail(`ends at byte ${source.length} without an IEND chunk`)
    const length = view.getUint32(at)
    if (at + 12 + length > source.length) throw fail(`the chunk at byte ${at} has ${length} bytes, the file ends at ${source.length}`)
    const name = String.fromCharCode(...source.subarray(at + 4, at + 8))
    const isNeeded = name === 'IHDR' || name === 'IDAT'
    if (isNeeded && Bun.hash.crc32(source.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw fail(`the checksum of its ${name} chunk at byte ${at} is wrong`)
    const body = source.subarray(at + 8, at + 8 + length)
    if (name === 'IHDR') header = parseHeader(body)
    else if (name === 'IDAT') data.push(body)
    else if (name === 'IEND') break
    at += 12 + length
  }
  if (!header) throw fail('has no IHDR chunk')
  return { header, data: data.length === 1 ? data[0]! : Buffer.concat(data) }
}

function parseHeader(body: Uint8Array): Header {
  if (body.length < 13) throw fail(`its header has ${body.length} bytes instead of 13`)
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const [depth, colour, interlace] = [view.getUint8(8), view.getUint8(9), view.getUint8(12)]
  const samples = SAMPLES[colour]
  if (samples === undefined) throw fail(colour === 3 ? 'a palette, which is not supported' : `colour type ${colour}`)
  if (depth !== 8 && depth !== 16) throw fail(`${depth} bits per sample, 8 and 16 are supported`)
  if (interlace !== 0) throw fail('interlaced, which is not supported')
  return { width: view.getUint32(0), height: view.getUint32(4), samples, sampleBytes: depth / 8 }
}

function inflate(data: Uint8Array, size: number): Uint8Array {
  try {
    const lines = inflateSync(data, { maxOutputLength: size + 1 })
    if (lines.length !== size) throw fail(`inflates to ${lines.length} bytes instead of ${size}`)
    return lines
  } catch (error) {
    if (error instanceof CodecError) throw error
    const isLonger = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw fail(isLonger ? `inflates to more than the ${size} bytes of its pixels` : String(error))
  }
}

/** Each line begins with the number of its filter (PNG 9.2); `pixel` bytes back is the sample of the same channel on the left. */
function unfilter(lines: Uint8Array, out: Uint8Array, row: number, height: number, pixel: number): void {
  for (let y = 0; y < height; y++) {
    const from = y * (row + 1) + 1
    const to = y * row
    const filter = lines[from - 1]!
    out.set(lines.subarray(from, from + row), to)
    if (filter === 0) continue
    const end = to + row
    const isFirst = y === 0
    if (filter === 1) for (let i = to + pixel; i < end; i++) out[i] = out[i]! + out[i - pixel]!
    else if (filter === 2) {
      if (!isFirst) for (let i = to; i < end; i++) out[i] = out[i]! + out[i - row]!
    } else if (filter === 3) {
      for (let i = to; i < end; i++) {
        const left = i - to < pixel ? 0 : out[i - pixel]!
        out[i] = out[i]! + ((left + (isFirst ? 0 : out[i - row]!)) >> 1)
      }
    } else if (filter === 4) {
      for (let i = to; i < end; i++) {
        const hasLeft = i - to >= pixel
        const left = hasLeft ? out[i - pixel]! : 0
        const up = isFirst ? 0 : out[i - row]!
        out[i] = out[i]! + paeth(left, up, hasLeft && !isFirst ? out[i - row - pixel]! : 0)
      }
    } else throw fail(`filter ${filter} in line ${y}`)
  }
}

function paeth(left: number, up: number, corner: number): number {
  const toLeft = Math.abs(up - corner)
  const toUp = Math.abs(left - corner)
  const toCorner = Math.abs(left + up - 2 * corner)
  return toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner
}
