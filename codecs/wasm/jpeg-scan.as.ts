/**
 * From the bits of a scan to samples. AssemblyScript. Spec: ITU-T T.81, F.2.
 *
 * Errors are negative: −1 the data end too early, −2 a code that is in no table, −3 more than 64 coefficients in a block.
 */
import { extend, LOOK_BITS, LOOK_SIZE, LOOKS, MAX_CODES, SYMBOL_OFFSETS, SYMBOLS } from './jpeg-tables.as'
import { BLOCK, fillFlat, transform } from './jpeg-transform.as'

/** Coefficient k of the zigzag order lies here in the block, row by row (T.81 figure A.6). */
const NATURAL = memory.data<u8>([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57,
  50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
])

/** Four tables of 64 multipliers, i32, in zigzag order. */
const QUANTIZERS = memory.data(4 * 64 * 4)
/** Per component, i32: horizontal and vertical blocks in an MCU, quantizer, DC table, AC table, address of its plane, its row length, last DC. */
const COMPONENTS = memory.data(4 * 8 * 4)

export function quantizers(): usize {
  return QUANTIZERS
}
export function components(): usize {
  return COMPONENTS
}

/** Between blocks; decoding a block keeps them in registers. */
let bitBuffer: u64 = 0
let bitCount: u32 = 0
let bitAt: usize = 0

/** A symbol whose code is longer than the look-up, its length above it; 256 where there is none. `next`: the bits, from the highest on. */
function longSymbol(table: usize, next: u64): u32 {
  const bits = <u32>(next >> 47)
  for (let length: u32 = LOOK_BITS + 1; length <= 16; length++) {
    if (bits < load<u32>(MAX_CODES + (table * 18 + length) * 4)) {
      const place = <i32>(bits >> (17 - length)) + load<i32>(SYMBOL_OFFSETS + (table * 18 + length) * 4)
      return (length << 16) | <u32>load<u8>(SYMBOLS + table * 256 + <usize>(place & 255))
    }
  }
  return 256
}

/** Decodes all MCUs of `segments`, written by `unstuff`, into the planes of the components. `restart`: MCUs of a segment, 0 = all. */
export function decodeScan(segments: usize, segmentCount: u32, count: i32, mcusAcross: i32, mcusDown: i32, restart: i32): i32 {
  let segment = segments
  let left = segmentCount
  let segmentEnd: usize = 0
  let untilRestart = 0
  for (let row = 0; row < mcusDown; row++) {
    for (let column = 0; column < mcusAcross; column++) {
      if (untilRestart == 0) {
        if (left-- == 0) return -1
        const length = <usize>load<u32>(segment)
        bitAt = segment + 4
        segmentEnd = bitAt + length
        segment = segmentEnd + 16
        bitBuffer = 0
        bitCount = 0
        untilRestart = restart > 0 ? restart : i32.MAX_VALUE
        for (let c = 0; c < count; c++) store<i32>(COMPONENTS + c * 32 + 28, 0)
      }
      untilRestart--
      for (let c = 0; c < count; c++) {
        const component = COMPONENTS + c * 32
        const across = load<i32>(component)
        const down = load<i32>(component + 4)
        const stride = load<i32>(component + 24)
        for (let v = 0; v < down; v++) {
          for (let h = 0; h < across; h++) {
            const at = <usize>load<u32>(component + 20) + (row * down + v) * 8 * stride + (column * across + h) * 8
            const places = decodeBlock(component)
            if (places < 0) return places
            // refilling may look up to 8 bytes ahead of what is used
            if (bitAt - (bitCount >> 3) > segmentEnd) return -1
            if (places == 0) fillFlat(at, stride)
            else transform(at, stride, (places & 4) != 0, (places & 32) != 0)
          }
        }
      }
    }
  }
  return 0
}

/** Fills BLOCK with dequantized coefficients and returns the places of those behind the first, one bitwise or of all: 8 × row + column. */
function decodeBlock(component: usize): i32 {
  const quantizer = QUANTIZERS + <usize>load<i32>(component + 8) * 256
  const dcTable = <usize>load<i32>(component + 12)
  const acTable = <usize>load<i32>(component + 16)
  const acLook = LOOKS + acTable * LOOK_SIZE * 4
  let count = bitCount
  let at = bitAt
  // at least 56 bits; what is above `count` is right already, and is only put there again
  let bits = bitBuffer | (bswap<u64>(load<u64>(at)) >> count)
  at += (63 - count) >> 3
  count |= 56
  let entry = load<u32>(LOOKS + dcTable * LOOK_SIZE * 4 + <usize>(bits >> (64 - LOOK_BITS)) * 4)
  let difference: i32
  if (entry & 0x100) {
    bits <<= entry & 0xff
    count -= entry & 0xff
    difference = <i32>entry >> 16
  } else {
    let length = entry & 0xff
    let size = entry >> 16
    if (length == 0) {
      entry = longSymbol(dcTable, bits)
      length = entry >> 16
      size = entry & 0xffff
    }
    if (size > 11) return -2
    bits <<= length
    difference = size > 0 ? extend(<u32>(bits >> (64 - size)), size) : 0
    bits <<= size
    count -= length + size
  }
  const dc = load<i32>(component + 28) + difference
  store<i32>(component + 28, dc)
  const zero = i32x4.splat(0)
  for (let to: usize = 0; to < 256; to += 16) v128.store(BLOCK + to, zero)
  store<i32>(BLOCK, dc * load<i32>(quantizer))
  let places: u32 = 0
  for (let k: u32 = 1; k < 64; ) {
    if (count < 32) {
      bits |= bswap<u64>(load<u64>(at)) >> count
      at += (63 - count) >> 3
      count |= 56
    }
    entry = load<u32>(acLook + <usize>(bits >> (64 - LOOK_BITS)) * 4)
    let value: i32
    if (entry & 0x100) {
      bits <<= entry & 0xff
      count -= entry & 0xff
      k += (entry >> 9) & 0x7f
      value = <i32>entry >> 16
    } else {
      let length = entry & 0xff
      let symbol = entry >> 16
      if (length == 0) {
        entry = longSymbol(acTable, bits)
        length = entry >> 16
        symbol = entry & 0xffff
        if (symbol > 255) return -2
      }
      bits <<= length
      const size = symbol & 15
      count -= length + size
      if (size == 0) {
        if (symbol != 0xf0) break
        k += 16
        continue
      }
      k += symbol >> 4
      value = extend(<u32>(bits >> (64 - size)), size)
      bits <<= size
    }
    if (k > 63) return -3
    const place = <u32>load<u8>(NATURAL + k)
    places |= place
    store<i32>(BLOCK + place * 4, value * load<i32>(quantizer + k * 4))
    k++
  }
  bitBuffer = bits
  bitCount = count
  bitAt = at
  return <i32>places
}
