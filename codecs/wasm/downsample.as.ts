/**
 * Halves voxels: one plane of the result from one or two planes of the source. AssemblyScript, compiled by
 * `bun codecs/wasm/build.ts` to the downsample.wasm that lies beside it; called by src/volume/downsample.ts, which says what the
 * results are. In WebAssembly, because a kernel in JavaScript that sees several types of array is compiled for none of them.
 *
 * At an edge the voxel inside stands for its missing neighbour as well: that changes neither a mean nor a mode, so every result
 * is made of the same number of samples.
 */

// the order of DataType in src/volume/downsample.ts
const U8 = 0
const U16 = 1
const U32 = 2
const U64 = 3
const I8 = 4
const I16 = 5
const I32 = 6
const I64 = 7
const F32 = 8

/**
 * `source`: `nz` (1 or 2) planes of `ny` rows of `nx` voxels. `phaseX`, `phaseY`: 1 where the first column or row is the second of
 * its pair. `fx`, `fy`: 1 or 2. Writes one plane to `target`.
 */
export function mean(type: i32, source: usize, nx: i32, ny: i32, nz: i32, phaseX: i32, phaseY: i32, fx: i32, fy: i32, channels: i32, target: usize): void {
  if (type == U8) plane<u8>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == U16) plane<u16>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == U32) plane<u32>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == U64) plane<u64>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I8) plane<i8>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I16) plane<i16>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I32) plane<i32>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I64) plane<i64>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == F32) plane<f32>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else plane<f64>(false, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
}

/** Like `mean`; types of integers only. */
export function mode(type: i32, source: usize, nx: i32, ny: i32, nz: i32, phaseX: i32, phaseY: i32, fx: i32, fy: i32, channels: i32, target: usize): void {
  if (type == U8) plane<u8>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == U16) plane<u16>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == U32) plane<u32>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == U64) plane<u64>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I8) plane<i8>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I16) plane<i16>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I32) plane<i32>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
  else if (type == I64) plane<i64>(true, source, nx, ny, nz, phaseX, phaseY, fx, fy, channels, target)
}

// @ts-ignore: decorator
@inline
function plane<T>(isMode: bool, source: usize, nx: i32, ny: i32, nz: i32, phaseX: i32, phaseY: i32, fx: i32, fy: i32, channels: i32, target: usize): void {
  const row = <usize>nx * channels * sizeof<T>()
  const second = nz == 2 ? row * ny : 0
  const rows = (ny + phaseY + fy - 1) / fy
  const outRow = <usize>((nx + phaseX + fx - 1) / fx) * channels * sizeof<T>()
  for (let oy = 0; oy < rows; oy++, target += outRow) {
    const y0 = max(0, oy * fy - phaseY)
    const y1 = min(ny - 1, oy * fy - phaseY + fy - 1)
    const a = source + row * y0
    const b = source + row * y1
    if (nz == 2 && fy == 2) {
      if (isMode) modeRow<T>(true, false, a, b, a + second, b + second, nx, phaseX, fx, channels, target)
      else meanRow<T>(true, a, b, a + second, b + second, nx, phaseX, fx, channels, target)
    } else {
      const other = nz == 2 ? a + second : b
      if (isMode) modeRow<T>(false, nz == 2, a, other, a, other, nx, phaseX, fx, channels, target)
      else meanRow<T>(false, a, other, a, other, nx, phaseX, fx, channels, target)
    }
  }
}

// @ts-ignore: decorator
@inline
function meanRow<T>(four: bool, a: usize, b: usize, c: usize, d: usize, nx: i32, phaseX: i32, fx: i32, channels: i32, target: usize): void {
  const voxel = <usize>channels * sizeof<T>()
  const count = (nx + phaseX + fx - 1) / fx
  let ox = 0
  if (sizeof<T>() == 1 && !isSigned<T>() && channels == 1 && fx == 2 && phaseX == 0) {
    for (; ox * 2 + 16 <= nx; ox += 8) {
      const at = <usize>(ox * 2)
      let sum = i16x8.add(i16x8.extadd_pairwise_i8x16_u(v128.load(a + at)), i16x8.extadd_pairwise_i8x16_u(v128.load(b + at)))
      let shift = 2
      if (four) {
        sum = i16x8.add(sum, i16x8.add(i16x8.extadd_pairwise_i8x16_u(v128.load(c + at)), i16x8.extadd_pairwise_i8x16_u(v128.load(d + at))))
        shift = 3
      }
      const odd = v128.and(i16x8.shr_u(sum, shift), i16x8.splat(1))
      const rounded = i16x8.shr_u(i16x8.add(i16x8.add(sum, i16x8.splat(four ? 3 : 1)), odd), shift)
      store<u64>(target + ox, i64x2.extract_lane(i8x16.narrow_i16x8_u(rounded, rounded), 0))
    }
  }
  if (sizeof<T>() == 2 && !isSigned<T>() && channels == 1 && fx == 2 && phaseX == 0) {
    for (; ox * 2 + 8 <= nx; ox += 4) {
      const at = <usize>(ox * 4)
      let sum = i32x4.add(i32x4.extadd_pairwise_i16x8_u(v128.load(a + at)), i32x4.extadd_pairwise_i16x8_u(v128.load(b + at)))
      let shift = 2
      if (four) {
        sum = i32x4.add(sum, i32x4.add(i32x4.extadd_pairwise_i16x8_u(v128.load(c + at)), i32x4.extadd_pairwise_i16x8_u(v128.load(d + at))))
        shift = 3
      }
      const odd = v128.and(i32x4.shr_u(sum, shift), i32x4.splat(1))
      const rounded = i32x4.shr_u(i32x4.add(i32x4.add(sum, i32x4.splat(four ? 3 : 1)), odd), shift)
      store<u64>(target + ox * 2, i64x2.extract_lane(i16x8.narrow_i32x4_u(rounded, rounded), 0))
    }
  }
  for (; ox < count; ox++) {
    const x0 = <usize>max(0, ox * fx - phaseX) * voxel
    const x1 = <usize>min(nx - 1, ox * fx - phaseX + fx - 1) * voxel
    const out = target + <usize>ox * voxel
    for (let k: usize = 0; k < voxel; k += sizeof<T>()) {
      store<T>(out + k, meanOf<T>(four, a + k, b + k, c + k, d + k, x0, x1))
    }
  }
}

// @ts-ignore: decorator
@inline
function meanOf<T>(four: bool, a: usize, b: usize, c: usize, d: usize, x0: usize, x1: usize): T {
  if (isFloat<T>()) return <T>meanOfFloats<T>(four, a, b, c, d, x0, x1)
  const shift: i64 = four ? 3 : 2
  if (sizeof<T>() < 8) {
    let sum = <i64>load<T>(a + x0) + <i64>load<T>(a + x1) + <i64>load<T>(b + x0) + <i64>load<T>(b + x1)
    if (four) sum += <i64>load<T>(c + x0) + <i64>load<T>(c + x1) + <i64>load<T>(d + x0) + <i64>load<T>(d + x1)
    return <T>halfEven(sum, shift)
  }
  // the halves of 64-bit samples are summed by themselves, for the sum has up to 67 bits
  let high: i64 = upper<T>(a + x0) + upper<T>(a + x1) + upper<T>(b + x0) + upper<T>(b + x1)
  let low: i64 = lower(a + x0) + lower(a + x1) + lower(b + x0) + lower(b + x1)
  if (four) {
    high += upper<T>(c + x0) + upper<T>(c + x1) + upper<T>(d + x0) + upper<T>(d + x1)
    low += lower(c + x0) + lower(c + x1) + lower(d + x0) + lower(d + x1)
  }
  const rest = high & ((<i64>1 << shift) - 1)
  return <T>(((high >> shift) << 32) + halfEven((rest << 32) + low, shift))
}

// @ts-ignore: decorator
@inline
function upper<T>(at: usize): i64 {
  return isSigned<T>() ? load<i64>(at) >> 32 : <i64>(load<u64>(at) >> 32)
}

// @ts-ignore: decorator
@inline
function lower(at: usize): i64 {
  return <i64>load<u32>(at)
}

// @ts-ignore: decorator
@inline
function halfEven(sum: i64, shift: i64): i64 {
  return (sum + (<i64>1 << (shift - 1)) - 1 + ((sum >> shift) & 1)) >> shift
}

function meanOfFloats<T>(four: bool, a: usize, b: usize, c: usize, d: usize, x0: usize, x1: usize): f64 {
  let sum = <f64>load<T>(a + x0) + <f64>load<T>(a + x1) + <f64>load<T>(b + x0) + <f64>load<T>(b + x1)
  if (four) sum += <f64>load<T>(c + x0) + <f64>load<T>(c + x1) + <f64>load<T>(d + x0) + <f64>load<T>(d + x1)
  const share: f64 = four ? 0.125 : 0.25
  // neither NaN nor infinite
  if (sum - sum == 0) return sum * share
  if (sum != sum) {
    let total: f64 = 0
    let count: f64 = 0
    const samples = four ? 8 : 4
    for (let n = 0; n < samples; n++) {
      const at = n < 2 ? a : n < 4 ? b : n < 6 ? c : d
      const value = <f64>load<T>(at + (n & 1 ? x1 : x0))
      if (value == value) {
        total += value
        count++
      }
    }
    return count > 0 ? total / count : NaN
  }
  // the sum of large doubles may overflow where their mean does not
  sum = <f64>load<T>(a + x0) * share + <f64>load<T>(a + x1) * share + <f64>load<T>(b + x0) * share + <f64>load<T>(b + x1) * share
  if (four) sum += <f64>load<T>(c + x0) * share + <f64>load<T>(c + x1) * share + <f64>load<T>(d + x0) * share + <f64>load<T>(d + x1) * share
  return sum
}

// @ts-ignore: decorator
@inline
function modeRow<T>(four: bool, acrossZ: bool, a: usize, b: usize, c: usize, d: usize, nx: i32, phaseX: i32, fx: i32, channels: i32, target: usize): void {
  const voxel = <usize>channels * sizeof<T>()
  const count = (nx + phaseX + fx - 1) / fx
  for (let ox = 0; ox < count; ox++) {
    const x0 = <usize>max(0, ox * fx - phaseX) * voxel
    const x1 = <usize>min(nx - 1, ox * fx - phaseX + fx - 1) * voxel
    const out = target + <usize>ox * voxel
    for (let k: usize = 0; k < voxel; k += sizeof<T>()) {
      const v0 = load<T>(a + x0 + k)
      const v1 = load<T>(a + x1 + k)
      const v2 = load<T>(b + x0 + k)
      const v3 = load<T>(b + x1 + k)
      if (!four) {
        const same = v0 == v1 && v0 == v2 && v0 == v3
        store<T>(out + k, same ? v0 : acrossZ ? modeOf4<T>(v0, v1, v2, v3) : modeOf4<T>(v0, v2, v1, v3))
        continue
      }
      const v4 = load<T>(c + x0 + k)
      const v5 = load<T>(c + x1 + k)
      const v6 = load<T>(d + x0 + k)
      const v7 = load<T>(d + x1 + k)
      const same = v0 == v1 && v0 == v2 && v0 == v3 && v0 == v4 && v0 == v5 && v0 == v6 && v0 == v7
      store<T>(out + k, same ? v0 : modeOf8<T>(v0, v2, v1, v3, v4, v6, v5, v7))
    }
  }
}

/** The sample met most often; of several the one that comes first along y, then x, then z, as in webKnossos's own library. */
function modeOf4<T>(a: T, b: T, c: T, d: T): T {
  // each counts only those behind it: the first of its kind has seen all of them
  const ofA = i32(a == b) + i32(a == c) + i32(a == d)
  const ofB = i32(b == c) + i32(b == d)
  if (ofA > 0) return ofB > ofA ? b : a
  if (ofB > 0) return b
  return c == d ? c : a
}

function modeOf8<T>(a: T, b: T, c: T, d: T, e: T, f: T, g: T, h: T): T {
  let best = a
  let most = i32(a == b) + i32(a == c) + i32(a == d) + i32(a == e) + i32(a == f) + i32(a == g) + i32(a == h)
  // four of eight may be drawn with but not beaten
  if (most >= 3) return best
  let count = i32(b == c) + i32(b == d) + i32(b == e) + i32(b == f) + i32(b == g) + i32(b == h)
  if (count > most) {
    best = b
    most = count
  }
  count = i32(c == d) + i32(c == e) + i32(c == f) + i32(c == g) + i32(c == h)
  if (count > most) {
    best = c
    most = count
  }
  count = i32(d == e) + i32(d == f) + i32(d == g) + i32(d == h)
  if (count > most) {
    best = d
    most = count
  }
  count = i32(e == f) + i32(e == g) + i32(e == h)
  if (count > most) {
    best = e
    most = count
  }
  count = i32(f == g) + i32(f == h)
  if (count > most) {
    best = f
    most = count
  }
  return most == 0 && g == h ? g : best
}
