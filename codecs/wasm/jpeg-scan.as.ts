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

let bitBuffer: u64 = 0
let bitCount: u32 = 0
let bitAt: usize = 0

/** At least 56 bits. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function refill(): void {
  bitBuffer |= bswap<u64>(load<u64>(bitAt)) >> bitCount
  bitAt += (63 - bitCount) >> 3
  bitCount |= 56
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function drop(count: u32): void {
  bitBuffer <<= count
  bitCount -= count
}

/** A symbol whose code is longer than the look-up; 256 where there is none. */
function longSymbol(table: usize): u32 {
  const bits = <u32>(bitBuffer >> 47)
  for (let length: u32 = LOOK_BITS + 1; length <= 16; length++) {
    if (bits < load<u32>(MAX_CODES + (table * 18 + length) * 4)) {
      const place = <i32>(bits >> (17 - length)) + load<i32>(SYMBOL_OFFSETS + (table * 18 + length) * 4)
      drop(length)
      return <u32>load<u8>(SYMBOLS + table * 256 + <usize>(place & 255))
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
            const last = decodeBlock(component)
            if (last < 0) return last
            // refilling may look up to 8 bytes ahead of what is used
            if (bitAt - (bitCount >> 3) > segmentEnd) return -1
            if (last == 0) fillFlat(at, stride)
            else transform(at, stride)
          }
        }
      }
    }
  }
  return 0
}

/** Fills BLOCK with dequantized coefficients and returns the zigzag place of the last one that is not zero. */
function decodeBlock(component: usize): i32 {
  const quantizer = QUANTIZERS + <usize>load<i32>(component + 8) * 256
  const dcTable = <usize>load<i32>(component + 12)
  const acTable = <usize>load<i32>(component + 16)
  const acLook = LOOKS + acTable * LOOK_SIZE * 4
  refill()
  let entry = load<u32>(LOOKS + dcTable * LOOK_SIZE * 4 + <usize>(bitBuffer >> (64 - LOOK_BITS)) * 4)
  let difference: i32
  if (entry & 0x100) {
    drop(entry & 0xff)
    difference = <i32>entry >> 16
  } else {
    let size: u32
    if (entry & 0xff) {
      drop(entry & 0xff)
      size = entry >> 16
    } else size = longSymbol(dcTable)
    if (size > 11) return -2
    difference = 0
    if (size > 0) {
      difference = extend(<u32>(bitBuffer >> (64 - size)), size)
      drop(size)
    }
  }
  const dc = load<i32>(component + 28) + difference
  store<i32>(component + 28, dc)
  const zero = i32x4.splat(0)
  for (let at: usize = 0; at < 256; at += 16) v128.store(BLOCK + at, zero)
  store<i32>(BLOCK, dc * load<i32>(quantizer))
  let last = 0
  for (let k: u32 = 1; k < 64; ) {
    refill()
    entry = load<u32>(acLook + <usize>(bitBuffer >> (64 - LOOK_BITS)) * 4)
    if (entry & 0x100) {
      drop(entry & 0xff)
      k += (entry >> 9) & 0x7f
      if (k > 63) return -3
      store<i32>(BLOCK + <usize>load<u8>(NATURAL + k) * 4, (<i32>entry >> 16) * load<i32>(quantizer + k * 4))
      last = k
      k++
      continue
    }
    let symbol: u32
    if (entry & 0xff) {
      drop(entry & 0xff)
      symbol = entry >> 16
    } else {
      symbol = longSymbol(acTable)
      if (symbol > 255) return -2
    }
    const size = symbol & 15
    const zeros = symbol >> 4
    if (size == 0) {
      if (zeros != 15) break
      k += 16
      continue
    }
    k += zeros
    if (k > 63) return -3
    const value = extend(<u32>(bitBuffer >> (64 - size)), size)
    drop(size)
    store<i32>(BLOCK + <usize>load<u8>(NATURAL + k) * 4, value * load<i32>(quantizer + k * 4))
    last = k
    k++
  }
  return last
}
