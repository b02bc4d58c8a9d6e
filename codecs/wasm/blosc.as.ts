/**
 * What Blosc 1 needs beside the codecs there are: BloscLZ and Snappy decoders, and undoing the two shuffles. AssemblyScript, compiled by
 * `bun codecs/wasm/build.ts` to the blosc.wasm that lies beside it; LZ4 is compiled in, so that a stream is decoded and unshuffled in
 * one memory.
 *
 * Spec: c-blosc 1.21, README_HEADER.rst and blosc/blosclz.c; google/snappy, format_description.txt; kiyo-masui/bitshuffle for the order
 * of the bits. Decoders check every length and offset against both ends before anything is copied; they return the bytes written, or a
 * negative number: −1 cut short, −2 longer than the target, −3 reaches before its start.
 */
export { decode as lz4 } from './lz4.as'

/** In steps of 16 bytes, so up to 15 behind the end are written, too: they are not decoded yet, or the caller leaves room. */
// @ts-ignore: decorator
@inline
function copyAhead(to: usize, from: usize, length: usize): void {
  for (let done: usize = 0; done < length; done += 16) v128.store(to + done, v128.load(from + done))
}

/** The match may overlap what it makes: then it repeats. What repeats within 16 bytes is not loaded again, for a load waits for a store. */
// @ts-ignore: decorator
@inline
function copyMatch(op: usize, offset: usize, length: usize): void {
  if (offset >= 16) {
    copyAhead(op, op - offset, length)
    return
  }
  for (let i: usize = 0; i < 16; i++) store<u8>(op + i, load<u8>(op + i - offset))
  if ((offset & (offset - 1)) == 0) {
    const pattern = v128.load(op)
    for (let done: usize = 16; done < length; done += 16) v128.store(op + done, pattern)
    return
  }
  const distance: usize = <usize>((15 + <u32>offset) / <u32>offset) * offset
  for (let done: usize = 16; done < length; done += 16) v128.store(op + done, v128.load(op + done - distance))
}

export function blosclz(source: usize, sourceLength: usize, target: usize, targetLength: usize): i32 {
  let ip = source
  let op = target
  const inEnd = source + sourceLength
  const outEnd = target + targetLength
  if (ip >= inEnd) return 0
  // the first byte begins a literal; its upper bits say the level
  let control = <usize>(load<u8>(ip++) & 31)
  while (true) {
    if (control < 32) {
      const length = control + 1
      if (length > inEnd - ip) return -1
      if (length > outEnd - op) return -2
      copyAhead(op, ip, length)
      ip += length
      op += length
    } else {
      let length = (control >> 5) + 2
      let offset = (control & 31) << 8
      if (length == 9) {
        let more: usize = 255
        while (more == 255) {
          if (ip >= inEnd) return -1
          more = <usize>load<u8>(ip++)
          length += more
          if (length > targetLength) return -2
        }
      }
      if (ip >= inEnd) return -1
      const low = <usize>load<u8>(ip++)
      if (low == 255 && offset == 31 << 8) {
        if (inEnd - ip < 2) return -1
        offset = ((<usize>load<u8>(ip) << 8) | <usize>load<u8>(ip + 1)) + 8191
        ip += 2
      } else offset += low
      offset++
      if (length > outEnd - op) return -2
      if (offset > op - target) return -3
      copyMatch(op, offset, length)
      op += length
    }
    if (ip >= inEnd) return <i32>(op - target)
    control = <usize>load<u8>(ip++)
  }
}

export function snappy(source: usize, sourceLength: usize, target: usize, targetLength: usize): i32 {
  let ip = source
  let op = target
  const inEnd = source + sourceLength
  const outEnd = target + targetLength
  // how much it holds, in 7 bits a byte, stands in front
  let stated: u64 = 0
  for (let shift: u64 = 0; ; shift += 7) {
    if (ip >= inEnd || shift > 28) return -1
    const byte = <u64>load<u8>(ip++)
    stated |= (byte & 127) << shift
    if (byte < 128) break
  }
  if (stated > <u64>targetLength) return -2
  while (ip < inEnd) {
    const tag = <usize>load<u8>(ip++)
    const kind = tag & 3
    if (kind == 0) {
      let length = tag >> 2
      if (length >= 60) {
        const bytes = length - 59
        if (bytes > inEnd - ip) return -1
        length = 0
        for (let i: usize = 0; i < bytes; i++) length |= <usize>load<u8>(ip + i) << (i << 3)
        ip += bytes
        if (length >= targetLength) return -2
      }
      length++
      if (length > inEnd - ip) return -1
      if (length > outEnd - op) return -2
      copyAhead(op, ip, length)
      ip += length
      op += length
      continue
    }
    const more: usize = kind == 3 ? 4 : kind
    if (more > inEnd - ip) return -1
    let length = (tag >> 2) + 1
    let offset: usize = 0
    if (kind == 1) {
      length = ((tag >> 2) & 7) + 4
      offset = ((tag >> 5) << 8) | <usize>load<u8>(ip)
    } else offset = kind == 2 ? <usize>load<u16>(ip) : <usize>load<u32>(ip)
    ip += more
    if (length > outEnd - op) return -2
    if (offset - 1 >= op - target) return -3
    copyMatch(op, offset, length)
    op += length
  }
  return <i32>(op - target)
}

/** Sixty-four bytes of each of up to 255 runs. */
const LINES = memory.data(255 * 64, 16)

/**
 * Byte k of every element lies in the kth of `size` runs of `run` bytes: puts `count` elements, the first of which begins the runs at
 * `source`, together. Runs often lie so that their lines would push each other out of the cache: 64 bytes of each are put side by side
 * first.
 */
export function unshuffle(source: usize, target: usize, count: usize, size: usize, run: usize): void {
  let first: usize = 0
  if (size == 2 || size == 4) {
    first = count & ~15
    for (let i: usize = 0; i < first; i += 16) {
      if (size == 2) pairs(source + i, run, target + i * size)
      else fours(source + i, run, target + i * size)
    }
  } else if ((size & 7) == 0) {
    first = count & ~63
    for (let i: usize = 0; i < first; i += 64) {
      for (let k: usize = 0; k < size; k++) {
        const from = source + i + k * run
        const line = LINES + 64 * k
        v128.store(line, v128.load(from))
        v128.store(line + 16, v128.load(from + 16))
        v128.store(line + 32, v128.load(from + 32))
        v128.store(line + 48, v128.load(from + 48))
      }
      for (let part: usize = 0; part < 64; part += 16) {
        const to = target + (i + part) * size
        if (size == 8) eights(LINES + part, 64, to)
        else {
          let k: usize = 0
          for (; k + 16 <= size; k += 16) sixteens(LINES + part + 64 * k, 64, to + k, size)
          if (k < size) apart(LINES + part + 64 * k, 64, to + k, size)
        }
      }
    }
  }
  for (let i = first; i < count; i++) {
    const to = target + i * size
    for (let k: usize = 0; k < size; k++) store<u8>(to + k, load<u8>(source + i + k * run))
  }
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}

// @ts-ignore: decorator
@inline
function low16(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
}

// @ts-ignore: decorator
@inline
function high16(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31)
}

// @ts-ignore: decorator
@inline
function low32(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
}

// @ts-ignore: decorator
@inline
function high32(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
}

// @ts-ignore: decorator
@inline
function pairs(from: usize, run: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from + run)
  v128.store(to, low(a, b))
  v128.store(to + 16, high(a, b))
}

// @ts-ignore: decorator
@inline
function fours(from: usize, run: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from + run)
  const c = v128.load(from + 2 * run)
  const d = v128.load(from + 3 * run)
  const ab = low(a, b)
  const cd = low(c, d)
  const ab2 = high(a, b)
  const cd2 = high(c, d)
  v128.store(to, low16(ab, cd))
  v128.store(to + 16, high16(ab, cd))
  v128.store(to + 32, low16(ab2, cd2))
  v128.store(to + 48, high16(ab2, cd2))
}

// @ts-ignore: decorator
@inline
function low64(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
}

// @ts-ignore: decorator
@inline
function high64(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
}

/** Eight runs, of elements of eight bytes. */
// @ts-ignore: decorator
@inline
function eights(from: usize, run: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from + run)
  const c = v128.load(from + 2 * run)
  const d = v128.load(from + 3 * run)
  const e = v128.load(from + 4 * run)
  const f = v128.load(from + 5 * run)
  const g = v128.load(from + 6 * run)
  const h = v128.load(from + 7 * run)
  eightsOf(low(a, b), low(c, d), low(e, f), low(g, h), to)
  eightsOf(high(a, b), high(c, d), high(e, f), high(g, h), to + 64)
}

// @ts-ignore: decorator
@inline
function eightsOf(ab: v128, cd: v128, ef: v128, gh: v128, to: usize): void {
  const abcd = low16(ab, cd)
  const efgh = low16(ef, gh)
  v128.store(to, low32(abcd, efgh))
  v128.store(to + 16, high32(abcd, efgh))
  const abcd2 = high16(ab, cd)
  const efgh2 = high16(ef, gh)
  v128.store(to + 32, low32(abcd2, efgh2))
  v128.store(to + 48, high32(abcd2, efgh2))
}

/** Sixteen bytes of sixteen elements that are `size` apart: twice eight runs, put together in the memory of SPARE. */
const SPARE = memory.data(256, 16)

function sixteens(from: usize, run: usize, to: usize, size: usize): void {
  eights(from, run, SPARE)
  eights(from + 8 * run, run, SPARE + 128)
  for (let n: usize = 0; n < 8; n++) {
    const p = v128.load(SPARE + 16 * n)
    const q = v128.load(SPARE + 16 * n + 128)
    v128.store(to + 2 * n * size, low64(p, q))
    v128.store(to + (2 * n + 1) * size, high64(p, q))
  }
}

/** Eight bytes of sixteen elements that are `size` apart. */
function apart(from: usize, run: usize, to: usize, size: usize): void {
  eights(from, run, SPARE)
  for (let n: usize = 0; n < 16; n++) store<u64>(to + n * size, load<u64>(SPARE + 8 * n))
}

// @ts-ignore: decorator
@inline
function swapUpper(p: v128, q: v128, shift: i32, mask: v128): v128 {
  return v128.and(v128.xor(i64x2.shr_u(p, shift), q), mask)
}

/**
 * Bit b of byte k of every element lies in run 8k + b, eight elements to a byte, the first in the lowest bit. Makes of it what bytes
 * shuffled are. For numbers of elements that are multiples of 8.
 */
export function gatherBits(source: usize, target: usize, bytes: usize, size: usize): void {
  const count = bytes / size
  const run = count >> 3
  const m4 = i8x16.splat(0x0f)
  const m2 = i8x16.splat(0x33)
  const m1 = i8x16.splat(0x55)
  for (let k: usize = 0; k < size; k++) {
    const rows = source + 8 * k * run
    const to = target + k * count
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
      eightsOf(low(a, b), low(c, d), low(e, f), low(g, h), into)
      eightsOf(high(a, b), high(c, d), high(e, f), high(g, h), into + 64)
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
  memory.copy(target + count * size, source + count * size, bytes - count * size)
}
