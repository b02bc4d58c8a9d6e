import { describe, expect, test } from 'bun:test'
import { inflateSync } from 'node:zlib'
import jpegJs from 'jpeg-js'
import { drawJpeg, drawPalette, type ThumbnailRequest } from '../../src/render/thumbnail.ts'
import { SEGMENT_COLOURS } from '../../src/render/wk-colours.ts'
import type { Layer } from '../../src/volume/chunked-array.ts'
import { CorruptChunk } from '../../src/volume/errors.ts'
import { freshOptions, memoryLayer } from '../support/layers.ts'

const request = (layer: Layer, more: Partial<ThumbnailRequest> = {}): ThumbnailRequest => ({
  mag: layer.mags[0]!,
  corner: [0, 0, 0],
  width: 32,
  height: 24,
  ...more,
})

async function pixelsOf(layer: Layer, more: Partial<ThumbnailRequest> = {}) {
  const asked = request(layer, more)
  const decoded = jpegJs.decode(await drawJpeg(layer, asked, freshOptions()), { useTArray: true, formatAsRGBA: false })
  expect([decoded.width, decoded.height]).toEqual([asked.width, asked.height])
  return (x: number, y: number) => [...decoded.data.subarray(3 * (x + y * decoded.width), 3 * (x + y * decoded.width) + 3)]
}

const near = (pixel: readonly number[], expected: readonly number[]): boolean =>
  pixel.every((part, n) => Math.abs(part - expected[n]!) <= 6)

test('one voxel a pixel, from the corner on; what is outside the layer is black', async () => {
  // squares of 8 voxels, so that compression leaves them as they are
  const layer = memoryLayer({ size: [64, 64, 4], byteAt: (x, y, z) => 40 * z + 8 * (x >> 3) + (y >> 3) })
  const pixel = await pixelsOf(layer, { corner: [40, 48, 2] })
  for (const [x, y] of [
    [4, 4],
    [12, 12],
    [20, 4],
  ] as const) {
    const value = 80 + 8 * ((40 + x) >> 3) + ((48 + y) >> 3)
    expect(near(pixel(x, y), [value, value, value])).toBe(true)
  }
  expect([near(pixel(28, 4), [0, 0, 0]), near(pixel(4, 20), [0, 0, 0])]).toEqual([true, true])
})

test('a segmentation is drawn in the colours of its ids, grey where there is none', async () => {
  const layer = memoryLayer({
    size: [32, 24, 1],
    dataType: 'uint16',
    category: 'segmentation',
    byteAt: (x, _y, _z, b) => (b === 0 ? x >> 3 : 0),
  })
  const pixel = await pixelsOf(layer)
  expect(near(pixel(4, 4), [100, 100, 100])).toBe(true)
  for (const id of [1, 2, 3]) expect(near(pixel(8 * id + 4, 12), SEGMENT_COLOURS[id]!)).toBe(true)
})

test('more rows than one band holds fit together', async () => {
  const layer = memoryLayer({
    size: [8, 5000, 1],
    dataType: 'uint64',
    chunkSize: [8, 64, 1],
    byteAt: (_x, y, _z, b) => (b === 7 ? y >> 5 : 0),
  })
  const pixel = await pixelsOf(layer, { width: 300, height: 4000 })
  for (const y of [4, 1700, 1764, 3996]) expect(near(pixel(3, y), new Array(3).fill(y >> 5))).toBe(true)
})

describe('a picture is never drawn over what could not be read', () => {
  const layer = memoryLayer({ size: [64, 64, 1], byteAt: () => 1, stateOf: ([x]) => (x === 1 ? 'broken' : 'stored') })
  test('it throws', async () => {
    await expect(drawJpeg(layer, request(layer, { width: 64 }), freshOptions())).rejects.toThrow(CorruptChunk)
    await expect(drawPalette(layer, request(layer, { width: 64 }), freshOptions())).rejects.toThrow(CorruptChunk)
  })
  test('what is not asked for does no harm', async () => {
    expect(near((await pixelsOf(layer))(3, 3), [1, 1, 1])).toBe(true)
  })
})

test('the older palette: the lowest byte of the id, 0 transparent', async () => {
  const layer = memoryLayer({ size: [16, 2, 1], dataType: 'uint16', category: 'segmentation', byteAt: (x, _y, _z, b) => (b === 0 ? x : 5) })
  const png = Buffer.from(await drawPalette(layer, request(layer, { width: 16, height: 2 }), freshOptions()))
  expect([png.readUInt32BE(16), png.readUInt32BE(20), png[24], png[25]]).toEqual([16, 2, 8, 3])
  const chunk = (type: string) => {
    const at = png.indexOf(type)
    return png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4))
  }
  expect([...chunk('tRNS')]).toEqual([0])
  expect([...chunk('PLTE').subarray(3 * 7, 3 * 8)]).toEqual([...SEGMENT_COLOURS[7]!])
  expect([...inflateSync(chunk('IDAT')).subarray(0, 17)]).toEqual([0, ...Array.from({ length: 16 }, (_, x) => x)])
})
