/** A picture of a plane whose chunks are slow to read is one of its middle, and as sharp. */
import { expect, test } from 'bun:test'
import { readPlane } from '../../src/render/plane.ts'
import { boxAt } from '../../src/volume/box.ts'
import type { ChunkedArray, Layer } from '../../src/volume/chunked-array.ts'
import type { ChunkReader } from '../../src/volume/cutout.ts'
import { Pace } from '../../src/volume/pace.ts'
import type { Vec3 } from '../../src/volume/vec.ts'

const CHUNK = 16
const EDGE = 40

/** EDGE × EDGE chunks, read one after another as a single disk would, `ms` each; voxels tell their chunk and are never 0. */
async function draw(ms: number) {
  const box = boxAt([0, 0, 0], [CHUNK * EDGE, CHUNK * EDGE, 1])
  const read = new Set<string>()
  const array: ChunkedArray = {
    id: 'lab/slow/color/1',
    dataType: 'uint8',
    channels: 1,
    box,
    gridOrigin: [0, 0, 0],
    chunkSize: [CHUNK, CHUNK, 1],
    readChunk: () => Promise.reject(new Error('chunks come from the reader')),
  }
  let disk = Promise.resolve()
  const bytesOf = ([x, y]: Vec3) => new Uint8Array(CHUNK * CHUNK).fill(1 + ((x + 7 * y) % 255))
  const chunks: ChunkReader = {
    async read(_array, index, visit) {
      read.add(index.join())
      if (ms > 0) await (disk = disk.then(() => Bun.sleep(ms)))
      visit(bytesOf(index))
      return true
    },
    held: () => undefined,
    async readWhole(array, index, target) {
      return this.read(array, index, (bytes) => target.set(bytes))
    },
    forget() {},
  }
  const layer: Layer = {
    name: 'color',
    category: 'color',
    dataType: 'uint8',
    channels: 1,
    boundingBox: box,
    mags: [{ factor: [1, 1, 1], arrays: [array] }],
  }
  return { plane: await readPlane(layer, undefined, 512, { chunks, pace: new Pace() }), read }
}

test('quick chunks are all looked at, each voxel from its place', async () => {
  const { plane, read } = await draw(0)
  expect([read.size, plane.width, plane.height]).toEqual([EDGE * EDGE, 512, 512])
  expect([plane.voxels[0], plane.voxels[511 * 512 + 511]]).toEqual([1, 1 + ((39 + 7 * 39) % 255)])
})

test('of slow chunks only the middle is read, and nothing of it is black', async () => {
  const { plane, read } = await draw(10)
  expect(read.size).toBeLessThan((EDGE * EDGE) / 4)
  expect(read.has(`${EDGE / 2},${EDGE / 2},0`)).toBe(true)
  expect(plane.voxels.includes(0)).toBe(false)
  expect(plane.width).toBe(plane.height)
})
