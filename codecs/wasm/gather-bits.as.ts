/** Undoing Blosc's shuffle of bits. AssemblyScript. Spec: kiyo-masui/bitshuffle for the order of the bits. */
import { eightsOf } from './unshuffle.as'

// @ts-ignore: decorator
@inline
function swapUpper(p: v128, q: v128, shift: i32, mask: v128): v128 {
  return v128.and(v128.xor(i64x2.shr_u(p, shift), q), mask)
}

/**
 * Bit b of byte k of every element lies in run 8k + b, eight elements to a byte, the first in the lowest bit. Makes of it what bytes
 * shuffled are, in runs that lie `apart` bytes from each other. For numbers of elements that are multiples of 8.
 */
export function gatherBits(source: usize, target: usize, bytes: usize, size: usize, apart: usize): void {
  const count = bytes / size
  const run = count >> 3
  const m4 = i8x16.splat(0x0f)
  const m2 = i8x16.splat(0x33)
  const m1 = i8x16.splat(0x55)
  for (let k: usize = 0; k < size; k++) {
    const rows = source + 8 * k * run
    const to = target + k * apart
    let i: usize = 0
    // sixteen 8 × 8 matrices of bits are turned over side by side
    for (; i + 16 <= run; i += 16) {
      let a = v128.load(rows + i)
      let b = v128.load(rows + i + run)
      let c = v128.load(rows + i + 2 * run)
      let d = v128.load(rows + i + 3 * run)
      let e = v128.load(rows + i + 4 * run)
      let f = v128.load(rows + i + 5 * run)
      let g = v128.load(rows + i + 6 * run)
      let h = v128.load(rows + i + 7 * run)
      let t = swapUpper(a, e, 4, m4)
      e = v128.xor(e, t)
      a = v128.xor(a, i64x2.shl(t, 4))
      t = swapUpper(b, f, 4, m4)
      f = v128.xor(f, t)
      b = v128.xor(b, i64x2.shl(t, 4))
      t = swapUpper(c, g, 4, m4)
      g = v128.xor(g, t)
      c = v128.xor(c, i64x2.shl(t, 4))
      t = swapUpper(d, h, 4, m4)
      h = v128.xor(h, t)
      d = v128.xor(d, i64x2.shl(t, 4))
      t = swapUpper(a, c, 2, m2)
      c = v128.xor(c, t)
      a = v128.xor(a, i64x2.shl(t, 2))
      t = swapUpper(b, d, 2, m2)
      d = v128.xor(d, t)
      b = v128.xor(b, i64x2.shl(t, 2))
      t = swapUpper(e, g, 2, m2)
      g = v128.xor(g, t)
      e = v128.xor(e, i64x2.shl(t, 2))
      t = swapUpper(f, h, 2, m2)
      h = v128.xor(h, t)
      f = v128.xor(f, i64x2.shl(t, 2))
      t = swapUpper(a, b, 1, m1)
      b = v128.xor(b, t)
      a = v128.xor(a, i64x2.shl(t, 1))
      t = swapUpper(c, d, 1, m1)
      d = v128.xor(d, t)
      c = v128.xor(c, i64x2.shl(t, 1))
      t = swapUpper(e, f, 1, m1)
      f = v128.xor(f, t)
      e = v128.xor(e, i64x2.shl(t, 1))
      t = swapUpper(g, h, 1, m1)
      h = v128.xor(h, t)
      g = v128.xor(g, i64x2.shl(t, 1))
      const into = to + 8 * i
      eightsOf(a, b, c, d, e, f, g, h, into, 8)
    }
    for (; i < run; i++) {
      let x: u64 = 0
      for (let b: usize = 0; b < 8; b++) x |= <u64>load<u8>(rows + b * run + i) << (<u64>b << 3)
      let t = (x ^ (x >> 7)) & 0x00aa00aa00aa00aa
      x = x ^ t ^ (t << 7)
      t = (x ^ (x >> 14)) & 0x0000cccc0000cccc
      x = x ^ t ^ (t << 14)
      t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0
      x = x ^ t ^ (t << 28)
      store<u64>(to + 8 * i, x)
    }
  }
  memory.copy(target + apart * size, source + count * size, bytes - count * size)
}
