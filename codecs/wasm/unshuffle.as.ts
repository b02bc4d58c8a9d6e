/**
 * Undoing Blosc's shuffle of bytes. AssemblyScript. Spec: c-blosc 1.21, README_HEADER.rst.
 *
 * Rows are put together by perfect shuffles: where 2ⁿ rows lie in 2ⁿ registers, interleaving each of the first half with its partner of
 * the second, n times over, is what turns them around. It needs the same four masks at each step, which stay in registers; other ways
 * need others at each, which are loaded again and again.
 */

const TILE: usize = 64

/**
 * Byte k of every element lies in the kth of `size` runs of `run` bytes: puts `count` elements, the first of which begins the runs at
 * `source`, together.
 */
export function unshuffle(source: usize, target: usize, count: usize, size: usize, run: usize): void {
  const first = count & ~15
  let done: usize = 0
  if (size == 2) {
    for (let i: usize = 0; i < first; i += 16) {
      const a = v128.load(source + i)
      const b = v128.load(source + i + run)
      v128.store(target + 2 * i, low(a, b))
      v128.store(target + 2 * i + 16, high(a, b))
    }
    done = 2
  } else if (size == 4) {
    for (let i: usize = 0; i < first; i += 16) fours(source + i, run, target + 4 * i)
    done = 4
  } else if (size == 8) {
    for (let i: usize = 0; i < first; i += 16) eights(source + i, run, target + 8 * i, 8)
    done = 8
  } else {
    const whole = size & ~7
    for (let tile: usize = 0; tile < first; tile += TILE) {
      const end = min(tile + TILE, first)
      for (let k: usize = 0; k < whole; k += 8) {
        for (let i = tile; i < end; i += 16) eights(source + i + k * run, run, target + i * size + k, size)
      }
    }
    done = whole
  }
  for (; done < size; done++) {
    for (let i: usize = 0; i < first; i++) store<u8>(target + i * size + done, load<u8>(source + i + done * run))
  }
  for (let i = first; i < count; i++) {
    for (let k: usize = 0; k < size; k++) store<u8>(target + i * size + k, load<u8>(source + i + k * run))
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
function fours(from: usize, run: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from + run)
  const c = v128.load(from + 2 * run)
  const d = v128.load(from + 3 * run)
  const ac = low(a, c)
  const ac2 = high(a, c)
  const bd = low(b, d)
  const bd2 = high(b, d)
  v128.store(to, low(ac, bd))
  v128.store(to + 16, high(ac, bd))
  v128.store(to + 32, low(ac2, bd2))
  v128.store(to + 48, high(ac2, bd2))
}

/** Eight bytes of sixteen elements that are `size` apart. */
// @ts-ignore: decorator
@inline
function eights(from: usize, run: usize, to: usize, size: usize): void {
  eightsOf(
    v128.load(from),
    v128.load(from + run),
    v128.load(from + 2 * run),
    v128.load(from + 3 * run),
    v128.load(from + 4 * run),
    v128.load(from + 5 * run),
    v128.load(from + 6 * run),
    v128.load(from + 7 * run),
    to,
    size,
  )
}

/** Eight rows, of elements that are `size` apart. */
// @ts-ignore: decorator
@inline
export function eightsOf(a: v128, b: v128, c: v128, d: v128, e: v128, f: v128, g: v128, h: v128, to: usize, size: usize): void {
  const ae = low(a, e)
  const ae2 = high(a, e)
  const bf = low(b, f)
  const bf2 = high(b, f)
  const cg = low(c, g)
  const cg2 = high(c, g)
  const dh = low(d, h)
  const dh2 = high(d, h)
  twice(low(ae, cg), low(bf, dh), to, size)
  twice(high(ae, cg), high(bf, dh), to + 4 * size, size)
  twice(low(ae2, cg2), low(bf2, dh2), to + 8 * size, size)
  twice(high(ae2, cg2), high(bf2, dh2), to + 12 * size, size)
}

/** Four elements. */
// @ts-ignore: decorator
@inline
function twice(p: v128, q: v128, to: usize, size: usize): void {
  pair(low(p, q), to, size)
  pair(high(p, q), to + 2 * size, size)
}

// @ts-ignore: decorator
@inline
function pair(elements: v128, to: usize, size: usize): void {
  if (size == 8) v128.store(to, elements)
  else {
    // as floating-point numbers: integers would take the way through other registers
    store<f64>(to, f64x2.extract_lane(elements, 0))
    store<f64>(to + size, f64x2.extract_lane(elements, 1))
  }
}

/** Whether a run is one byte over and over. */
export function isOneByte(from: usize, length: usize): bool {
  const first = load<u8>(from)
  const pattern = i8x16.splat(first)
  const end = from + length
  for (; from + 64 <= end; from += 64) {
    const other = v128.or(
      v128.or(v128.xor(v128.load(from), pattern), v128.xor(v128.load(from, 16), pattern)),
      v128.or(v128.xor(v128.load(from, 32), pattern), v128.xor(v128.load(from, 48), pattern)),
    )
    if (v128.any_true(other)) return false
  }
  for (; from < end; from++) if (load<u8>(from) != first) return false
  return true
}
