/**
 * Writes baseline JPEG row by row, so that a large picture neither has to be held whole nor holds up everybody else. Grey or RGB
 * (as YCbCr, chroma not sub-sampled), 8 bits a sample.
 *
 * Spec: ITU-T T.81, sections 3.3 (DCT), B (markers), F.1.2 (Huffman coding), tables K.1 to K.6; JFIF 1.01 for the colours.
 * libjpeg-turbo as WASM is a quarter faster (bench thumbnail), but takes a picture only as a whole and is half a megabyte more.
 */
import { AC_CHROMA, AC_LUMA, CHROMA, codesOf, DC_CHROMA, DC_LUMA, type HuffmanTable, LUMA, scaled, ZIGZAG } from './jpeg-tables.ts'

export interface JpegOptions {
  readonly width: number
  readonly height: number
  /** 1 grey, 3 RGB. */
  readonly samples: 1 | 3
  /** 1 to 100, as libjpeg counts it. */
  readonly quality?: number
}

/** Rows have to come in bands of this height, except the last one. */
export const JPEG_ROWS = 8

export class JpegEncoder {
  readonly #width: number
  readonly #samples: 1 | 3
  readonly #out: BitWriter
  readonly #components: Component[]
  readonly #blocks = Array.from({ length: 3 }, () => new Float32Array(64))

  constructor({ width, height, samples, quality = 90 }: JpegOptions) {
    this.#width = width
    this.#samples = samples
    const luma = scaled(LUMA, quality)
    const chroma = scaled(CHROMA, quality)
    this.#out = new BitWriter(Math.max(4096, (width * height) >> 1))
    this.#components = [new Component(luma, DC_LUMA, AC_LUMA)]
    if (samples === 3) this.#components.push(new Component(chroma, DC_CHROMA, AC_CHROMA), new Component(chroma, DC_CHROMA, AC_CHROMA))
    this.#writeHeader(width, height, samples === 3 ? [luma, chroma] : [luma])
  }

  /** `rows`: any number of bands of `JPEG_ROWS` rows, or the last rows of the picture. Pixels interleaved, from the top. */
  add(rows: Uint8Array): void {
    const count = rows.length / (this.#width * this.#samples)
    for (let y = 0; y < count; y += JPEG_ROWS) {
      for (let x = 0; x < this.#width; x += 8) {
        this.#fill(rows, x, y, count)
        for (let c = 0; c < this.#samples; c++) this.#components[c]!.encode(this.#blocks[c]!, this.#out)
      }
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.#out.flush()
    this.#out.marker(0xd9)
    return this.#out.take()
  }

  /** 8×8 pixels of all components, grey shifted to be around zero; beyond the edge the last pixel goes on. */
  #fill(rows: Uint8Array, x: number, y: number, height: number): void {
    const samples = this.#samples
    const right = this.#width - 1
    const [first, second, third] = this.#blocks as [Float32Array, Float32Array, Float32Array]
    for (let j = 0, n = 0; j < 8; j++) {
      const line = Math.min(height - 1, y + j) * this.#width
      for (let i = 0; i < 8; i++, n++) {
        const at = (line + Math.min(right, x + i)) * samples
        const r = rows[at]!
        if (samples === 1) {
          first[n] = r - 128
          continue
        }
        const g = rows[at + 1]!
        const b = rows[at + 2]!
        const luma = 0.299 * r + 0.587 * g + 0.114 * b
        first[n] = luma - 128
        second[n] = (b - luma) * 0.5643341
        third[n] = (r - luma) * 0.7132668
      }
    }
  }

  #writeHeader(width: number, height: number, tables: readonly Uint8Array[]): void {
    const out = this.#out
    const ids = this.#components.map((_, n) => n)
    out.marker(0xd8)
    out.segment(0xe0, [0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0])
    out.segment(
      0xdb,
      tables.flatMap((table, id) => [id, ...Array.from(ZIGZAG, (at) => table[at]!)]),
    )
    const edges = [height >> 8, height & 255, width >> 8, width & 255]
    out.segment(0xc0, [8, ...edges, ids.length, ...ids.flatMap((n) => [n + 1, 0x11, Math.min(n, 1)])])
    const huffman = (id: number, { counts, values }: HuffmanTable) => [id, ...counts, ...values]
    const all = [...huffman(0x00, DC_LUMA), ...huffman(0x10, AC_LUMA)]
    if (tables.length > 1) all.push(...huffman(0x01, DC_CHROMA), ...huffman(0x11, AC_CHROMA))
    out.segment(0xc4, all)
    out.segment(0xda, [ids.length, ...ids.flatMap((n) => [n + 1, n === 0 ? 0x00 : 0x11]), 0, 63, 0])
  }
}

/** What one component keeps from block to block. */
class Component {
  readonly #divisors: Float32Array
  readonly #dc: Uint32Array
  readonly #ac: Uint32Array
  readonly #quantized = new Int32Array(64)
  #previous = 0

  constructor(table: Uint8Array, dc: HuffmanTable, ac: HuffmanTable) {
    this.#divisors = Float32Array.from(ZIGZAG, (at) => 1 / (table[at]! * 8 * AAN[at >> 3]! * AAN[at & 7]!))
    this.#dc = codesOf(dc)
    this.#ac = codesOf(ac)
  }

  encode(block: Float32Array, out: BitWriter): void {
    const quantized = this.#quantized
    const divisors = this.#divisors
    let last = 63
    if (isFlat(block)) {
      quantized[0] = Math.round(block[0]! * 64 * divisors[0]!)
      last = 0
    } else {
      for (let n = 0; n < 64; n += 8) transform(block, n, 1)
      for (let n = 0; n < 8; n++) transform(block, n, 8)
      for (let n = 0; n < 64; n++) {
        const value = block[ZIGZAG[n]!]! * divisors[n]!
        quantized[n] = value < 0 ? value - 0.5 : value + 0.5
      }
      while (last > 0 && quantized[last] === 0) last--
    }
    const change = quantized[0]! - this.#previous
    this.#previous = quantized[0]!
    const size = bitLength(change)
    out.code(this.#dc[size]!)
    out.signed(change, size)
    for (let n = 1, zeros = 0; n <= last; n++) {
      const value = quantized[n]!
      if (value === 0) {
        zeros++
        continue
      }
      for (; zeros > 15; zeros -= 16) out.code(this.#ac[0xf0]!)
      const bits = bitLength(value)
      out.code(this.#ac[(zeros << 4) | bits]!)
      out.signed(value, bits)
      zeros = 0
    }
    if (last < 63) out.code(this.#ac[0]!)
  }
}

/** As the colours of grey pixels are, and all that lies outside a volume. */
function isFlat(block: Float32Array): boolean {
  const first = block[0]
  for (let n = 1; n < 64; n++) if (block[n] !== first) return false
  return true
}

const bitLength = (value: number): number => 32 - Math.clz32(Math.abs(value))

/** The factors by which `transform` leaves its results too large; the divisors take them back out. */
const AAN = Array.from({ length: 8 }, (_, k) => (k === 0 ? 1 : Math.SQRT2 * Math.cos((k * Math.PI) / 16)))

/** Eight values `step` apart: the fast scaled DCT of Arai, Agui and Nakajima (1988), five multiplications. */
function transform(d: Float32Array, at: number, step: number): void {
  const i1 = at + step
  const i2 = i1 + step
  const i3 = i2 + step
  const i4 = i3 + step
  const i5 = i4 + step
  const i6 = i5 + step
  const i7 = i6 + step
  const s07 = d[at]! + d[i7]!
  const d07 = d[at]! - d[i7]!
  const s16 = d[i1]! + d[i6]!
  const d16 = d[i1]! - d[i6]!
  const s25 = d[i2]! + d[i5]!
  const d25 = d[i2]! - d[i5]!
  const s34 = d[i3]! + d[i4]!
  const d34 = d[i3]! - d[i4]!
  const even = s07 - s34
  const turned = (s16 - s25 + even) * Math.SQRT1_2
  d[at] = s07 + s34 + s16 + s25
  d[i4] = s07 + s34 - s16 - s25
  d[i2] = even + turned
  d[i6] = even - turned
  const a = d34 + d25
  const c = d16 + d07
  const z5 = (a - c) * 0.382683433
  const z2 = a * 0.5411961 + z5
  const z4 = c * 1.306562965 + z5
  const z3 = (d25 + d16) * Math.SQRT1_2
  const z11 = d07 + z3
  const z13 = d07 - z3
  d[i5] = z13 + z2
  d[i3] = z13 - z2
  d[i1] = z11 + z4
  d[i7] = z11 - z4
}

/** Bits from the highest on; a byte of ones is followed by a zero, which tells it from a marker. */
class BitWriter {
  #bytes: Uint8Array
  #length = 0
  #held = 0
  #bits = 0

  constructor(size: number) {
    this.#bytes = new Uint8Array(size)
  }

  /** Length in the upper, bits in the lower half. */
  code(code: number): void {
    this.#put(code & 0xffff, code >>> 16)
  }

  /** T.81 F.1.2.1: a negative value is sent as the bits of value − 1. */
  signed(value: number, bits: number): void {
    this.#put((value < 0 ? value - 1 : value) & ((1 << bits) - 1), bits)
  }

  flush(): void {
    if (this.#bits > 0) this.#put((1 << (8 - this.#bits)) - 1, 8 - this.#bits)
  }

  marker(code: number): void {
    this.#byte(0xff)
    this.#byte(code)
  }

  segment(code: number, content: readonly number[]): void {
    this.marker(code)
    this.#byte((content.length + 2) >> 8)
    this.#byte((content.length + 2) & 255)
    for (const byte of content) this.#byte(byte)
  }

  take(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length) as Uint8Array<ArrayBuffer>
  }

  /** Up to 16 bits, after at most 7 that wait. */
  #put(value: number, bits: number): void {
    this.#held = (this.#held << bits) | value
    this.#bits += bits
    while (this.#bits >= 8) {
      this.#bits -= 8
      const byte = (this.#held >>> this.#bits) & 255
      if (this.#length + 2 > this.#bytes.length) this.#grow()
      this.#bytes[this.#length++] = byte
      if (byte === 255) this.#bytes[this.#length++] = 0
    }
  }

  #byte(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow()
    this.#bytes[this.#length++] = byte
  }

  #grow(): void {
    const larger = new Uint8Array(this.#bytes.length * 2)
    larger.set(this.#bytes)
    this.#bytes = larger
  }
}
