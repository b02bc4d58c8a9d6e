import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import type { Resources } from '../../src/datasets/open.ts'
import { elementClassOf } from '../../src/volume/data-type.ts'
import { GOLDEN, type GoldenCase, readable, refused, sha256 } from '../support/golden.ts'
import { makeResources, openPath, readBox } from '../support/open.ts'

let resources: Resources
beforeAll(async () => {
  resources = await makeResources()
})
afterAll(() => resources.pool.close())

const titled = <T extends GoldenCase>(cases: readonly T[]) =>
  cases.map((one) => [`${one.writer} wrote ${one.dataset}: ${one.about}`, one] as const)

describe('what the reference writer wrote is read voxel for voxel', () => {
  test.each(titled(readable))('%s', async (_, { path, layers }) => {
    const opened = await openPath(join(GOLDEN, path), resources)
    for (const { name, elementClass, mag, topLeft, size, sha256: expected } of layers) {
      const layer = opened.layers.find((one) => one.name === name)
      expect(opened.layers.map((one) => one.name)).toContain(name)
      expect(elementClassOf(layer!.dataType, layer!.channels)).toBe(elementClass as never)
      expect([name, mag, sha256(await readBox(layer!, mag, topLeft, size))]).toEqual([name, mag, expected])
    }
  })

  test('voxel sizes are those of the files', async () => {
    const sizes: Record<string, unknown> = {}
    for (const path of ['wkw/scale_unit', 'tiff/imagej', 'tiff/ome', 'tiff/stack'])
      sizes[path] = (await openPath(join(GOLDEN, 'data', path), resources)).voxelSize
    expect(sizes).toEqual({
      'wkw/scale_unit': { nm: [4, 4, 40], source: 'datasource-properties.json' },
      'tiff/imagej': { nm: [200, 200, 500], source: 'ImageJ' },
      'tiff/ome': { nm: [100, 100, 300], source: 'OME' },
      'tiff/stack': { nm: [1, 1, 1], source: 'guessed: nothing in the file says how large a voxel is' },
    })
  })
})

describe('what is not decoded rightly yet is refused by name', () => {
  test.each(titled(refused))('%s', async (_, { path, refused: word }) => {
    const opened = openPath(join(GOLDEN, path), resources)
    await expect(opened).rejects.toThrow(word)
  })
})
