/** Changed descriptions: only what differs is kept, and only that is applied. */
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { described, EditedDataSource, overrideOf, readOverrides, writeOverride } from '../../src/datasets/overrides.ts'
import type { ChunkedArray, Dataset } from '../../src/volume/chunked-array.ts'
import { emptyFolder } from '../support/binary.ts'

const box = { min: [0, 0, 0], max: [8, 8, 8] } as const
const mags = ([1, 2, 4] as const).map((n) => ({ factor: [n, n, n] as const, arrays: [] as ChunkedArray[] }))
const layer = (name: string) => ({ name, category: 'color' as const, dataType: 'uint32' as const, channels: 1, mags, boundingBox: box })
const dataset: Dataset = { layers: [layer('a'), layer('b')], broken: [], voxelSize: { nm: [4, 4, 40], source: 'OME' }, notes: [] }

const boxJson = { topLeft: [0, 0, 0] as [number, number, number], width: 8, height: 8, depth: 8 }
const mag = (...factors: number[]) => factors.map((n) => ({ mag: [n, n, n] as [number, number, number] }))
const edited = (name: string, more: object = {}) => ({
  name,
  category: 'color' as const,
  boundingBox: boxJson,
  mags: mag(1, 2, 4),
  ...more,
})
const source = (dataLayers: ReturnType<typeof edited>[], more: object = {}): EditedDataSource => ({
  dataLayers,
  scale: [4, 4, 40],
  ...more,
})

test('what is as it was is no change', () => {
  expect(overrideOf(dataset, source([edited('a'), edited('b')]))).toEqual({})
  expect(overrideOf(dataset, source([edited('a'), edited('b')], { scale: { factor: [0.004, 0.004, 0.04], unit: 'micrometer' } }))).toEqual(
    {},
  )
})

test('layers and mags are left out, ids beyond 2^53 are kept exactly, unknown layers passed over', () => {
  const override = overrideOf(
    dataset,
    source([
      edited('a', {
        category: 'segmentation',
        mags: mag(1, 4),
        largestSegmentId: { customJsonEncoding: 'bigint', value: '18446744073709551615' },
      }),
      edited('new'),
    ]),
  )
  expect(override).toEqual({
    withoutLayers: ['b'],
    layers: { a: { category: 'segmentation', largestSegmentId: '18446744073709551615', withoutMags: [[2, 2, 2]] } },
  })
  const { layers } = described(dataset, override)
  expect(layers.map(({ name, category, largestSegmentId, mags: kept }) => [name, category, largestSegmentId, kept.length])).toEqual([
    ['a', 'segmentation', 18446744073709551615n, 2],
  ])
  expect(dataset.layers).toHaveLength(2)
})

test.each([
  { dataLayers: 'x', scale: [1, 1, 1] },
  { dataLayers: [edited('a', { category: 'mesh' })], scale: [1, 1, 1] },
  { dataLayers: [edited('a', { boundingBox: { ...boxJson, width: 0 } })], scale: [1, 1, 1] },
  { dataLayers: [], scale: 'nm' },
])('%j is no description', (json) => {
  expect(Value.Check(EditedDataSource, json)).toBe(false)
})

test('the file: written beside others, read with bad entries passed over, a broken one is a problem', async () => {
  const file = join(emptyFolder(), 'overrides.json')
  await writeOverride(file, 'lab', 'a', { scale: [1, 2, 3] })
  await writeOverride(file, 'lab', 'b', { scale: [3, 2, 1] })
  await writeOverride(file, 'lab', 'a', {})
  expect([...((await readOverrides(file)) as Map<string, unknown>)]).toEqual([['lab/b', { scale: [3, 2, 1] }]])
  writeFileSync(file, JSON.stringify({ lab: { c: { scale: [0, 1, 1] }, d: { withoutLayers: ['x'] } } }))
  expect([...((await readOverrides(file)) as Map<string, unknown>).keys()]).toEqual(['lab/d'])
  writeFileSync(file, '{"lab": ')
  expect(await readOverrides(file)).toEqual({ problem: expect.stringContaining('overrides.json') })
})
