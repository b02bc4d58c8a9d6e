/** Undoing Blosc's shuffle of bytes. AssemblyScript. Spec: c-blosc 1.21, README_HEADER.rst. */

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
export function low(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
}

// @ts-ignore: decorator
@inline
export function high(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
}

// @ts-ignore: decorator
@inline
export function low16(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
}

// @ts-ignore: decorator
@inline
export function high16(a: v128, b: v128): v128 {
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
export function eightsOf(ab: v128, cd: v128, ef: v128, gh: v128, to: usize): void {
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
