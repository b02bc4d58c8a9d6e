/** Tiled TIFFs of one page in every compression, for the bench of codecs: 1024² uint16 in tiles of 256². Spec: TIFF 6.0. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateSync, zstdCompressSync } from 'node:zlib'
import { growCells } from '../src/sample/cells.ts'
import { lzw } from '../test/support/encoders.ts'

const EDGE = 1024
const TILE = 256

const ENCODERS: Record<string, readonly [compression: number, encode: (bytes: Uint8Array) => Uint8Array]> = {
  none: [1, (bytes) => bytes],
  LZW: [5, lzw],
  Deflate: [8, (bytes) => new Uint8Array(deflateSync(bytes))],
  Zstd: [50000, (bytes) => new Uint8Array(zstdCompressSync(bytes))],
}

/** Name and path of each. */
export async function tiledFiles(): Promise<[string, string][]> {
  const folder = join(import.meta.dir, '../.bench/tiled')
  await mkdir(folder, { recursive: true })
  const { color } = growCells([256, 256, 16])
  const image = Uint16Array.from({ length: EDGE * EDGE }, (_, i) => color[i % color.length]! * 16 + (i & 3))
  const files: [string, string][] = []
  for (const [name, [compression, encode]] of Object.entries(ENCODERS)) {
    const path = join(folder, `${name}.tif`)
    await writeFile(path, tiledTiff(image, compression, encode))
    files.push([name, path])
  }
  return files
}

function tiledTiff(image: Uint16Array, compression: number, encode: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  const tiles: Uint8Array[] = []
  for (let top = 0; top < EDGE; top += TILE) {
    for (let left = 0; left < EDGE; left += TILE) {
      const tile = new Uint16Array(TILE * TILE)
      for (let y = 0; y < TILE; y++) tile.set(image.subarray((top + y) * EDGE + left, (top + y) * EDGE + left + TILE), y * TILE)
      tiles.push(encode(new Uint8Array(tile.buffer)))
    }
  }
  const tags = [
    [256, 1, EDGE],
    [257, 1, EDGE],
    [258, 1, 16],
    [259, 1, compression],
    [262, 1, 1],
    [277, 1, 1],
    [322, 1, TILE],
    [323, 1, TILE],
    [324, tiles.length, 0],
    [325, tiles.length, 0],
  ] as const
  const tables = 8 + 2 + 12 * tags.length + 4
  const head = new DataView(new ArrayBuffer(tables + 8 * tiles.length))
  head.setUint32(0, 0x49492a00)
  head.setUint32(4, 8, true)
  head.setUint16(8, tags.length, true)
  for (const [n, [tag, count, value]] of tags.entries()) {
    const at = 10 + 12 * n
    head.setUint16(at, tag, true)
    head.setUint16(at + 2, 4, true)
    head.setUint32(at + 4, count, true)
    head.setUint32(at + 8, tag === 324 ? tables : tag === 325 ? tables + 4 * tiles.length : value, true)
  }
  let at = head.byteLength
  for (const [n, { length }] of tiles.entries()) {
    head.setUint32(tables + 4 * n, at, true)
    head.setUint32(tables + 4 * (tiles.length + n), length, true)
    at += length
  }
  return Buffer.concat([new Uint8Array(head.buffer), ...tiles])
}
