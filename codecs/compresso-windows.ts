import { type CompressoHeader, fail } from './compresso-header.ts'

/**
 * One byte per voxel, 1 on a boundary. Windows lie in run-length code: an even word is twice the place of a window among the distinct
 * ones, an odd one says how many windows in a row are the first of those. That one has no boundaries where any window has none; where
 * all have some it is one like the others, which descriptions of the format leave out. Words of up to 64 bits, read as two of 32.
 */
export function boundariesOf(source: Uint8Array, header: CompressoHeader, size: readonly [number, number, number]): Uint8Array {
  const { steps, windowBytes, valuesAt, valueCount, windowsAt, windowsEnd } = header
  const [sx, sy, sz] = size
  const windows = Math.ceil(sx / steps[0]) * Math.ceil(sy / steps[1]) * Math.ceil(sz / steps[2])
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  const low = (at: number): number =>
    windowBytes === 1 ? view.getUint8(at) : windowBytes === 2 ? view.getUint16(at, true) : view.getUint32(at, true)
  const high = (at: number): number => (windowBytes === 8 ? view.getUint32(at + 4, true) : 0)
  const isBoundary = new Uint8Array(sx * sy * sz)
  let window = 0
  const put = (value: number, count: number): void => {
    if (value > 0 && value >= valueCount) throw fail(`window ${value} of ${valueCount} distinct ones`)
    if (window + count > windows) throw fail(`more windows than the ${windows} of the chunk`)
    const at = valuesAt + value * windowBytes
    const bits = valueCount === 0 ? ([0, 0] as const) : ([low(at), high(at)] as const)
    if (bits[0] !== 0 || bits[1] !== 0) for (let n = 0; n < count; n++) draw(bits, window + n, steps, isBoundary, size)
    window += count
  }
  for (let at = windowsAt; at + windowBytes <= windowsEnd; at += windowBytes) {
    const isRun = (low(at) & 1) === 1
    const number = Math.floor((low(at) + high(at) * 2 ** 32) / 2)
    if (isRun) put(0, number)
    else put(number, 1)
  }
  if (window < windows) throw fail(`${window} windows of the ${windows} of the chunk`)
  return isBoundary
}

function draw(
  bits: readonly [number, number],
  window: number,
  [wx, wy, wz]: readonly [number, number, number],
  isBoundary: Uint8Array,
  [sx, sy, sz]: readonly [number, number, number],
): void {
  const gx = Math.ceil(sx / wx)
  const gy = Math.ceil(sy / wy)
  const x0 = (window % gx) * wx
  const y0 = (Math.floor(window / gx) % gy) * wy
  const z0 = Math.floor(window / (gx * gy)) * wz
  for (let bit = 0, z = z0; z < z0 + wz; z++) {
    for (let y = y0; y < y0 + wy; y++) {
      for (let x = x0; x < x0 + wx; x++, bit++) {
        if ((bits[bit >> 5]! >>> (bit & 31)) & 1 && x < sx && y < sy && z < sz) isBoundary[x + sx * (y + sy * z)] = 1
      }
    }
  }
}
