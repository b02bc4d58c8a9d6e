import { describe, expect, test } from 'bun:test'
import { SEGMENT_COLOURS, toPixels } from '../../src/render/wk-colours.ts'

/**
 * Computed with Python from the formulas of webKnossos's viewer: `jet(p / 19)` for p = 19, then 2^2, 2^3, … 2^19 modulo 19.
 */
const JET = [
  [128, 0, 0],
  [0, 87, 255],
  [58, 255, 188],
  [255, 64, 0],
  [255, 213, 0],
  [15, 248, 232],
  [255, 164, 0],
  [102, 255, 145],
  [189, 0, 0],
  [250, 14, 0],
  [255, 114, 0],
  [188, 255, 58],
  [0, 34, 255],
  [0, 195, 255],
  [232, 255, 15],
  [0, 141, 255],
  [145, 255, 102],
  [0, 0, 189],
  [0, 0, 250],
]

test('segments have the colours webKnossos gives them', () => {
  expect(SEGMENT_COLOURS.map((colour) => [...colour])).toEqual(JET)
  expect(new Set(SEGMENT_COLOURS.map(String)).size).toBe(19)
})

const pixelsOf = (voxels: ArrayBufferView, more: Omit<Parameters<typeof toPixels>[1], 'channels'> & { channels?: number }) => {
  const bytes = new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength)
  const size = (voxels as Uint8Array).BYTES_PER_ELEMENT * (more.channels ?? 1)
  const pixels = new Uint8Array((bytes.length / size) * 3)
  toPixels(bytes, { channels: 1, ...more }, pixels)
  return Array.from({ length: pixels.length / 3 }, (_, n) => [...pixels.subarray(3 * n, 3 * n + 3)])
}

describe('ids', () => {
  test('0 is grey, the index counts the low 16 bits and bits 32 to 47', () => {
    const ids = [0n, 1n, 19n, 0x10000n + 5n, 0x7n << 32n, (3n << 32n) | 4n, 1n << 48n, 2n ** 64n - 1n]
    const expected = ids.map((id) =>
      id === 0n ? [100, 100, 100] : [...SEGMENT_COLOURS[Number(((id & 0xffffn) + ((id >> 32n) & 0xffffn)) % 19n)]!],
    )
    expect(pixelsOf(BigUint64Array.from(ids), { dataType: 'uint64', isSegmentation: true })).toEqual(expected)
  })

  test.each([
    ['uint8', new Uint8Array([0, 7, 255])],
    ['uint16', new Uint16Array([0, 7, 40_000])],
    ['int32', new Int32Array([0, 7, -1])],
  ] as const)('%s', (dataType, ids) => {
    const expected = Array.from(ids, (id) => (id === 0 ? [100, 100, 100] : [...SEGMENT_COLOURS[(id & 0xffff) % 19]!]))
    expect(pixelsOf(ids, { dataType, isSegmentation: true })).toEqual(expected)
  })
})

describe('intensities', () => {
  const grey = (values: number[]) => values.map((value) => [value, value, value])
  test.each([
    ['uint8 as it is', new Uint8Array([0, 1, 255]), 'uint8', undefined, [0, 1, 255]],
    ['uint16 of all it can hold', new Uint16Array([0, 32_768, 65_535, 256]), 'uint16', undefined, [0, 128, 255, 1]],
    ['int16 from the lowest to the highest', new Int16Array([-32_768, 0, 32_767]), 'int16', undefined, [0, 128, 255]],
    ['a range, with what is outside', new Uint16Array([0, 100, 150, 200, 4000]), 'uint16', [100, 200], [0, 0, 128, 255, 255]],
    ['floats and a NaN', new Float32Array([-1, 0, 0.5, 1, Number.NaN]), 'float32', [0, 1], [0, 0, 128, 255, 0]],
    ['a range of one value', new Uint8Array([4, 5, 6]), 'uint8', [5, 5], [0, 0, 255]],
    ['uint64', new BigUint64Array([0n, 2n ** 64n - 1n]), 'uint64', undefined, [0, 255]],
  ] as const)('%s', (_, values, dataType, intensityRange, expected) => {
    expect(pixelsOf(values, { dataType, intensityRange, isSegmentation: false })).toEqual(grey([...expected]))
  })

  test('a colour, after the inversion, is cut off and not rounded', () => {
    const looks = { dataType: 'uint8', isSegmentation: false, colour: [1, 0.5, 0], isInverted: true } as const
    expect(pixelsOf(new Uint8Array([0, 100, 255]), looks)).toEqual([
      [255, 127, 0],
      [155, 77, 0],
      [0, 0, 0],
    ])
  })

  test('RGB is taken as it is', () => {
    const looks = { dataType: 'uint8', channels: 3, isSegmentation: false, intensityRange: [10, 20], isInverted: true } as const
    expect(pixelsOf(new Uint8Array([1, 2, 3]), looks)).toEqual([[1, 2, 3]])
  })
})
