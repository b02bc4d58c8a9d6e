/** Each codec against the library it replaces, on the same block, in turns. */
import { zstdCompressSync } from 'node:zlib'
import { decompress as fzstd } from 'fzstd'
import { fromArrayBuffer } from 'geotiff'
import jpegJs from 'jpeg-js'
import { decompressBlock } from 'lz4js'
import { loadCodec } from '../codecs/index.ts'
import { growCells } from '../src/sample/cells.ts'
import { lz4Block } from '../src/sample/write-wkw.ts'
import { sizeOf } from '../src/volume/box.ts'
import { wireBytes } from '../src/volume/chunked-array.ts'
import { product } from '../src/volume/vec.ts'
import { makeResources, openPath, readBox } from '../test/support/open.ts'
import { compare, table } from './measure.ts'
import { tiledFiles } from './tiled.ts'

export const title = 'Codecs and TIFF files against the packages of the card'
const EDGE = 32
const ROUNDS = 60

export async function run(): Promise<string> {
  const { color, segmentation } = growCells([128, 128, 128])
  const rows: (string | number)[][] = []
  const add = async (what: string, bytes: number, ours: () => unknown, other: string, theirs: () => unknown) => {
    const { a, b } = await compare({ a: ours, b: theirs }, ROUNDS)
    rows.push([what, bytes / a / 1e3, other, bytes / b / 1e3, b / a])
  }
  const lz4 = await loadCodec('lz4')
  const zstd = await loadCodec('zstd')
  for (const [name, blocks] of [
    ['uint8 texture', blocksOf(color)],
    ['uint32 labels', blocksOf(segmentation)],
  ] as const) {
    const size = blocks[0]!.length
    const total = size * blocks.length
    const target = new Uint8Array(size)
    const packed = blocks.map(lz4Block)
    await add(
      `LZ4, 32³ ${name}`,
      total,
      () => each(packed, (block) => lz4.decode(block, target)),
      'lz4js',
      () => each(packed, (block) => decompressBlock(block, target, 0, block.length, 0)),
    )
    const frames = blocks.map((block) => zstdCompressSync(block))
    await add(
      `Zstd, 32³ ${name}`,
      total,
      () => each(frames, (frame) => zstd.decode(frame, target)),
      'fzstd',
      () => each(frames, (frame) => fzstd(frame, target)),
    )
  }
  const jpeg = await loadCodec('jpeg')
  const grey = jpegJs.encode({ width: 256, height: 256, data: Buffer.from(rgba(color)) }, 80).data
  const pixels = new Uint8Array(256 * 256 * 3)
  const options = { components: 3, colour: 'ycbcr' }
  await add(
    'JPEG, 256² RGB',
    pixels.length,
    () => jpeg.decode(grey, pixels, options),
    'jpeg-js',
    () => jpegJs.decode(grey, { useTArray: true, formatAsRGBA: false }),
  )
  const head = ['what', 'ours MB/s', 'against', 'its MB/s', 'ratio']
  return `${table(head, rows)}\n\n${await tiffTiles()}`
}

/** Our reader against geotiff: all tiles of a file, opened before, nothing cached. Ours reads from the page cache, geotiff from memory. */
async function tiffTiles(): Promise<string> {
  const resources = await makeResources()
  const rows: (string | number)[][] = []
  for (const [name, path] of await tiledFiles()) {
    const { layers } = await openPath(path, resources)
    const layer = layers[0]!
    const size = sizeOf(layer.boundingBox)
    const image = await (await fromArrayBuffer(await Bun.file(path).arrayBuffer())).getImage()
    const bytes = product(size) * wireBytes(layer)
    const { ours, theirs } = await compare(
      { ours: () => readBox(layer, [1, 1, 1], [0, 0, 0], size), theirs: () => image.readRasters() },
      15,
    )
    rows.push([`1024² uint16, 256² tiles, ${name}`, bytes / ours / 1e3, bytes / theirs / 1e3, theirs / ours])
  }
  resources.pool.close()
  return table(['TIFF', 'ours MB/s', 'geotiff MB/s', 'ratio'], rows)
}

const each = <T>(items: readonly T[], work: (item: T) => unknown): void => {
  for (const item of items) work(item)
}

function blocksOf(voxels: Uint8Array | Uint32Array): Uint8Array[] {
  const blocks: Uint8Array[] = []
  for (let z = 0; z < 128; z += EDGE) {
    for (let y = 0; y < 128; y += EDGE) {
      const block = new (voxels.constructor as Uint8ArrayConstructor)(EDGE ** 3)
      for (let k = 0; k < EDGE; k++)
        for (let j = 0; j < EDGE; j++)
          block.set(
            voxels.subarray(128 * (y + j + 128 * (z + k)), 128 * (y + j + 128 * (z + k)) + EDGE) as Uint8Array,
            EDGE * (j + EDGE * k),
          )
      blocks.push(new Uint8Array(block.buffer))
    }
  }
  return blocks
}

const rgba = (color: Uint8Array): number[] =>
  Array.from({ length: 256 * 256 * 4 }, (_, i) => (i % 4 === 3 ? 255 : color[(i >> 2) % color.length]!))
