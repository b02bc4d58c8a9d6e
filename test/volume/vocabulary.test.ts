import { expect, test } from 'bun:test'
import fc from 'fast-check'
import { boxAt, boxToJson, intersect, isEmpty, toMag, toMag1, unite } from '../../src/volume/box.ts'
import { elementClassOf, largestIdOf } from '../../src/volume/data-type.ts'
import { packFourBit } from '../../src/volume/four-bit.ts'
import { always, recover } from '../../src/volume/maybe-promise.ts'
import { Pace } from '../../src/volume/pace.ts'
import { parseMag } from '../../src/volume/vec.ts'
import { nanometersPer } from '../../src/volume/voxel-size.ts'

test('a mag is three positive integers or the short form of three equal ones', () => {
  expect(['2', '2-2-1', '16-16-4'].map(parseMag)).toEqual([
    [2, 2, 2],
    [2, 2, 1],
    [16, 16, 4],
  ])
  for (const text of ['', '0', '2-2', '1-2-3-4', '-1', '1.5', '2-0-1', 'color', '1 ', '99999999999']) expect(parseMag(text)).toBeUndefined()
})

test('a mag-1 box in a mag is rounded outwards, also below zero', () => {
  expect(toMag(boxAt([-3, 0, 5], [10, 7, 1]), [2, 4, 4])).toEqual({ min: [-2, 0, 1], max: [4, 2, 2] })
  expect(toMag1(boxAt([1, 2, 3], [1, 1, 1]), [2, 2, 1])).toEqual({ min: [2, 4, 3], max: [4, 6, 4] })
})

test('intersecting is inside both, uniting holds both', () => {
  const box = fc
    .tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: 1, max: 9 }))
    .map(([at, size]) => boxAt([at, at + 1, at - 1], [size, size, size]))
  fc.assert(
    fc.property(box, box, (a, b) => {
      const both = intersect(a, b)
      const either = unite(a, b)
      for (let d = 0; d < 3; d++) {
        if (!isEmpty(both)) expect(both.min[d]! >= a.min[d]! && both.max[d]! <= b.max[d]!).toBe(true)
        expect(either.min[d]! <= a.min[d]! && either.max[d]! >= b.max[d]!).toBe(true)
      }
    }),
  )
})

test('a bounding box is written as webKnossos does', () => {
  expect(boxToJson(boxAt([1, -2, 3], [4, 5, 6]))).toEqual({ topLeft: [1, -2, 3], width: 4, height: 5, depth: 6 })
})

test('element classes are those webKnossos has words for', () => {
  expect(elementClassOf('uint8', 3)).toBe('uint24')
  expect(elementClassOf('float32', 1)).toBe('float')
  expect(elementClassOf('int64', 1)).toBe('int64')
  for (const [type, channels] of [
    ['uint8', 2],
    ['uint8', 4],
    ['uint16', 3],
  ] as const)
    expect(elementClassOf(type, channels)).toBeUndefined()
  expect([largestIdOf('uint8'), largestIdOf('int16'), largestIdOf('uint64')]).toEqual([255, 32767, Number.MAX_SAFE_INTEGER])
})

test('half bytes are the high nibbles of two bytes, in place as well', () => {
  const bytes = Uint8Array.of(0x12, 0x34, 0xab, 0xcd, 0xef)
  expect(packFourBit(bytes, bytes, 0)).toBe(3)
  expect([...bytes.subarray(0, 3)]).toEqual([0x13, 0xac, 0xe0])
})

test('units are those of webKnossos and OME', () => {
  expect(['nm', 'nanometer', 'µm', '\\u00B5m', 'um', 'micron', 'microns', 'Angstrom', 'millimetre', 'inch'].map(nanometersPer)).toEqual([
    1, 1, 1e3, 1e3, 1e3, 1e3, 1e3, 0.1, 1e6, 2.54e7,
  ])
  expect(['pixel', '', 'furlong'].map(nanometersPer)).toEqual([undefined, undefined, undefined])
})

test('recover and always treat a throw and a rejection alike', async () => {
  const fail = () => {
    throw new Error('a')
  }
  expect(recover<string>(fail, () => 'b')).toBe('b')
  expect(
    await recover<string>(
      async () => fail(),
      () => 'b',
    ),
  ).toBe('b')
  let after = 0
  expect(() => always(fail, () => after++)).toThrow('a')
  await expect(
    Promise.resolve(
      always(
        async () => fail(),
        () => after++,
      ),
    ),
  ).rejects.toThrow('a')
  expect([
    always(
      () => 1,
      () => after++,
    ),
    await always(
      async () => 2,
      () => after++,
    ),
    after,
  ]).toEqual([1, 2, 4])
})

test('a long answer lets others have their turn', async () => {
  const pace = new Pace()
  const until = performance.now() + 3
  while (performance.now() < until);
  expect(pace.due()).toBe(true)
  let others = 0
  setImmediate(() => others++)
  await pace.turn()
  expect([others, pace.due()]).toEqual([1, false])
})
