import { expect, test } from 'bun:test'
import type { Layer } from '../../src/volume/chunked-array.ts'
import type { Vec3 } from '../../src/volume/vec.ts'
import { levelsOf } from '../../src/zarr/planes.ts'

const levels = (...factors: Vec3[]) =>
  levelsOf({ mags: factors.map((factor) => ({ factor })) } as unknown as Layer).map(({ mag, factor, each }) => [
    mag.factor.join('-'),
    factor.join('-'),
    each,
  ])

test('of a pyramid with cubic mags', () => {
  expect(levels([1, 1, 1], [2, 2, 2], [4, 4, 4])).toEqual([
    ['1-1-1', '1-1-1', 1],
    ['2-2-2', '2-2-1', 2],
    ['4-4-4', '4-4-1', 4],
  ])
})

test('of mags alike in x and y the one with most planes', () => {
  expect(levels([1, 1, 1], [2, 2, 1], [4, 4, 1], [4, 4, 2], [8, 8, 2])).toEqual([
    ['1-1-1', '1-1-1', 1],
    ['2-2-1', '2-2-1', 1],
    ['4-4-1', '4-4-1', 1],
    ['8-8-2', '8-8-1', 2],
  ])
})

test('a mag whose planes do not span whole ones of the finest is left out; the finest need not be mag 1', () => {
  expect(levels([2, 2, 2], [4, 4, 3], [8, 8, 8])).toEqual([
    ['2-2-2', '2-2-2', 1],
    ['8-8-8', '8-8-2', 4],
  ])
})
