/**
 * How large a JPEG XL picture is, before anything is decoded. Spec: ISO/IEC 18181-1, SizeHeader (bits from the lowest on); 18181-2, boxes.
 * Throws `CodecError` for what is neither a codestream nor a container of one.
 */
import { CodecError } from './codec.ts'

const CONTAINER = [0, 0, 0, 12, 0x4a, 0x58, 0x4c, 0x20, 0x0d, 0x0a, 0x87, 0x0a]
/** Width : height, by number; 0 stands for a width of its own. */
const RATIOS = [
  [0, 1],
  [1, 1],
  [12, 10],
  [4, 3],
  [3, 2],
  [16, 9],
  [5, 4],
  [2, 1],
] as const

export function jxlSize(source: Uint8Array): { width: number; height: number } {
  const bits = new Bits(codestream(source).subarray(2))
  const isSmall = bits.take(1) === 1
  const edge = (): number => (isSmall ? 8 * (1 + bits.take(5)) : 1 + bits.take([9, 13, 18, 30][bits.take(2)]!))
  const height = edge()
  const [across, down] = RATIOS[bits.take(3)]!
  const width = across === 0 ? edge() : Math.floor((height * across) / down)
  return { width, height }
}

class Bits {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  take(count: number): number {
    if (this.#at + count > 8 * this.#bytes.length) throw new CodecError('JPEG XL: ends within its header')
    let value = 0
    for (let n = 0; n < count; n++, this.#at++) value += ((this.#bytes[this.#at >> 3]! >> (this.#at & 7)) & 1) * 2 ** n
    return value
  }
}

/** From the codestream's signature on; of a container the first piece, which holds the header. */
function codestream(source: Uint8Array): Uint8Array {
  if (source[0] === 0xff && source[1] === 0x0a) return source
  if (CONTAINER.some((byte, n) => source[n] !== byte)) throw new CodecError('JPEG XL: begins neither as a codestream nor as a container')
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  for (let at = CONTAINER.length; at + 8 <= source.length; ) {
    const name = String.fromCharCode(...source.subarray(at + 4, at + 8))
    let length = view.getUint32(at)
    let head = 8
    if (length === 1 && at + 16 <= source.length) {
      length = Number(view.getBigUint64(at + 8))
      head = 16
    } else if (length === 0) length = source.length - at
    if (length < head) break
    // pieces are numbered by four bytes in front
    if (name === 'jxlc' || name === 'jxlp') return source.subarray(at + head + (name === 'jxlp' ? 4 : 0), at + length)
    at += length
  }
  throw new CodecError('JPEG XL: a container without a codestream')
}
