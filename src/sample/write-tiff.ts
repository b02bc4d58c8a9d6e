/** Writes a tiled pyramid: one page per mag, 256 px tiles, uncompressed, what `vips tiffsave --tile --pyramid` gives. Spec: TIFF 6.0. */
import { writeFile } from 'node:fs/promises'
import type { Vec3 } from '../volume/vec.ts'

const TILE = 256
const SHORT = 3
const LONG = 4

export interface Plane {
  readonly voxels: Uint8Array
  readonly size: Vec3
}

/** `nm`: edge of a pixel of the first level, written as pixels per centimetre. */
export async function writePyramid(file: string, levels: readonly Plane[], nm: number): Promise<void> {
  const parts: Uint8Array[] = []
  let length = 0
  const append = (bytes: Uint8Array): number => {
    const at = length
    parts.push(bytes)
    length += bytes.length
    return at
  }
  const head = new Uint8Array(8)
  append(head)
  const view = new DataView(head.buffer)
  view.setUint32(0, 0x49492a00)
  let pointer = { view, at: 4 }
  for (const [level, { voxels, size }] of levels.entries()) {
    const offsets = tilesOf(voxels, size).map(append)
    const longs = (values: readonly number[]) =>
      values.length === 1 ? values[0]! : append(new Uint8Array(Uint32Array.from(values).buffer))
    const resolution = append(new Uint8Array(Uint32Array.of(Math.round(1e10 / (nm * 2 ** level)), 1000).buffer))
    const entries: [tag: number, type: number, count: number, value: number][] = [
      [254, LONG, 1, level === 0 ? 0 : 1],
      [256, LONG, 1, size[0]],
      [257, LONG, 1, size[1]],
      [258, SHORT, 1, 8],
      [259, SHORT, 1, 1],
      [262, SHORT, 1, 1],
      [277, SHORT, 1, 1],
      [282, 5, 1, resolution],
      [283, 5, 1, resolution],
      [296, SHORT, 1, 3],
      [322, SHORT, 1, TILE],
      [323, SHORT, 1, TILE],
      [324, LONG, offsets.length, longs(offsets)],
      [325, LONG, offsets.length, longs(offsets.map(() => TILE * TILE))],
    ]
    const ifd = new Uint8Array(2 + 12 * entries.length + 4)
    const ifdView = new DataView(ifd.buffer)
    ifdView.setUint16(0, entries.length, true)
    for (const [n, [tag, type, count, value]] of entries.entries()) {
      const at = 2 + 12 * n
      ifdView.setUint16(at, tag, true)
      ifdView.setUint16(at + 2, type, true)
      ifdView.setUint32(at + 4, count, true)
      ifdView.setUint32(at + 8, value, true)
    }
    pointer.view.setUint32(pointer.at, append(ifd), true)
    pointer = { view: ifdView, at: ifd.length - 4 }
  }
  await writeFile(file, Buffer.concat(parts))
}

function tilesOf(voxels: Uint8Array, [width, height]: Vec3): Uint8Array[] {
  const tiles: Uint8Array[] = []
  for (let top = 0; top < height; top += TILE) {
    for (let left = 0; left < width; left += TILE) {
      const tile = new Uint8Array(TILE * TILE)
      for (let y = 0; y < Math.min(TILE, height - top); y++) {
        const start = (top + y) * width + left
        tile.set(voxels.subarray(start, start + Math.min(TILE, width - left)), y * TILE)
      }
      tiles.push(tile)
    }
  }
  return tiles
}
