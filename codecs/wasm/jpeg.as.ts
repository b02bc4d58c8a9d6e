/**
 * The inner loops of baseline JPEG: Huffman decoding, inverse DCT, chroma upsampling, colour conversion. AssemblyScript, compiled by
 * `bun codecs/wasm/build.ts`. codecs/jpeg-baseline.ts parses the markers and fills the tables.
 *
 * Spec: ITU-T T.81. Bit for bit what libjpeg-turbo gives: its accurate integer DCT (jidctint.c), its triangle filter for chroma
 * (jdsample.c) and its fixed-point colours (jdcolor.c), because those are the pixels every other reader of the field shows.
 *
 * Errors are negative: −1 the data end too early, −2 a code that is in no table, −3 more than 64 coefficients in a block.
 */

/** Coefficient k of the zigzag order lies here in the block, row by row (T.81 figure A.6). */
const NATURAL = memory.data<u8>([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57,
  50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
])

const LOOK_BITS: u32 = 11
const LOOK_SIZE: usize = 1 << 11
/** Four tables of 64 multipliers, i32, in zigzag order. */
const QUANTIZERS = memory.data(4 * 64 * 4)
/**
 * Eight Huffman tables, 0 to 3 for DC and 4 to 7 for AC: what the next 11 bits begin with. i32: bits 0–7 how many bits to take, 0 where
 * the code is longer; bit 8 whether the coefficient is in them, too; bits 9–15 zeros before it; bits 16–31 the coefficient, or the symbol.
 */
const LOOKS: usize = (__heap_base + 15) & ~15
/** For longer codes: of each length the largest code, left-aligned in 17 bits, and what to add for the place of its symbol. */
const MAX_CODES = memory.data(8 * 18 * 4)
const SYMBOL_OFFSETS = memory.data(8 * 18 * 4)
const SYMBOLS = memory.data(8 * 256)
/** Per component, i32: horizontal and vertical blocks in an MCU, quantizer, DC table, AC table, address of its plane, its row length, last DC. */
const COMPONENTS = memory.data(4 * 8 * 4)
const BLOCK = memory.data(64 * 4, 16)

export function quantizers(): usize {
  return QUANTIZERS
}
export function components(): usize {
  return COMPONENTS
}
/** Where free memory begins. */
export function heapBase(): usize {
  return LOOKS + 8 * LOOK_SIZE * 4
}

/** `counts`: 16 bytes, codes of each length from 1 on; `symbols` behind them. False where they are no prefix code (T.81 annex C). */
export function buildTable(table: usize, counts: usize, symbols: usize, total: usize): bool {
  const look = LOOKS + table * LOOK_SIZE * 4
  memory.fill(look, 0, LOOK_SIZE * 4)
  memory.copy(SYMBOLS + table * 256, symbols, total)
  const isAc = table >= 4
  let code: u32 = 0
  let place: u32 = 0
  for (let length: u32 = 1; length <= 16; length++) {
    const count = <u32>load<u8>(counts + length - 1)
    store<i32>(SYMBOL_OFFSETS + (table * 18 + length) * 4, <i32>place - <i32>code)
    for (let n: u32 = 0; n < count; n++) {
      const symbol = <u32>load<u8>(symbols + place)
      if (length <= LOOK_BITS) {
        const first = code << (LOOK_BITS - length)
        for (let rest: u32 = 0; rest < <u32>1 << (LOOK_BITS - length); rest++) {
          store<u32>(look + ((first + rest) << 2), lookEntry(symbol, length, rest, isAc))
        }
      }
      code++
      place++
    }
    if (code > <u32>1 << length) return false
    store<u32>(MAX_CODES + (table * 18 + length) * 4, code << (17 - length))
    code <<= 1
  }
  store<u32>(MAX_CODES + (table * 18 + 17) * 4, 0xffffffff)
  return true
}

/** `rest`: the bits of the look-up behind the code. */
function lookEntry(symbol: u32, length: u32, rest: u32, isAc: bool): u32 {
  const size = isAc ? symbol & 15 : symbol
  const zeros = isAc ? symbol >> 4 : 0
  if (size > 0 && length + size <= LOOK_BITS) {
    const bits = (rest >> (LOOK_BITS - length - size)) & ((1 << size) - 1)
    return (<u32>extend(bits, size) << 16) | (zeros << 9) | 0x100 | (length + size)
  }
  return (symbol << 16) | length
}

/** T.81 figure F.12: the value of `size` additional bits. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function extend(bits: u32, size: u32): i32 {
  return bits < <u32>1 << (size - 1) ? <i32>bits - (1 << size) + 1 : <i32>bits
}

/** How many segments of entropy-coded data there are, cut by restart markers; ends at any other marker. */
export function countSegments(source: usize, length: usize): u32 {
  let count: u32 = 1
  const end = source + length
  for (let at = source; at + 1 < end; at++) {
    if (load<u8>(at) != 0xff) continue
    const marker = load<u8>(at + 1)
    if (marker >= 0xd0 && marker <= 0xd7) count++
    else if (marker != 0 && marker != 0xff) break
  }
  return count
}

/**
 * Copies segments without stuffed zeros, each as u32 length, bytes, and 16 zeros that may be read behind it. `target` has room for
 * `length` + 24 for each of `countSegments`.
 */
export function unstuff(source: usize, length: usize, target: usize): void {
  const end = source + length
  let at = source
  let head = target
  let out = target + 4
  while (at < end) {
    if (at + 16 <= end) {
      const bytes = v128.load(at)
      if (!v128.any_true(i8x16.eq(bytes, i8x16.splat(-1)))) {
        v128.store(out, bytes)
        at += 16
        out += 16
        continue
      }
    }
    const byte = load<u8>(at++)
    if (byte != 0xff) {
      store<u8>(out++, byte)
      continue
    }
    while (at < end && load<u8>(at) == 0xff) at++
    const marker = at < end ? load<u8>(at++) : 0xd9
    if (marker == 0) store<u8>(out++, 0xff)
    else if (marker >= 0xd0 && marker <= 0xd7) {
      store<u32>(head, <u32>(out - head - 4))
      memory.fill(out, 0, 16)
      head = out + 16
      out = head + 4
    } else break
  }
  store<u32>(head, <u32>(out - head - 4))
  memory.fill(out, 0, 16)
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

/** A block of a DC coefficient alone is one grey. */
function fillFlat(at: usize, stride: i32): void {
  const value = ((load<i32>(BLOCK) + 4) >> 3) + 128
  const grey = <u64>(value < 0 ? 0 : value > 255 ? 255 : value) * 0x0101010101010101
  for (let row = 0; row < 8; row++) store<u64>(at + row * stride, grey)
}

/** jidctint.c: one dimension of the inverse DCT of four columns, from and to the eight vectors at `from` (32 bytes apart). */
// @ts-ignore: a decorator of AssemblyScript
@inline
function pass(from: usize, shift: i32): void {
  const half = i32x4.splat(1 << (shift - 1))
  const r0 = v128.load(from)
  const r1 = v128.load(from + 32)
  const r2 = v128.load(from + 64)
  const r3 = v128.load(from + 96)
  const r4 = v128.load(from + 128)
  const r5 = v128.load(from + 160)
  const r6 = v128.load(from + 192)
  const r7 = v128.load(from + 224)
  // even part
  let z1 = i32x4.mul(i32x4.add(r2, r6), i32x4.splat(4433))
  const even2 = i32x4.add(z1, i32x4.mul(r6, i32x4.splat(-15137)))
  const even3 = i32x4.add(z1, i32x4.mul(r2, i32x4.splat(6270)))
  const even0 = i32x4.add(i32x4.shl(i32x4.add(r0, r4), 13), half)
  const even1 = i32x4.add(i32x4.shl(i32x4.sub(r0, r4), 13), half)
  const t10 = i32x4.add(even0, even3)
  const t13 = i32x4.sub(even0, even3)
  const t11 = i32x4.add(even1, even2)
  const t12 = i32x4.sub(even1, even2)
  // odd part
  z1 = i32x4.mul(i32x4.add(r7, r1), i32x4.splat(-7373))
  const z2 = i32x4.mul(i32x4.add(r5, r3), i32x4.splat(-20995))
  let z3 = i32x4.add(r7, r3)
  let z4 = i32x4.add(r5, r1)
  const z5 = i32x4.mul(i32x4.add(z3, z4), i32x4.splat(9633))
  z3 = i32x4.add(i32x4.mul(z3, i32x4.splat(-16069)), z5)
  z4 = i32x4.add(i32x4.mul(z4, i32x4.splat(-3196)), z5)
  const odd0 = i32x4.add(i32x4.mul(r7, i32x4.splat(2446)), i32x4.add(z1, z3))
  const odd1 = i32x4.add(i32x4.mul(r5, i32x4.splat(16819)), i32x4.add(z2, z4))
  const odd2 = i32x4.add(i32x4.mul(r3, i32x4.splat(25172)), i32x4.add(z2, z3))
  const odd3 = i32x4.add(i32x4.mul(r1, i32x4.splat(12299)), i32x4.add(z1, z4))
  v128.store(from, i32x4.shr_s(i32x4.add(t10, odd3), shift))
  v128.store(from + 224, i32x4.shr_s(i32x4.sub(t10, odd3), shift))
  v128.store(from + 32, i32x4.shr_s(i32x4.add(t11, odd2), shift))
  v128.store(from + 192, i32x4.shr_s(i32x4.sub(t11, odd2), shift))
  v128.store(from + 64, i32x4.shr_s(i32x4.add(t12, odd1), shift))
  v128.store(from + 160, i32x4.shr_s(i32x4.sub(t12, odd1), shift))
  v128.store(from + 96, i32x4.shr_s(i32x4.add(t13, odd0), shift))
  v128.store(from + 128, i32x4.shr_s(i32x4.sub(t13, odd0), shift))
}

/** Swaps two quarters of BLOCK, 4×4 each, mirrored along the diagonal; one with itself where they are the same. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function transposeQuarters(a: usize, b: usize): void {
  const a0 = v128.load(a)
  const a1 = v128.load(a + 32)
  const a2 = v128.load(a + 64)
  const a3 = v128.load(a + 96)
  const b0 = v128.load(b)
  const b1 = v128.load(b + 32)
  const b2 = v128.load(b + 64)
  const b3 = v128.load(b + 96)
  storeTransposed(b, a0, a1, a2, a3)
  storeTransposed(a, b0, b1, b2, b3)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function storeTransposed(to: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const low01 = v128.shuffle<i32>(r0, r1, 0, 4, 1, 5)
  const high01 = v128.shuffle<i32>(r0, r1, 2, 6, 3, 7)
  const low23 = v128.shuffle<i32>(r2, r3, 0, 4, 1, 5)
  const high23 = v128.shuffle<i32>(r2, r3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2))
  v128.store(to + 32, v128.shuffle<i64>(low01, low23, 1, 3))
  v128.store(to + 64, v128.shuffle<i64>(high01, high23, 0, 2))
  v128.store(to + 96, v128.shuffle<i64>(high01, high23, 1, 3))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function transpose(): void {
  transposeQuarters(BLOCK, BLOCK)
  transposeQuarters(BLOCK + 16, BLOCK + 128)
  transposeQuarters(BLOCK + 144, BLOCK + 144)
}

/** Inverse DCT of BLOCK into 8×8 samples at `at`. */
function transform(at: usize, stride: i32): void {
  pass(BLOCK, 11)
  pass(BLOCK + 16, 11)
  transpose()
  pass(BLOCK, 18)
  pass(BLOCK + 16, 18)
  transpose()
  const centre = i16x8.splat(128)
  for (let row: usize = 0; row < 8; row += 2) {
    const first = BLOCK + row * 32
    const a = i16x8.add_sat_s(i16x8.narrow_i32x4_s(v128.load(first), v128.load(first + 16)), centre)
    const b = i16x8.add_sat_s(i16x8.narrow_i32x4_s(v128.load(first + 32), v128.load(first + 48)), centre)
    const bytes = i8x16.narrow_i16x8_u(a, b)
    v128.store_lane<u64>(at + row * stride, bytes, 0)
    v128.store_lane<u64>(at + (row + 1) * stride, bytes, 1)
  }
}

/** jdsample.c, h2v1_fancy_upsample: twice as many samples of a row, three quarters the nearer and one the further; `width` before. */
export function upsampleRow(from: usize, width: i32, to: usize): void {
  if (width <= 2) {
    for (let i = 0; i < width; i++) store<u16>(to + 2 * i, <u16>load<u8>(from + i) * 0x0101)
    return
  }
  store<u8>(to, load<u8>(from))
  store<u8>(to + 1, <u8>((<i32>load<u8>(from) * 3 + <i32>load<u8>(from + 1) + 2) >> 2))
  const three = i16x8.splat(3)
  let i = 1
  for (; i + 9 <= width; i += 8) {
    const nearer = i16x8.mul(v128.load8x8_u(from + i), three)
    const left = i16x8.shr_u(i16x8.add(i16x8.add(nearer, v128.load8x8_u(from + i - 1)), i16x8.splat(1)), 2)
    const right = i16x8.shr_u(i16x8.add(i16x8.add(nearer, v128.load8x8_u(from + i + 1)), i16x8.splat(2)), 2)
    v128.store(to + 2 * i, v128.or(left, i16x8.shl(right, 8)))
  }
  for (; i < width - 1; i++) {
    const nearer = <i32>load<u8>(from + i) * 3
    store<u8>(to + 2 * i, <u8>((nearer + <i32>load<u8>(from + i - 1) + 1) >> 2))
    store<u8>(to + 2 * i + 1, <u8>((nearer + <i32>load<u8>(from + i + 1) + 2) >> 2))
  }
  store<u8>(to + 2 * i, <u8>((<i32>load<u8>(from + i) * 3 + <i32>load<u8>(from + i - 1) + 1) >> 2))
  store<u8>(to + 2 * i + 1, load<u8>(from + i))
}

/** jdsample.c, h2v2_fancy_upsample: the same in two dimensions; `beside` is the row above or below. `sums` has room for `width` u16. */
export function upsampleRows(near: usize, beside: usize, width: i32, to: usize, sums: usize): void {
  if (width <= 2) {
    for (let i = 0; i < width; i++) store<u16>(to + 2 * i, <u16>load<u8>(near + i) * 0x0101)
    return
  }
  const three = i16x8.splat(3)
  for (let i = 0; i < width; i += 8) {
    v128.store(sums + 2 * i, i16x8.add(i16x8.mul(v128.load8x8_u(near + i), three), v128.load8x8_u(beside + i)))
  }
  const first = <i32>load<u16>(sums)
  store<u8>(to, <u8>((first * 4 + 8) >> 4))
  store<u8>(to + 1, <u8>((first * 3 + <i32>load<u16>(sums + 2) + 7) >> 4))
  let i = 1
  for (; i + 9 <= width; i += 8) {
    const nearer = i16x8.mul(v128.load(sums + 2 * i), three)
    const left = i16x8.shr_u(i16x8.add(i16x8.add(nearer, v128.load(sums + 2 * i - 2)), i16x8.splat(8)), 4)
    const right = i16x8.shr_u(i16x8.add(i16x8.add(nearer, v128.load(sums + 2 * i + 2)), i16x8.splat(7)), 4)
    v128.store(to + 2 * i, v128.or(left, i16x8.shl(right, 8)))
  }
  for (; i < width; i++) {
    const sum = <i32>load<u16>(sums + 2 * i)
    const before = <i32>load<u16>(sums + 2 * i - 2)
    const after = i + 1 < width ? <i32>load<u16>(sums + 2 * i + 2) : sum
    store<u8>(to + 2 * i, <u8>((sum * 3 + before + 8) >> 4))
    store<u8>(to + 2 * i + 1, <u8>((sum * 3 + after + 7) >> 4))
  }
}

/** jdcolor.c, ycc_rgb_convert: a row of `width` pixels. Reads up to 7 samples and writes up to 29 bytes further. */
export function colourRow(luma: usize, blue: usize, red: usize, width: i32, to: usize): void {
  const centre = i16x8.splat(128)
  const half = i32x4.splat(32768)
  for (let i = 0; i < width; i += 8) {
    const y = v128.load8x8_u(luma + i)
    const cb = i16x8.sub(v128.load8x8_u(blue + i), centre)
    const cr = i16x8.sub(v128.load8x8_u(red + i), centre)
    const cb0 = i32x4.extend_low_i16x8_s(cb)
    const cb1 = i32x4.extend_high_i16x8_s(cb)
    const cr0 = i32x4.extend_low_i16x8_s(cr)
    const cr1 = i32x4.extend_high_i16x8_s(cr)
    const r = i16x8.add(y, scaled(cr0, cr1, 91881, half))
    const b = i16x8.add(y, scaled(cb0, cb1, 116130, half))
    const g0 = i32x4.add(i32x4.add(i32x4.mul(cb0, i32x4.splat(-22554)), half), i32x4.mul(cr0, i32x4.splat(-46802)))
    const g1 = i32x4.add(i32x4.add(i32x4.mul(cb1, i32x4.splat(-22554)), half), i32x4.mul(cr1, i32x4.splat(-46802)))
    const g = i16x8.add(y, i16x8.narrow_i32x4_s(i32x4.shr_s(g0, 16), i32x4.shr_s(g1, 16)))
    const rg = i8x16.narrow_i16x8_u(r, g)
    const bb = i8x16.narrow_i16x8_u(b, b)
    v128.store(to + 3 * i, i8x16.shuffle(rg, bb, 0, 8, 16, 1, 9, 17, 2, 10, 18, 3, 11, 19, 4, 12, 20, 5))
    v128.store(to + 3 * i + 16, i8x16.shuffle(rg, bb, 13, 21, 6, 14, 22, 7, 15, 23, 0, 0, 0, 0, 0, 0, 0, 0))
  }
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function scaled(low: v128, high: v128, factor: i32, half: v128): v128 {
  const f = i32x4.splat(factor)
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(i32x4.mul(low, f), half), 16),
    i32x4.shr_s(i32x4.add(i32x4.mul(high, f), half), 16),
  )
}

/** Three planes as they are, interleaved. */
export function interleaveRow(a: usize, b: usize, c: usize, width: i32, to: usize): void {
  for (let i = 0; i < width; i++) {
    store<u8>(to + 3 * i, load<u8>(a + i))
    store<u8>(to + 3 * i + 1, load<u8>(b + i))
    store<u8>(to + 3 * i + 2, load<u8>(c + i))
  }
}
