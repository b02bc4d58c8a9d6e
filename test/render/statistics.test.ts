import { describe, expect, test } from 'bun:test'
import { measureContrast } from '../../src/render/contrast.ts'
import { findData } from '../../src/render/find-data.ts'
import { histogramsOf } from '../../src/render/histogram.ts'
import { samplePositions } from '../../src/render/sampling.ts'
import { boxAt } from '../../src/volume/box.ts'
import { CorruptChunk } from '../../src/volume/errors.ts'
import { freshOptions, memoryLayer } from '../support/layers.ts'

/** Bytes of a value at each position. */
const valued = (write: (view: DataView, x: number, y: number, z: number) => void) => {
  const view = new DataView(new ArrayBuffer(8))
  return (x: number, y: number, z: number, b: number) => {
    write(view, x, y, z)
    return view.getUint8(b)
  }
}

describe('where is looked', () => {
  test('the inner grid points, z outermost, then the corner, all on the grid of buckets', () => {
    expect(samplePositions(boxAt([0, 0, 0], [64, 64, 64]), 1)).toEqual([
      [32, 32, 32],
      [0, 0, 0],
    ])
    // of 2² parts 27 points; the middle is there already
    const positions = samplePositions(boxAt([10, 20, 30], [400, 400, 400]), 2)
    expect(positions).toHaveLength(28)
    expect(positions.slice(0, 4)).toEqual([
      [192, 192, 224],
      [96, 96, 128],
      [192, 96, 128],
      [288, 96, 128],
    ])
    expect(positions.at(-1)).toEqual([0, 0, 0])
  })

  test('it goes on until every step is smaller than a bucket', () => {
    expect(samplePositions(boxAt([0, 0, 0], [63, 63, 63]), 4)).toEqual([[0, 0, 0]])
    expect(samplePositions(boxAt([-5, 0, 0], [40, 40, 64]), 4)).toEqual([
      [0, 0, 32],
      [-32, 0, 0],
    ])
  })

  test('a plane has no depth to divide', () => {
    const positions = samplePositions(boxAt([0, 0, 0], [1000, 800, 1]), 2)
    expect(positions.every(([, , z]) => z === 0)).toBe(true)
    expect(positions).toHaveLength(10)
  })
})

describe('histogram', () => {
  test('uint8: a bin each, zeros left out', async () => {
    const layer = memoryLayer({ size: [4, 4, 4], byteAt: (x) => [0, 253, 254, 255][x]! })
    const [histogram, ...more] = await histogramsOf(layer, freshOptions())
    expect(more).toEqual([])
    expect(histogram).toMatchObject({ min: 0, max: 255, numberOfElements: 48 })
    expect(histogram!.elementCounts).toHaveLength(256)
    expect([0, 252, 253, 254, 255].map((bin) => histogram!.elementCounts[bin])).toEqual([0, 0, 16, 16, 16])
  })

  test.each([
    ['uint16', (view: DataView) => view.setUint16(0, 0x1234, true), 0x12, 0, 65_535],
    ['uint32', (view: DataView) => view.setUint32(0, 0xfedcba98, true), 0xfe, 0, 2 ** 32 - 1],
    ['uint64', (view: DataView) => view.setBigUint64(0, 2n ** 64n - 1n, true), 255, 0, 2 ** 64],
    ['int8', (view: DataView) => view.setInt8(0, -3), 125, -128, 127],
    ['int16', (view: DataView) => view.setInt16(0, -1, true), 127, -32_768, 32_767],
    ['int32', (view: DataView) => view.setInt32(0, 0x7fffffff, true), 255, -(2 ** 31), 2 ** 31 - 1],
  ] as const)('%s: by its highest byte, between the limits of the type', async (dataType, write, bin, min, max) => {
    const layer = memoryLayer({ size: [2, 1, 1], dataType, byteAt: valued((view) => write(view)) })
    const [histogram] = await histogramsOf(layer, freshOptions())
    expect(histogram).toMatchObject({ min, max, numberOfElements: 2 })
    expect(histogram!.elementCounts.findIndex((count) => count > 0)).toBe(bin)
  })

  test('float: between the values seen, the largest in the last bin', async () => {
    const layer = memoryLayer({
      size: [4, 1, 1],
      dataType: 'float32',
      byteAt: valued((view, x) => view.setFloat32(0, [-1, 0, Number.NaN, 3][x]!, true)),
    })
    const [histogram] = await histogramsOf(layer, freshOptions())
    expect(histogram).toMatchObject({ min: -1, max: 3, numberOfElements: 2 })
    expect([histogram!.elementCounts[0], histogram!.elementCounts[255]]).toEqual([1, 1])
  })

  test('RGB: one for each channel, black left out', async () => {
    const layer = memoryLayer({ size: [32, 32, 32], channels: 3, byteAt: (x, _y, _z, b) => (x === 0 ? 0 : 10 * (b + 1)) })
    const histograms = await histogramsOf(layer, freshOptions())
    expect(histograms.map(({ elementCounts }) => [elementCounts[0], elementCounts[10], elementCounts[20], elementCounts[30]])).toEqual([
      [0, 31 * 1024, 0, 0],
      [0, 0, 31 * 1024, 0],
      [0, 0, 0, 31 * 1024],
    ])
    expect(histograms[0]).toMatchObject({ min: 0, max: 255 })
  })

  test('what cannot be read is passed over; nothing readable throws; nothing stored is empty', async () => {
    const size = [64, 64, 64] as const
    const one = memoryLayer({ size, byteAt: () => 9, stateOf: (index) => (index.join() === '0,0,0' ? 'broken' : 'stored') })
    expect((await histogramsOf(one, freshOptions()))[0]!.elementCounts[9]).toBe(32 ** 3)
    await expect(histogramsOf(memoryLayer({ size, stateOf: () => 'broken' }), freshOptions())).rejects.toThrow(CorruptChunk)
    expect((await histogramsOf(memoryLayer({ size, stateOf: () => 'missing' }), freshOptions()))[0]).toMatchObject({ numberOfElements: 0 })
  })
})

describe('a position with data', () => {
  test('is the first voxel that is not zero, in mag-1 voxels', async () => {
    const layer = memoryLayer({ size: [64, 64, 64], byteAt: (x, y, z) => Number(x >= 40 && y >= 50 && z >= 60) })
    expect(await findData(layer, freshOptions())).toMatchObject({ position: [40, 50, 60], mag: { factor: [1, 1, 1] } })
  })

  test('comes from the finest mag that has any, at its place in that mag', async () => {
    const layer = memoryLayer({
      size: [64, 64, 64],
      dataType: 'uint16',
      factors: [
        [1, 1, 1],
        [4, 4, 2],
      ],
      byteAt: (x, y, z, b) => Number(b === 1 && x === 9 && y === 3 && z === 20),
      // the finer mag is not stored
      stateOf: () => 'stored',
    })
    const [finest, coarse] = layer.mags
    const empty = {
      ...layer,
      mags: [{ ...finest!, arrays: memoryLayer({ size: [64, 64, 64], stateOf: () => 'missing' }).mags[0]!.arrays }, coarse!],
    }
    expect(await findData(empty, freshOptions())).toMatchObject({ position: [36, 12, 40], mag: { factor: [4, 4, 2] } })
  })

  test('is none where all is zero, and an error where nothing can be read', async () => {
    expect(await findData(memoryLayer({ size: [200, 20, 20] }), freshOptions())).toBeUndefined()
    await expect(findData(memoryLayer({ size: [20, 20, 20], stateOf: () => 'broken' }), freshOptions())).rejects.toThrow(CorruptChunk)
  })
})

test('whoever has gone ends the search', async () => {
  const layer = memoryLayer({ size: [2000, 2000, 2000], byteAt: () => 0 })
  const [array] = layer.mags[0]!.arrays as unknown as [{ reads: unknown[] }]
  const abort = new AbortController()
  const search = findData(layer, { ...freshOptions(), signal: abort.signal })
  setTimeout(() => abort.abort(), 5)
  await expect(search).rejects.toThrow()
  expect(array.reads.length).toBeLessThan(3000)
})

describe('contrast', () => {
  test('a 12-bit image in 16 bits is shown between the values it has', async () => {
    const layer = memoryLayer({
      size: [96, 96, 32],
      dataType: 'uint16',
      byteAt: valued((view, x, y) => view.setUint16(0, x === 0 ? 0 : 200 + ((x * 7919 + y * 104_729) % 3500), true)),
    })
    const [low, high] = (await measureContrast(layer, freshOptions()))!
    expect([low >= 200 && low < 300, high > 3500 && high < 3700]).toEqual([true, true])
  })

  test('one value only can be seen', async () => {
    expect(await measureContrast(memoryLayer({ size: [9, 9, 9], byteAt: () => 7 }), freshOptions())).toEqual([0, 7])
  })

  test('segmentations, RGB and what is all zero have none', async () => {
    const one = { size: [9, 9, 9], byteAt: () => 7 } as const
    expect(await measureContrast(memoryLayer({ ...one, category: 'segmentation' }), freshOptions())).toBeUndefined()
    expect(await measureContrast(memoryLayer({ ...one, channels: 3 }), freshOptions())).toBeUndefined()
    expect(await measureContrast(memoryLayer({ size: [9, 9, 9] }), freshOptions())).toBeUndefined()
  })
})
