/**
 * PNG of 8 and 16 bits: grey, RGB, palette (delivered as RGB), each with or without alpha, also interlaced. Spec: PNG (ISO/IEC 15948).
 * Delivers interleaved little-endian samples. Nothing is inflated before its header says that it fits.
 *
 * Options, each checked where it is given: `width`, `height`, `samples` per pixel, `sampleBytes`.
 */
import { inflateSync } from 'node:zlib'
import { type Codec, CodecError } from './codec.ts'

export interface PngHeader {
  readonly width: number
  readonly height: number
  /** As delivered: 3 for a palette. */
  readonly samples: number
  readonly sampleBytes: number
  readonly isPalette: boolean
  readonly isInterlaced: boolean
}

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const [IHDR, PLTE, IDAT, IEND] = [0x49484452, 0x504c5445, 0x49444154, 0x49454e44]
/** Samples per pixel of each colour type. */
const SAMPLES: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** Adam7: x and y of the first pixel of each pass, and the steps. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** From the first 33 bytes. Throws `CodecError` for what is no PNG, or of a depth that is not read. */
export function pngHeader(bytes: Uint8Array): PngHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (bytes.length < 33 || SIGNATURE.some((byte, n) => bytes[n] !== byte) || view.getUint32(12) !== IHDR)
    throw new CodecError('PNG: does not begin as one')
  const [depth, type, interlace] = [bytes[24]!, bytes[25]!, bytes[28]!]
  const samples = SAMPLES[type]
  const [width, height] = [view.getUint32(16), view.getUint32(20)]
  if (!samples || width === 0 || height === 0 || interlace > 1)
    throw new CodecError(`PNG: ${width}×${height} pixels of colour type ${type}`)
  if (depth !== 8 && (depth !== 16 || type === 3)) throw new CodecError(`PNG: samples of ${depth} bits, known are 8 and 16`)
  return { width, height, samples: type === 3 ? 3 : samples, sampleBytes: depth / 8, isPalette: type === 3, isInterlaced: interlace === 1 }
}

export const png: Codec = {
  nsPerByte: 6,
  decode(source, target, options) {
    const header = pngHeader(source)
    const { width, height, samples, sampleBytes, isPalette, isInterlaced } = header
    for (const name of ['width', 'height', 'samples', 'sampleBytes'] as const) {
      if (options?.[name] !== undefined && options[name] !== header[name])
        throw new CodecError(`PNG: ${name} is ${header[name]} where ${options[name]} was expected`)
    }
    const bytes = width * height * samples * sampleBytes
    if (bytes > target.length) throw new CodecError(`PNG: ${width}×${height} pixels, ${bytes} bytes where ${target.length} were expected`)
    const pixel = (isPalette ? 1 : samples) * sampleBytes
    const passes = (isInterlaced ? PASSES : ([[0, 0, 1, 1]] as const))
      .map(([x, y, dx, dy]) => ({ x, y, dx, dy, columns: Math.ceil((width - x) / dx), rows: Math.ceil((height - y) / dy) }))
      .filter(({ columns, rows }) => columns > 0 && rows > 0)
    const expected = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + columns * pixel), 0)
    const { data, colours } = chunksOf(source)
    const filtered = inflated(data, expected)
    const plain = isPalette ? new Uint8Array(width * height) : target
    let at = 0
    for (const { x, y, dx, dy, columns, rows } of passes) {
      const rowBytes = columns * pixel
      for (let row = 0; row < rows; row++, at += 1 + rowBytes) {
        unfilter(filtered, at, rowBytes, pixel, row > 0)
        const to = ((y + row * dy) * width + x) * pixel
        if (dx === 1) plain.set(filtered.subarray(at + 1, at + 1 + rowBytes), to)
        else
          for (let n = 0; n < columns; n++)
            for (let b = 0; b < pixel; b++) plain[to + n * dx * pixel + b] = filtered[at + 1 + n * pixel + b]!
      }
    }
    if (isPalette) for (let i = 0; i < plain.length; i++) for (let c = 0; c < 3; c++) target[3 * i + c] = colours[3 * plain[i]! + c] ?? 0
    else if (sampleBytes === 2) Buffer.from(target.buffer, target.byteOffset, bytes).swap16()
    return bytes
  },
}

function chunksOf(source: Uint8Array): { data: Uint8Array; colours: Uint8Array } {
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  const parts: Uint8Array[] = []
  let colours: Uint8Array = new Uint8Array()
  for (let at = 8; ; ) {
    if (at + 12 > source.length) throw new CodecError('PNG: ends before its end chunk')
    const length = view.getUint32(at)
    const type = view.getUint32(at + 4)
    if (at + 12 + length > source.length)
      throw new CodecError(`PNG: a chunk of ${length} bytes at ${at}, the data ends at ${source.length}`)
    const body = source.subarray(at + 8, at + 8 + length)
    const isNeeded = type === IHDR || type === IDAT || type === PLTE
    if (isNeeded && Bun.hash.crc32(source.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length))
      throw new CodecError(`PNG: the checksum of the chunk at byte ${at} is wrong`)
    if (type === IDAT) parts.push(body)
    else if (type === PLTE) colours = body
    else if (type === IEND) return { data: Buffer.concat(parts), colours }
    at += 12 + length
  }
}

function inflated(data: Uint8Array, expected: number): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = inflateSync(data, { maxOutputLength: expected + 1, chunkSize: expected + 64 })
  } catch (error) {
    const isLonger = error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE'
    throw new CodecError(`PNG: ${isLonger ? `inflates to more than the ${expected} bytes of its pixels` : String(error)}`)
  }
  if (bytes.length !== expected) throw new CodecError(`PNG: inflates to ${bytes.length} bytes instead of ${expected}`)
  return bytes
}

/** Undoes the filter of the row at `at` (its first byte names it), in place; the row above is undone already. */
function unfilter(bytes: Uint8Array, at: number, length: number, pixel: number, hasAbove: boolean): void {
  const filter = bytes[at]!
  const row = at + 1
  const above = row - 1 - length
  if (filter > 4) throw new CodecError(`PNG: row filter ${filter}, known are 0 to 4`)
  if (filter === 0) return
  for (let i = 0; i < length; i++) {
    const left = i >= pixel ? bytes[row + i - pixel]! : 0
    const up = hasAbove ? bytes[above + i]! : 0
    if (filter === 1) bytes[row + i]! += left
    else if (filter === 2) bytes[row + i]! += up
    else if (filter === 3) bytes[row + i]! += (left + up) >> 1
    else bytes[row + i]! += paeth(left, up, hasAbove && i >= pixel ? bytes[above + i - pixel]! : 0)
  }
}

function paeth(left: number, up: number, corner: number): number {
  const estimate = left + up - corner
  const [a, b, c] = [Math.abs(estimate - left), Math.abs(estimate - up), Math.abs(estimate - corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}
