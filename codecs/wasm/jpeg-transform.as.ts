/** The inverse DCT of JPEG, bit for bit the accurate integer one of libjpeg (jidctint.c). AssemblyScript. */

/** 64 coefficients, i32, row by row. */
export const BLOCK = memory.data(64 * 4, 16)

/** A block of a DC coefficient alone is one grey. */
export function fillFlat(at: usize, stride: i32): void {
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
export function transform(at: usize, stride: i32): void {
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
