import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { ChunkCache } from '../../../src/cache/chunk-cache.ts'
import type { Resources } from '../../../src/datasets/open.ts'
import { pieceSizeOf } from '../../../src/formats/precomputed/pieces.ts'
import { boxAt } from '../../../src/volume/box.ts'
import { type ChunkedArray, type Layer, type Mag, voxelBytes } from '../../../src/volume/chunked-array.ts'
import { cutout } from '../../../src/volume/cutout.ts'
import { Pace } from '../../../src/volume/pace.ts'
import { product, type Vec3 } from '../../../src/volume/vec.ts'
import { GOLDEN } from '../../support/golden.ts'
import { makeResources, openPath } from '../../support/open.ts'

const MIB = 1024 * 1024
let resources: Resources & { readonly chunks: ChunkCache }
beforeAll(async () => {
  resources = { ...(await makeResources()), chunks: new ChunkCache(16 * MIB) }
})
afterAll(() => resources.pool.close())

const golden = (name: string) => join(GOLDEN, 'data/precomputed', name)

async function arraysOf(path: string): Promise<{ layer: Layer; mag: Mag; whole: ChunkedArray; pieces: ChunkedArray }> {
  const layer = (await openPath(path, resources)).layers[0]!
  const mag = layer.mags[0]!
  expect(mag.arrays.length).toBe(2)
  return { layer, mag, whole: mag.arrays[0]!, pieces: mag.arrays[1]! }
}

async function read(array: ChunkedArray, at: Vec3, size: Vec3, clip = array.box): Promise<Buffer> {
  const target = new Uint8Array(product(size) * voxelBytes(array)).fill(0xa5)
  await cutout({ factor: [1, 1, 1], arrays: [array] }, boxAt(at, size), clip, target, { chunks: resources.chunks, pace: new Pace() })
  return Buffer.from(target)
}

describe('pieces hold what the chunks they are of hold', () => {
  test.each(['cseg_pieces', 'cseg_pieces_sharded'])('%s, any box', async (name) => {
    const { whole, pieces } = await arraysOf(golden(name))
    const { min, max } = whole.box
    const place = (d: 0 | 1 | 2) => fc.integer({ min: min[d] - 20, max: max[d] + 5 })
    const size = fc.integer({ min: 1, max: 80 })
    await fc.assert(
      fc.asyncProperty(fc.tuple(place(0), place(1), place(2)), fc.tuple(size, size, size), async (at, edges) => {
        expect((await read(pieces, at, edges)).equals(await read(whole, at, edges))).toBe(true)
      }),
      { numRuns: 60, seed: 5 },
    )
  })
})

test.each([
  ['cseg_pieces', [3, 5, 7]],
  ['cseg_pieces_sharded', [-7, 64, 32]],
] as [string, Vec3][])(
  '%s: a stored chunk is fetched once for all buckets in it, and a bucket asked for again is kept decoded',
  async (name, at) => {
    const { pieces } = await arraysOf(golden(name))
    const misses = () => resources.chunks.statistics.misses
    const before = misses()
    const bucket = (n: number) => read(pieces, [at[0] + 32 * n, at[1], at[2]], [32, 32, pieces.chunkSize[2]])
    for (let n = 0; n < 2; n++) await bucket(n)
    // two pieces, one chunk
    expect(misses() - before).toBe(3)
    for (let n = 0; n < 2; n++) await bucket(0)
    expect(misses() - before).toBe(4)
  },
)

test('what cannot be decoded is not kept: once the file is mended it is read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wkconnect-pieces-'))
  try {
    cpSync(golden('cseg_pieces'), folder, { recursive: true })
    const scale = readdirSync(folder).find((entry) => entry !== 'info')!
    const file = join(folder, scale, '3-67_5-69_7-52')
    const good = readFileSync(file)
    const { whole, pieces } = await arraysOf(folder)
    const expected = await read(whole, [3, 5, 7], [32, 32, 32])
    for (const [what, array] of [['pieces', pieces] as const, ['whole', whole] as const]) {
      resources.chunks.drop(whole.id)
      writeFileSync(file, good.subarray(0, 400))
      for (let n = 0; n < 2; n++)
        await expect(read(array, [3, 5, 7], [32, 32, 32])).rejects.toThrow(/chunk 0,0,0: .*3-67_5-69_7-52: compressed_segmentation/)
      writeFileSync(file, good)
      expect([what, (await read(array, [3, 5, 7], [32, 32, 32])).equals(expected)]).toEqual([what, true])
    }
    rmSync(file)
    resources.chunks.drop(whole.id)
    expect((await read(pieces, [3, 5, 7], [32, 32, 32])).every((byte) => byte === 0)).toBe(true)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test.each([
  [
    [64, 64, 64],
    [8, 8, 8],
    [32, 32, 32],
  ],
  [
    [256, 64, 1],
    [8, 8, 1],
    [32, 32, 1],
  ],
  [
    [64, 64, 40],
    [8, 8, 8],
    [32, 32, 40],
  ],
  [
    [64, 64, 64],
    [8, 8, 64],
    [32, 32, 64],
  ],
  [[32, 32, 32], [8, 8, 8], undefined],
  [[48, 48, 48], [8, 8, 8], undefined],
  [[96, 96, 96], [12, 12, 12], undefined],
] as [Vec3, Vec3, Vec3 | undefined][])('chunks of %p in blocks of %p: pieces of %p', (chunk, block, piece) => {
  expect(pieceSizeOf(chunk, block)).toEqual(piece)
})
