import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { type Box, boxAt } from '../../src/volume/box.ts'
import { spreadBox } from '../../src/volume/copy.ts'
import { cutout } from '../../src/volume/cutout.ts'
import type { DataType } from '../../src/volume/data-type.ts'
import { sampleBytes } from '../../src/volume/data-type.ts'
import { CorruptChunk } from '../../src/volume/errors.ts'
import { Pace } from '../../src/volume/pace.ts'
import { product, type Vec3 } from '../../src/volume/vec.ts'
import { type ChunkState, MemoryArray } from '../support/memory-array.ts'

const byteAt = (x: number, y: number, z: number, b: number) => (x * 7 + y * 31 + z * 101 + b * 13 + 1) & 255
const inside = ({ min, max }: Box, at: readonly number[]) => at.every((edge, d) => edge >= min[d]! && edge < max[d]!)
const options = (budget = 1 << 20) => ({ chunks: new ChunkCache(budget), pace: new Pace() })

const vec = (min: number, max: number) =>
  fc.tuple(...([0, 0, 0].map(() => fc.integer({ min, max })) as [fc.Arbitrary<number>, fc.Arbitrary<number>, fc.Arbitrary<number>]))
const scene = fc.record({
  origin: vec(-20, 20),
  extent: vec(1, 30),
  gridShift: vec(0, 5),
  chunkSize: vec(1, 9),
  position: vec(-40, 60),
  size: vec(1, 20),
  clipShift: vec(-8, 8),
  dataType: fc.constantFrom<DataType>('uint8', 'uint16', 'float32', 'uint64'),
  channels: fc.integer({ min: 1, max: 4 }),
  pick: fc.boolean(),
  holes: fc.integer({ min: 1, max: 5 }),
  isAsync: fc.boolean(),
})

test('a cutout is voxel for voxel what looking each one up gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      scene,
      async ({ origin, extent, gridShift, chunkSize, position, size, clipShift, dataType, channels, pick, holes, isAsync }) => {
        const box = boxAt(origin, extent)
        const gridOrigin = origin.map((edge, d) => edge - gridShift[d]!) as unknown as Vec3
        const stateOf = (index: Vec3): ChunkState => ((index[0] + index[1] * 3 + index[2] * 5) % holes === 1 ? 'missing' : 'stored')
        const array = new MemoryArray({ box, gridOrigin, chunkSize, dataType, channels, byteAt, stateOf, isAsync })
        const clip = boxAt(origin.map((edge, d) => edge + clipShift[d]!) as unknown as Vec3, extent)
        const channel = pick ? channels - 1 : undefined
        const sample = sampleBytes(dataType)
        const voxel = pick ? sample : sample * channels
        const target = new Uint8Array(product(size) * voxel).fill(0xaa)
        const stored = await cutout({ factor: [1, 1, 1], arrays: [array], channel }, boxAt(position, size), clip, target, options())

        let any = false
        const expected = new Uint8Array(target.length)
        let at = 0
        for (let z = position[2]; z < position[2] + size[2]; z++)
          for (let y = position[1]; y < position[1] + size[1]; y++)
            for (let x = position[0]; x < position[0] + size[0]; x++) {
              const index = [x, y, z].map((edge, d) => Math.floor((edge - gridOrigin[d]!) / chunkSize[d]!)) as unknown as Vec3
              const there = inside(box, [x, y, z]) && inside(clip, [x, y, z]) && stateOf(index) === 'stored'
              any ||= there
              for (let b = 0; b < voxel; b++, at++) if (there) expected[at] = byteAt(x, y, z, b + (channel ?? 0) * sample)
            }
        expect(Buffer.from(target).equals(Buffer.from(expected))).toBe(true)
        expect(stored).toBe(any)
      },
    ),
    { numRuns: 300, seed: 1 },
  )
})

/** Gives others their turn after every chunk, and they take long: reads end in the meantime. */
class Slow extends Pace {
  override due(): boolean {
    return true
  }
  override async turn(): Promise<void> {
    await Bun.sleep(2)
  }
}

describe('failures', () => {
  const broken = (stateOf: (index: Vec3) => ChunkState, isAsync: boolean) =>
    new MemoryArray({ box: boxAt([0, 0, 0], [64, 64, 64]), chunkSize: [8, 8, 8], byteAt, stateOf, isAsync })
  const read = async (array: MemoryArray) => {
    const box = boxAt([0, 0, 0], [64, 64, 64])
    return cutout({ factor: [1, 1, 1], arrays: [array] }, box, box, new Uint8Array(64 ** 3), options())
  }

  test.each([false, true])('a chunk that cannot be read fails the whole, and is never black voxels (async %p)', async (isAsync) => {
    await expect(read(broken(([x, y, z]) => (x === 3 && y === 2 && z === 1 ? 'broken' : 'stored'), isAsync))).rejects.toThrow(CorruptChunk)
  })

  test('many failing at different times are one failure, and none goes unhandled', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown) => unhandled.push(error)
    process.on('unhandledRejection', note)
    const array = broken(() => 'broken', true)
    const box = boxAt([0, 0, 0], [64, 64, 8])
    const reading = cutout({ factor: [1, 1, 1], arrays: [array] }, box, box, new Uint8Array(64 * 64 * 8), {
      ...options(),
      pace: new Slow(),
    })
    await expect(Promise.resolve(reading)).rejects.toThrow(CorruptChunk)
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  test('after a failure nothing more is written into the target', async () => {
    const array = broken(([x]) => (x === 0 ? 'broken' : 'stored'), true)
    const target = new Uint8Array(64 ** 3)
    const box = boxAt([0, 0, 0], [64, 64, 64])
    await Promise.resolve(cutout({ factor: [1, 1, 1], arrays: [array] }, box, box, target, options())).catch(() => {})
    const before = Bun.hash(target)
    await Bun.sleep(20)
    expect(Bun.hash(target)).toBe(before)
  })

  test('an aborted request reads no further', async () => {
    const array = broken(() => 'stored', true)
    const abort = new AbortController()
    const box = boxAt([0, 0, 0], [64, 64, 64])
    const reading = cutout({ factor: [1, 1, 1], arrays: [array] }, box, box, new Uint8Array(64 ** 3), {
      ...options(),
      signal: abort.signal,
    })
    abort.abort(new Error('gone'))
    await expect(Promise.resolve(reading)).rejects.toThrow('gone')
    expect(array.reads.length).toBeLessThan(512)
  })
})

test('a box outside of everything reads no chunk', async () => {
  const array = new MemoryArray({ box: boxAt([0, 0, 0], [8, 8, 8]), chunkSize: [4, 4, 4], byteAt })
  const target = new Uint8Array(8).fill(9)
  expect(await cutout({ factor: [1, 1, 1], arrays: [array] }, boxAt([100, 0, 0], [2, 2, 2]), array.box, target, options())).toBe(false)
  expect([array.reads.length, ...target]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0])
})

describe('of several chunk shapes of the same voxels', () => {
  const box = boxAt([-4, 0, 0], [132, 128, 64])
  const shapes = (): [MemoryArray, MemoryArray] => [
    new MemoryArray({ id: 'cubes', box, gridOrigin: [-4, 0, 0], chunkSize: [64, 64, 64], byteAt }),
    new MemoryArray({ id: 'planes', box, gridOrigin: [-4, 0, 0], chunkSize: [128, 128, 1], byteAt }),
  ]

  test.each([
    ['a plane', [0, 0, 20], [100, 100, 1], 'planes'],
    ['a bucket', [0, 0, 0], [32, 32, 32], 'cubes'],
    ['a column', [3, 3, 0], [1, 1, 64], 'cubes'],
    ['nothing', [900, 0, 0], [4, 4, 4], undefined],
  ] as [string, Vec3, Vec3, string | undefined][])('%s is read from the one of which least is decoded', async (_, position, size, id) => {
    for (const turned of [false, true]) {
      const arrays = turned ? shapes().toReversed() : shapes()
      const target = new Uint8Array(product(size))
      await cutout({ factor: [1, 1, 1], arrays }, boxAt(position, size), box, target, options())
      expect(arrays.filter(({ reads }) => reads.length > 0).map((array) => array.id)).toEqual(id ? [id] : [])
      if (id) expect(target[0]).toBe(byteAt(...position, 0))
    }
  })
})

test('a chunk stored cut is spread over its full size, with zeros around', () => {
  for (const [size, full, voxel] of [
    [[3, 2, 2], [5, 4, 3], 3],
    [[5, 2, 1], [5, 4, 3], 1],
    [[1, 1, 1], [2, 2, 2], 8],
    [[5, 4, 2], [5, 4, 3], 2],
  ] as [Vec3, Vec3, number][]) {
    const bytes = new Uint8Array(product(full) * voxel).fill(99)
    const value = (x: number, y: number, z: number, b: number) => 1 + ((x + 7 * y + 31 * z + 3 * b) % 200)
    let at = 0
    for (let z = 0; z < size[2]; z++)
      for (let y = 0; y < size[1]; y++) for (let x = 0; x < size[0]; x++) for (let b = 0; b < voxel; b++) bytes[at++] = value(x, y, z, b)
    spreadBox(bytes, size, full, voxel)
    const expected: number[] = []
    for (let z = 0; z < full[2]; z++)
      for (let y = 0; y < full[1]; y++)
        for (let x = 0; x < full[0]; x++)
          for (let b = 0; b < voxel; b++) expected.push(x < size[0] && y < size[1] && z < size[2] ? value(x, y, z, b) : 0)
    expect([...bytes]).toEqual(expected)
  }
})
