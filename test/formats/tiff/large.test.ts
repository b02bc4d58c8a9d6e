/** Files that are larger than memory, and opened without being read. They are sparse: only what is looked at is written. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Resources } from '../../../src/datasets/open.ts'
import { loadFormat } from '../../../src/formats/index.ts'
import { tiff } from '../../../src/formats/tiff/index.ts'
import { AllowedFolders } from '../../../src/stores/allowed.ts'
import { FileStore } from '../../../src/stores/file.ts'
import type { Dataset } from '../../../src/volume/chunked-array.ts'
import { emptyFolder } from '../../support/binary.ts'
import { buildTiff, greyPage, type TagSpec } from '../../support/build-tiff.ts'
import { CountingStore } from '../../support/counting-store.ts'
import { makeResources, openPath, readBox } from '../../support/open.ts'

let resources: Resources
beforeAll(async () => {
  resources = await makeResources()
})
afterAll(() => resources.pool.close())

/** A file of `size` bytes that holds `pieces` and zeros. */
function sparseFile(name: string, size: number, pieces: readonly (readonly [offset: number, bytes: Uint8Array])[]): string {
  const path = join(emptyFolder(), name)
  const fd = openSync(path, 'w')
  ftruncateSync(fd, size)
  for (const [offset, bytes] of pieces) writeSync(fd, bytes, 0, bytes.length, offset)
  closeSync(fd)
  return path
}

async function openFarAway(path: string): Promise<{ dataset: Dataset; store: CountingStore }> {
  const folder = dirname(path)
  const store = new CountingStore(new FileStore(folder, resources.handles, await AllowedFolders.of([folder])))
  const image = { name: 'far', slices: [{ key: basename(path), z: 0 }] }
  const context = {
    id: `test/far@${path}`,
    name: 'far',
    ...resources,
    changed: () => {},
    storeAt: async () => store,
    guard: undefined,
    format: loadFormat,
  }
  return { dataset: await tiff.open(store, { images: [image] }, context), store }
}

const MIB = 2 ** 20

/** A cloud-optimised GeoTIFF: directories first, tile tables of megabytes behind each, tiles of 512² RGB far away. */
function cloudOptimised(): { path: string; tileAt: (n: number) => number } {
  const edge = 512
  const tile = edge * edge * 3
  const levels = Array.from({ length: 8 }, (_, k) => 184_320 >> k)
  let at = 64 * MIB
  const first = at
  const pages = levels.map((width) => {
    const count = Math.ceil(width / edge) ** 2
    const offsets = Array.from({ length: count }, (_, n) => at + n * tile)
    at += count * tile
    const tags: TagSpec[] = [
      { tag: 254, type: 4, values: [width === levels[0] ? 0 : 1] },
      { tag: 256, type: 4, values: [width] },
      { tag: 257, type: 4, values: [width] },
      { tag: 258, type: 3, values: [8, 8, 8] },
      { tag: 259, type: 3, values: [1] },
      { tag: 262, type: 3, values: [2] },
      { tag: 277, type: 3, values: [3] },
      { tag: 322, type: 3, values: [edge] },
      { tag: 323, type: 3, values: [edge] },
      { tag: 324, type: 16, values: offsets },
      { tag: 325, type: 4, values: new Array(count).fill(tile) },
    ]
    return { tags }
  })
  const { bytes } = buildTiff(pages, true)
  expect(bytes.length).toBeLessThan(first)
  const tileAt = (n: number) => first + n * tile
  const mark = new Uint8Array(tile).fill(77)
  return {
    path: sparseFile('cog.tif', at, [
      [0, bytes],
      [tileAt(129_599), mark],
    ]),
    tileAt,
  }
}

describe('a cloud-optimised GeoTIFF of 130 GB', () => {
  test('is opened with a handful of requests of less than 1 MiB', async () => {
    const { dataset, store } = await openFarAway(cloudOptimised().path)
    expect(dataset.layers[0]!.mags.map(({ factor }) => factor[0])).toEqual([1, 2, 4, 8, 16, 32, 64, 128])
    expect(store.bytes).toBeLessThan(MIB)
    expect(store.reads.length).toBeLessThan(20)
    const before = store.reads.length
    const bytes = await readBox(dataset.layers[0]!, [1, 1, 1], [184_300, 184_300, 0], [4, 4, 1])
    expect(new Set(bytes)).toEqual(new Set([77]))
    // a piece of each table, and the tile
    expect(store.reads.slice(before).map(({ length }) => length <= 512 * 512 * 3)).toEqual(store.reads.slice(before).map(() => true))
    expect(store.reads.length - before).toBeLessThanOrEqual(5)
  })
})

test('a stack whose planes follow one another is read in one piece, not plane by plane', async () => {
  const [width, height, depth] = [64, 64, 32]
  const dataAt = 65_536
  const plane = width * height
  const pages = Array.from({ length: depth }, (_, z) => ({ tags: greyPage(width, height, dataAt + z * plane) }))
  const voxels = Uint8Array.from({ length: plane * depth }, (_, i) => (i * 7 + (i >> 12)) & 255)
  const path = sparseFile('stack.tif', dataAt + plane * depth, [
    [0, buildTiff(pages).bytes],
    [dataAt, voxels],
  ])
  const { dataset, store } = await openFarAway(path)
  const before = store.reads.length
  expect(Buffer.from(await readBox(dataset.layers[0]!, [1, 1, 1], [0, 0, 0], [width, height, depth])).equals(Buffer.from(voxels))).toBe(
    true,
  )
  expect(store.reads.length - before).toBeLessThanOrEqual(4)
})

test('the directories of a long stack are not asked for one after the other', async () => {
  const count = 1000
  const plane = 128 * 128
  const page = 2 + 12 * 9 + 4
  const bytes = Buffer.alloc(8 + count * (page + plane))
  bytes.write('II*\0\x08\0\0\0', 'latin1')
  const { bytes: one } = buildTiff([{ tags: greyPage(128, 128, 0) }])
  for (let n = 0; n < count; n++) {
    const at = 8 + n * (page + plane)
    one.copy(bytes, at, 8)
    bytes.writeUInt32LE(at + page, at + 2 + 12 * 5 + 8)
    bytes.writeUInt32LE(n + 1 < count ? at + page + plane : 0, at + page - 4)
    bytes.fill(n & 255, at + page, at + page + plane)
  }
  const { dataset, store } = await openFarAway(sparseFile('long.tif', bytes.length, [[0, bytes]]))
  expect(dataset.layers[0]!.boundingBox.max).toEqual([128, 128, count])
  expect(store.waves).toBeLessThan(40)
  expect(store.bytes).toBeLessThan(2 * count * 1024)
  expect([...(await readBox(dataset.layers[0]!, [1, 1, 1], [0, 0, 700], [1, 1, 3]))]).toEqual([700 & 255, 701 & 255, 702 & 255])
})

test('100,000 pages: the last slice is there', async () => {
  const count = 100_000
  const ifd = 2 + 12 * 9 + 4
  const bytes = Buffer.alloc(8 + count * (ifd + 4))
  bytes.write('II*\0\x08\0\0\0', 'latin1')
  const { bytes: one } = buildTiff([{ tags: greyPage(2, 2, 0) }])
  for (let n = 0; n < count; n++) {
    const at = 8 + n * (ifd + 4)
    one.copy(bytes, at, 8)
    bytes.writeUInt32LE(at + ifd, at + 2 + 12 * 5 + 8)
    bytes.writeUInt32LE(n + 1 < count ? at + ifd + 4 : 0, at + ifd - 4)
    bytes.writeUInt32LE(n, at + ifd)
  }
  const dataset = await openPath(sparseFile('pages.tif', bytes.length, [[0, bytes]]), resources)
  const [layer] = dataset.layers
  expect(layer!.boundingBox.max).toEqual([2, 2, count])
  const last = await readBox(layer!, [1, 1, 1], [0, 0, count - 1], [2, 2, 1])
  expect(Buffer.from(last).readUInt32LE()).toBe(count - 1)
})

describe('more than 4 GiB', () => {
  test('one uncompressed strip: rows are read, not the strip', async () => {
    const edge = 70_000
    const dataAt = 4096
    const { bytes } = buildTiff(
      [
        {
          tags: greyPage(edge, edge, dataAt, [
            { tag: 279, type: 16, values: [edge * edge] },
            { tag: 273, type: 16, values: [dataAt] },
          ]),
        },
      ],
      true,
    )
    const far = dataAt + 69_000 * edge + 12_345
    const path = sparseFile('strip.tif', dataAt + edge * edge, [
      [0, bytes],
      [far, Uint8Array.of(5, 6, 7)],
    ])
    const { layers } = await openPath(path, resources)
    expect([...(await readBox(layers[0]!, [1, 1, 1], [12_344, 69_000, 0], [5, 1, 1]))]).toEqual([0, 5, 6, 7, 0])
  })

  test('an ImageJ stack with a directory for the first image only', async () => {
    const [edge, images] = [4096, 400]
    const dataAt = 4096
    const description = `ImageJ=1.53t\nimages=${images}\nslices=${images}\nloop=false\nspacing=0.5\nunit=um\n`
    const { bytes } = buildTiff([{ tags: greyPage(edge, edge, dataAt, [{ tag: 270, type: 2, values: description }]) }])
    const at = dataAt + 333 * edge * edge + 7 * edge + 9
    const path = sparseFile('imagej.tif', dataAt + images * edge * edge, [
      [0, bytes],
      [at, Uint8Array.of(1, 2, 3)],
    ])
    const { layers } = await openPath(path, resources)
    expect(layers[0]!.boundingBox.max).toEqual([edge, edge, images])
    expect([...(await readBox(layers[0]!, [1, 1, 1], [9, 7, 333], [3, 1, 1]))]).toEqual([1, 2, 3])
  })
})

test('a 40,000² image in one compressed strip is refused with the command that mends it', async () => {
  const { bytes } = buildTiff([
    {
      tags: greyPage(40_000, 40_000, 4096, [
        { tag: 259, type: 3, values: [5] },
        { tag: 279, type: 4, values: [1000] },
      ]),
    },
  ])
  const path = sparseFile('one-strip.tif', 8192, [[0, bytes]])
  await expect(openPath(path, resources)).rejects.toThrow(/1600000000 bytes.*vips tiffsave/)
})
