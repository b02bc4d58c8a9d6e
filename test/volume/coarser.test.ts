import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { boxAt, sizeOf, toMag } from '../../src/volume/box.ts'
import { coarserMags } from '../../src/volume/coarser.ts'
import { magLiteral, type Vec3, ZERO } from '../../src/volume/vec.ts'

const mags = (coarsest: Vec3, size: Vec3, nm: Vec3) =>
  coarserMags(coarsest, boxAt(ZERO, size), nm)
    .map(({ factor, isListed }) => (isListed ? magLiteral(factor) : `(${magLiteral(factor)})`))
    .join(' ')

describe('which mags are made', () => {
  test.each([
    ['a volume with equal edges', [1, 1, 1], [1024, 1024, 512], [4, 4, 4], '2-2-2 4-4-4 8-8-8 16-16-16 32-32-32'],
    ['thick slices wait until the others have caught up', [1, 1, 1], [1000, 1000, 100], [4, 4, 40], '2-2-1 4-4-1 8-8-1 16-16-2 32-32-4'],
    ['an edge of exactly twice the shortest is not doubled', [1, 1, 1], [100, 100, 100], [4, 4, 8], '2-2-1 4-4-2 8-8-4'],
    ['fine slices are doubled alone', [1, 1, 1], [64, 64, 512], [32, 32, 4], '1-1-2 1-1-4 1-1-8 2-2-16'],
    [
      'one plane, whatever its voxels',
      [1, 1, 1],
      [40_000, 10, 1],
      [4, 4, 40],
      '2-2-1 4-4-1 8-8-1 16-16-1 32-32-1 64-64-1 128-128-1 256-256-1 512-512-1 1024-1024-1 2048-2048-1',
    ],
    ['goes on from what is stored', [8, 8, 8], [1024, 1024, 1024], [1, 1, 1], '16-16-16 32-32-32'],
    ['nothing where all fits a bucket', [4, 4, 4], [128, 128, 128], [1, 1, 1], ''],
    ['one voxel more', [4, 4, 4], [129, 128, 128], [1, 1, 1], '8-8-8'],
    ['mags that are no powers of two', [3, 3, 1], [300, 300, 10], [1, 1, 3], '6-6-2 12-12-4'],
    // 2-2-4 would be told from 1-1-4 by nothing
    ['no two with the same largest component', [1, 1, 4], [100, 100, 100], [1, 1, 1], '(2-2-4) (4-4-4) 8-8-8'],
  ] as const)('%s', (_, coarsest, size, nm, expected) => expect(mags(coarsest, size, nm)).toBe(expected))
})

test('always a chain of doublings with growing largest components that ends in one bucket', () => {
  const edge = fc.integer({ min: 1, max: 1_000_000 })
  const nm = fc.double({ min: 0.01, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.tuple(edge, edge, edge), fc.tuple(nm, nm, nm), fc.integer({ min: -100, max: 100 }), (size, voxel, at) => {
      const box = boxAt([at, at, at], size)
      const steps = coarserMags([1, 1, 1], box, voxel)
      let before: Vec3 = [1, 1, 1]
      let largest = 1
      for (const { step, factor, isListed } of steps) {
        expect(factor).toEqual([before[0] * step[0], before[1] * step[1], before[2] * step[2]])
        expect(step.some((one) => one === 2) && step.every((one) => one === 1 || one === 2)).toBe(true)
        if (isListed) expect(Math.max(...factor)).toBeGreaterThan(largest)
        largest = Math.max(largest, ...factor)
        before = factor
      }
      // voxels of a million to one in length may never come to that
      if (steps.length < 40) expect(Math.max(...sizeOf(toMag(box, before)))).toBeLessThanOrEqual(33)
    }),
  )
})
