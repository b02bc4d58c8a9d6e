/**
 * Copies a cuboid between two x-fastest arrays of whole voxels, as bytes. Rows that lie behind one another on both sides go in one
 * step; short rows are copied by 32-bit words, because a `set` call costs more than the bytes it moves (bench: cutout).
 */
import type { Vec3 } from './vec.ts'

/** One side of a copy: bytes, the size of the whole array and where the cuboid starts in it, both in voxels. */
export interface Side {
  readonly bytes: Uint8Array
  readonly size: Vec3
  readonly at: Vec3
}

const LONG_ROW = 256

/**
 * `extent` in voxels, `voxel` bytes each. Nothing is checked: the caller has clipped both sides.
 *
 * `| 0`: sizes that were read from a file may be held as floating-point numbers. A single such call makes the compiler give up words
 * at integer offsets for everybody, at a thirtieth of the speed. No buffer here has 2^31 bytes.
 */
export function copyBox(from: Side, to: Side, extent: Vec3, voxel: number): void {
  let row = (extent[0] * voxel) | 0
  let rows = extent[1] | 0
  let planes = extent[2] | 0
  let fromRow = (from.size[0] * voxel) | 0
  let toRow = (to.size[0] * voxel) | 0
  let fromPlane = (fromRow * from.size[1]) | 0
  let toPlane = (toRow * to.size[1]) | 0
  let source = (from.at[0] * voxel + from.at[1] * fromRow + from.at[2] * fromPlane) | 0
  let target = (to.at[0] * voxel + to.at[1] * toRow + to.at[2] * toPlane) | 0
  if (row === fromRow && row === toRow) {
    // whole rows: a plane is one run, and planes may be, too
    row = (row * rows) | 0
    rows = planes
    fromRow = fromPlane
    toRow = toPlane
    planes = 1
    fromPlane = toPlane = 0
    if (row === fromRow && row === toRow) {
      row = (row * rows) | 0
      rows = 1
    }
  }
  for (let plane = 0; plane < planes; plane++, source += fromPlane, target += toPlane) {
    copyRows(from.bytes, source, fromRow, to.bytes, target, toRow, row, rows)
  }
}

function copyRows(
  from: Uint8Array,
  source: number,
  fromRow: number,
  to: Uint8Array,
  target: number,
  toRow: number,
  row: number,
  rows: number,
): void {
  if (row >= LONG_ROW) {
    for (let i = 0; i < rows; i++, source += fromRow, target += toRow) to.set(from.subarray(source, source + row), target)
    return
  }
  const fromView = viewOf(from)
  const toView = viewOf(to)
  const whole = row & ~3
  let s = source + from.byteOffset
  let t = target + to.byteOffset
  for (let i = 0; i < rows; i++, s += fromRow, t += toRow) {
    let k = 0
    for (; k < whole; k += 4) toView.setInt32(t + k, fromView.getInt32(s + k, true), true)
    for (; k < row; k++) toView.setInt8(t + k, fromView.getInt8(s + k))
  }
}

const views = new WeakMap<ArrayBufferLike, DataView>()

/**
 * Reads and writes words at any offset of the buffer behind `bytes`. (Floats would do 64 bits at once, but may change the bits of a
 * NaN.) Kept: a new view of a buffer that has many costs more than the copy.
 */
function viewOf({ buffer }: Uint8Array): DataView {
  let view = views.get(buffer)
  if (!view) views.set(buffer, (view = new DataView(buffer)))
  return view
}

/** Zeroes a cuboid of whole voxels. */
export function fillBox({ bytes, size, at }: Side, extent: Vec3, voxel: number): void {
  const row = size[0] * voxel
  for (let z = at[2]; z < at[2] + extent[2]; z++) {
    for (let y = at[1]; y < at[1] + extent[1]; y++) {
      const start = at[0] * voxel + row * (y + size[1] * z)
      bytes.fill(0, start, start + extent[0] * voxel)
    }
  }
}

/** Like `copyBox` for one channel of interleaved samples: `sample` bytes out of every `voxel` bytes, packed on the target side. */
export function copyChannel(from: Side, to: Side, extent: Vec3, voxel: number, sample: number, channel: number): void {
  for (let z = 0; z < extent[2]; z++) {
    for (let y = 0; y < extent[1]; y++) {
      let s = ((from.at[0] + from.size[0] * (from.at[1] + y + from.size[1] * (from.at[2] + z))) * voxel + channel * sample) | 0
      let t = ((to.at[0] + to.size[0] * (to.at[1] + y + to.size[1] * (to.at[2] + z))) * sample) | 0
      for (let x = 0; x < extent[0]; x++, s += voxel, t += sample) {
        for (let b = 0; b < sample; b++) to.bytes[t + b] = from.bytes[s + b]!
      }
    }
  }
}

/**
 * Makes a full chunk of one that was stored cut: `size` voxels at the beginning of `bytes` are moved to where they belong among `full`,
 * with zeros around. From the end on, because every row moves up or stays.
 */
export function spreadBox(bytes: Uint8Array, size: Vec3, full: Vec3, voxel: number): void {
  const row = (size[0] * voxel) | 0
  const fullRow = (full[0] * voxel) | 0
  let zeroFrom = (full[1] * full[2] * fullRow) | 0
  for (let z = size[2] - 1; z >= 0; z--) {
    for (let y = size[1] - 1; y >= 0; y--) {
      const from = ((y + size[1] * z) * row) | 0
      const to = ((y + full[1] * z) * fullRow) | 0
      bytes.copyWithin(to, from, from + row)
      bytes.fill(0, to + row, zeroFrom)
      zeroFrom = to
    }
  }
}
