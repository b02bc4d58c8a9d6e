/**
 * The inverse DCT of JPEG, bit for bit the accurate integer one of libjpeg (jidctint.c). AssemblyScript.
 *
 * Four columns or rows at a time. Most blocks have nothing in the right or the lower half: then half of the work is left out. Samples are
 * turned back as bytes, of which sixteen move at once.
 */

import { high, low } from './unshuffle.as'

/** 64 coefficients, i32, row by row. */
export const BLOCK = memory.data(64 * 4, 16)
/** What the first pass makes of them, column by column. */
const COLUMNS = memory.data(64 * 4, 16)

/** A block of a DC coefficient alone is one grey. */
export function fillFlat(at: usize, stride: i32): void {
  const value = ((load<i32>(BLOCK) + 4) >> 3) + 128
  const grey = <u64>(value < 0 ? 0 : value > 255 ? 255 : value) * 0x0101010101010101
  for (let row = 0; row < 8; row++) store<u64>(at + row * stride, grey)
}

/** Inverse DCT of BLOCK into 8×8 samples at `at`. */
export function transform(at: usize, stride: i32, hasRight: bool, hasLower: bool): void {
  if (hasLower) {
    columns(BLOCK, COLUMNS, true)
    if (hasRight) columns(BLOCK + 16, COLUMNS + 128, true)
  } else {
    columns(BLOCK, COLUMNS, false)
    if (hasRight) columns(BLOCK + 16, COLUMNS + 128, false)
  }
  if (hasRight) {
    rows(COLUMNS, true)
    rows(COLUMNS + 16, true)
  } else {
    rows(COLUMNS, false)
    rows(COLUMNS + 16, false)
  }
  // bytes of two columns each, turned around by perfect shuffles (unshuffle.as.ts)
  const c01 = samples(0)
  const c23 = samples(64)
  const c45 = samples(128)
  const c67 = samples(192)
  const a = low(c01, c45)
  const b = high(c01, c45)
  const c = low(c23, c67)
  const d = high(c23, c67)
  const e = low(a, c)
  const f = high(a, c)
  const g = low(b, d)
  const h = high(b, d)
  twoRows(low(e, g), at, stride)
  twoRows(high(e, g), at + 2 * stride, stride)
  twoRows(low(f, h), at + 4 * stride, stride)
  twoRows(high(f, h), at + 6 * stride, stride)
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function samples(at: usize): v128 {
  const centre = i16x8.splat(128)
  const first = i16x8.narrow_i32x4_s(v128.load(COLUMNS + at), v128.load(COLUMNS + at, 16))
  const second = i16x8.narrow_i32x4_s(v128.load(COLUMNS + at, 32), v128.load(COLUMNS + at, 48))
  return i8x16.narrow_i16x8_u(i16x8.add_sat_s(first, centre), i16x8.add_sat_s(second, centre))
}

// @ts-ignore: a decorator of AssemblyScript
@inline
function twoRows(bytes: v128, at: usize, stride: i32): void {
  store<f64>(at, f64x2.extract_lane(bytes, 0))
  store<f64>(at + stride, f64x2.extract_lane(bytes, 1))
}

/** Four columns at `from`, their values 32 bytes apart, to four columns of eight values. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function columns(from: usize, to: usize, isWhole: bool): void {
  pass(from, to, 11, isWhole, true)
}

/** The same values of eight columns at `at`, 32 bytes apart, in place: four rows. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function rows(at: usize, isWhole: bool): void {
  pass(at, at, 18, isWhole, false)
}

/** One dimension, of four at a time; where they are not `isWhole` the last four of the eight are zero. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function pass(from: usize, to: usize, shift: i32, isWhole: bool, isTurned: bool): void {
  const half = i32x4.splat(1 << (shift - 1))
  const r0 = v128.load(from)
  const r1 = v128.load(from, 32)
  const r2 = v128.load(from, 64)
  const r3 = v128.load(from, 96)
  let even0: v128, even1: v128, even2: v128, even3: v128
  let odd0: v128, odd1: v128, odd2: v128, odd3: v128
  if (isWhole) {
    const r4 = v128.load(from, 128)
    const r5 = v128.load(from, 160)
    const r6 = v128.load(from, 192)
    const r7 = v128.load(from, 224)
    let z1 = i32x4.mul(i32x4.add(r2, r6), i32x4.splat(4433))
    even2 = i32x4.add(z1, i32x4.mul(r6, i32x4.splat(-15137)))
    even3 = i32x4.add(z1, i32x4.mul(r2, i32x4.splat(6270)))
    even0 = i32x4.add(i32x4.shl(i32x4.add(r0, r4), 13), half)
    even1 = i32x4.add(i32x4.shl(i32x4.sub(r0, r4), 13), half)
    z1 = i32x4.mul(i32x4.add(r7, r1), i32x4.splat(-7373))
    const z2 = i32x4.mul(i32x4.add(r5, r3), i32x4.splat(-20995))
    let z3 = i32x4.add(r7, r3)
    let z4 = i32x4.add(r5, r1)
    const z5 = i32x4.mul(i32x4.add(z3, z4), i32x4.splat(9633))
    z3 = i32x4.add(i32x4.mul(z3, i32x4.splat(-16069)), z5)
    z4 = i32x4.add(i32x4.mul(z4, i32x4.splat(-3196)), z5)
    odd0 = i32x4.add(i32x4.mul(r7, i32x4.splat(2446)), i32x4.add(z1, z3))
    odd1 = i32x4.add(i32x4.mul(r5, i32x4.splat(16819)), i32x4.add(z2, z4))
    odd2 = i32x4.add(i32x4.mul(r3, i32x4.splat(25172)), i32x4.add(z2, z3))
    odd3 = i32x4.add(i32x4.mul(r1, i32x4.splat(12299)), i32x4.add(z1, z4))
  } else {
    // the same with zeros for the others, factors of one value added up: wrapping around, sums of products are the same
    even2 = i32x4.mul(r2, i32x4.splat(4433))
    even3 = i32x4.mul(r2, i32x4.splat(4433 + 6270))
    even0 = i32x4.add(i32x4.shl(r0, 13), half)
    even1 = even0
    odd0 = i32x4.add(i32x4.mul(r1, i32x4.splat(9633 - 7373)), i32x4.mul(r3, i32x4.splat(9633 - 16069)))
    odd1 = i32x4.add(i32x4.mul(r1, i32x4.splat(9633 - 3196)), i32x4.mul(r3, i32x4.splat(9633 - 20995)))
    odd2 = i32x4.add(i32x4.mul(r1, i32x4.splat(9633)), i32x4.mul(r3, i32x4.splat(25172 - 20995 - 16069 + 9633)))
    odd3 = i32x4.add(i32x4.mul(r1, i32x4.splat(12299 - 7373 - 3196 + 9633)), i32x4.mul(r3, i32x4.splat(9633)))
  }
  const t10 = i32x4.add(even0, even3)
  const t13 = i32x4.sub(even0, even3)
  const t11 = i32x4.add(even1, even2)
  const t12 = i32x4.sub(even1, even2)
  const o0 = i32x4.shr_s(i32x4.add(t10, odd3), shift)
  const o1 = i32x4.shr_s(i32x4.add(t11, odd2), shift)
  const o2 = i32x4.shr_s(i32x4.add(t12, odd1), shift)
  const o3 = i32x4.shr_s(i32x4.add(t13, odd0), shift)
  const o4 = i32x4.shr_s(i32x4.sub(t13, odd0), shift)
  const o5 = i32x4.shr_s(i32x4.sub(t12, odd1), shift)
  const o6 = i32x4.shr_s(i32x4.sub(t11, odd2), shift)
  const o7 = i32x4.shr_s(i32x4.sub(t10, odd3), shift)
  if (isTurned) {
    storeTurned(to, o0, o1, o2, o3)
    storeTurned(to + 16, o4, o5, o6, o7)
    return
  }
  v128.store(to, o0)
  v128.store(to, o1, 32)
  v128.store(to, o2, 64)
  v128.store(to, o3, 96)
  v128.store(to, o4, 128)
  v128.store(to, o5, 160)
  v128.store(to, o6, 192)
  v128.store(to, o7, 224)
}

/** Perfect shuffles again, of sixteen values. */
// @ts-ignore: a decorator of AssemblyScript
@inline
function storeTurned(to: usize, r0: v128, r1: v128, r2: v128, r3: v128): void {
  const a = v128.shuffle<i32>(r0, r2, 0, 4, 1, 5)
  const b = v128.shuffle<i32>(r0, r2, 2, 6, 3, 7)
  const c = v128.shuffle<i32>(r1, r3, 0, 4, 1, 5)
  const d = v128.shuffle<i32>(r1, r3, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i32>(a, c, 0, 4, 1, 5))
  v128.store(to, v128.shuffle<i32>(a, c, 2, 6, 3, 7), 32)
  v128.store(to, v128.shuffle<i32>(b, d, 0, 4, 1, 5), 64)
  v128.store(to, v128.shuffle<i32>(b, d, 2, 6, 3, 7), 96)
}
