/** From planes to pixels: chroma as wide as luma, colours, interleaving. AssemblyScript. Bit for bit libjpeg-turbo. */

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

/**
 * jdcolor.c, ycc_rgb_convert: a row of `width` pixels. Reads up to 7 samples and writes up to 29 bytes further. Of the factors, in 1/65536,
 * what is beyond a whole one is multiplied in 16 bits: 26345 (as 13174 / 32768) of red and 50594 of blue round alike for each of the 256
 * values there are; for green both products are added up before they are rounded.
 */
export function colourRow(luma: usize, blue: usize, red: usize, width: i32, to: usize): void {
  const centre = i16x8.splat(128)
  const half = i32x4.splat(32768)
  const greens = i32x4.splat((18734 << 16) | (-22554 & 0xffff))
  for (let i = 0; i < width; i += 8) {
    const y = v128.load8x8_u(luma + i)
    const cb = i16x8.sub(v128.load8x8_u(blue + i), centre)
    const cr = i16x8.sub(v128.load8x8_u(red + i), centre)
    const r = i16x8.add(i16x8.add(y, cr), i16x8.q15mulr_sat_s(cr, i16x8.splat(13174)))
    const b = i16x8.add(i16x8.add(y, cb), i16x8.q15mulr_sat_s(cb, i16x8.splat(25297)))
    const g0 = i32x4.dot_i16x8_s(v128.shuffle<i16>(cb, cr, 0, 8, 1, 9, 2, 10, 3, 11), greens)
    const g1 = i32x4.dot_i16x8_s(v128.shuffle<i16>(cb, cr, 4, 12, 5, 13, 6, 14, 7, 15), greens)
    const share = i16x8.narrow_i32x4_s(i32x4.shr_s(i32x4.add(g0, half), 16), i32x4.shr_s(i32x4.add(g1, half), 16))
    const g = i16x8.add(i16x8.sub(y, cr), share)
    const rg = i8x16.narrow_i16x8_u(r, g)
    const bb = i8x16.narrow_i16x8_u(b, b)
    v128.store(to + 3 * i, i8x16.shuffle(rg, bb, 0, 8, 16, 1, 9, 17, 2, 10, 18, 3, 11, 19, 4, 12, 20, 5))
    v128.store(to + 3 * i + 16, i8x16.shuffle(rg, bb, 13, 21, 6, 14, 22, 7, 15, 23, 0, 0, 0, 0, 0, 0, 0, 0))
  }
}

/** Three planes as they are, interleaved. */
export function interleaveRow(a: usize, b: usize, c: usize, width: i32, to: usize): void {
  for (let i = 0; i < width; i++) {
    store<u8>(to + 3 * i, load<u8>(a + i))
    store<u8>(to + 3 * i + 1, load<u8>(b + i))
    store<u8>(to + 3 * i + 2, load<u8>(c + i))
  }
}
