import { expect, test } from 'bun:test'
import fc from 'fast-check'
import type { Layer } from '../../src/volume/chunked-array.ts'
import { type AxisOrder, arrange, disarrange } from '../../src/zarr/axis-order.ts'
import { parseChunkKey } from '../../src/zarr/key.ts'

const layer = (channels: number, axes: readonly string[]) =>
  ({ channels, additionalAxes: axes.map((name) => ({ name, bounds: [0, 9] })) }) as unknown as Layer

test('the axes of an array, in either order', () => {
  expect(arrange('cxyz', 'c', ['t'], ['x', 'y', 'z'])).toEqual(['c', 't', 'x', 'y', 'z'])
  expect(arrange('czyx', 'c', ['t'], ['x', 'y', 'z'])).toEqual(['t', 'c', 'z', 'y', 'x'])
})

test('what was arranged is found again', () => {
  const number = fc.nat(1e6)
  fc.assert(
    fc.property(
      fc.constantFrom<AxisOrder>('cxyz', 'czyx'),
      number,
      fc.array(number, { maxLength: 4 }),
      fc.tuple(number, number, number),
      (order, channel, additional, space) => {
        expect(disarrange(order, arrange(order, channel, additional, space))).toEqual({ channel, additional, space })
      },
    ),
  )
})

test.each([
  ['cxyz', 1, [], '0.1.2.3', { channel: 0, index: [1, 2, 3], coordinates: [] }],
  ['czyx', 1, [], '0.3.2.1', { channel: 0, index: [1, 2, 3], coordinates: [] }],
  ['czyx', 3, [], '2.3.2.1', { channel: 2, index: [1, 2, 3], coordinates: [] }],
  ['czyx', 3, ['t'], '7.2.3.2.1', { channel: 2, index: [1, 2, 3], coordinates: [{ name: 't', value: 7 }] }],
  ['cxyz', 1, ['t'], '0.7.1.2.3', { channel: 0, index: [1, 2, 3], coordinates: [{ name: 't', value: 7 }] }],
  ['cxyz', 3, [], '1.0.0.0', undefined],
  ['czyx', 3, [], '3.0.0.0', undefined],
  ['czyx', 1, [], '1.0.0.0', undefined],
  ['czyx', 1, ['t'], '0.0.0.0', undefined],
  ['czyx', 1, [], '0.0.0.-1', undefined],
  ['czyx', 1, [], '0/0/0/0', undefined],
] as const)('order %s, %d channels, axes %j: key %s', (order, channels, axes, key, place) => {
  expect(parseChunkKey(key, layer(channels, axes), order)).toEqual(place as never)
})
