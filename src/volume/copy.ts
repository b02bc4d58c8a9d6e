/**
 * Copies a cuboid between two x-fastest arrays of whole voxels, as bytes. Rows that lie behind one another on both sides go in one
 * step; short rows are copied by 32-bit words, because a `set` call costs more than the 32 bytes it moves (bench: cutout).
 */
import type { Vec3 } from './vec.ts'

/** One side of a copy: bytes, the size of the whole array and where the cuboid starts in it, both in voxels. */
export interface Side {
  readonly bytes: Uint8Array
  readonly size: Vec3
  readonly at: Vec3
}

const LONG_ROW = 192

/** `extent` in voxels, `voxel` bytes each. Nothing is checked: the caller has clipped both sides. */
export function copyBox(from: Side, to: Side, extent: Vec3, voxel: number): void {
  const [sx, sy] = from.size
  const [tx, ty] = to.size
  let row = extent[0] * voxel
  let rows = extent[1]
  let planes = extent[2]
  let fromRow = sx * voxel
  let toRow = tx * voxel
  let fromPlane = fromRow * sy
  let toPlane = toRow * ty
  let source = from.at[0] * voxel + from.at[1] * fromRow + from.at[2] * fromPlane
  let target = to.at[0] * voxel + to.at[1] * toRow + to.at[2] * toPlane
  if (row === fromRow && row === toRow) {
    // whole rows: a plane is one run, and planes may be, too
    row *= rows
    rows = planes
    fromRow = fromPlane
    toRow = toPlane
    planes = 1
    fromPlane = toPlane = 0
    if (row === fromRow && row === toRow) {
      row *= rows
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
  if (((source + from.byteOffset) | (target + to.byteOffset) | row | fromRow | toRow) & 3) {
    for (let i = 0; i < rows; i++, source += fromRow, target += toRow) {
      for (let k = 0; k < row; k++) to[target + k] = from[source + k]!
    }
    return
  }
  const words = row >> 2
  const fromWords = new Uint32Array(from.buffer, from.byteOffset & ~3, (from.byteLength + (from.byteOffset & 3)) >> 2)
  const toWords = new Uint32Array(to.buffer, to.byteOffset & ~3, (to.byteLength + (to.byteOffset & 3)) >> 2)
  let s = (source + (from.byteOffset & 3)) >> 2
  let t = (target + (to.byteOffset & 3)) >> 2
  for (let i = 0; i < rows; i++, s += fromRow >> 2, t += toRow >> 2) {
    for (let k = 0; k < words; k++) toWords[t + k] = fromWords[s + k]!
  }
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
      let s = (from.at[0] + from.size[0] * (from.at[1] + y + from.size[1] * (from.at[2] + z))) * voxel + channel * sample
      let t = (to.at[0] + to.size[0] * (to.at[1] + y + to.size[1] * (to.at[2] + z))) * sample
      for (let x = 0; x < extent[0]; x++, s += voxel, t += sample) {
        for (let b = 0; b < sample; b++) to.bytes[t + b] = from.bytes[s + b]!
      }
    }
  }
}
