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

  const timed = readable.filter(({ times }) => times)
  test.each(titled(timed))('at later times: %s', async (_, { path, times = [] }) => {
    const opened = await openPath(join(GOLDEN, path), resources)
    for (const [n, layers] of times.entries()) {
      for (const { name, mag, topLeft, size, sha256: expected } of layers) {
        const layer = opened.layers.find((one) => one.name === name)!
        expect(layer.additionalAxes).toEqual([{ name: 't', bounds: [0, times.length + 1] }])
        const fixed = layer.at!([{ name: 't', value: n + 1 }])!
        expect([name, n + 1, sha256(await readBox(fixed, mag, topLeft, size))]).toEqual([name, n + 1, expected])
      }
    }
    for (const value of [-1, times.length + 1, 0.5]) expect(opened.layers[0]!.at!([{ name: 't', value }])).toBeUndefined()
  })

  test('voxel sizes are those of the files', async () => {
    const sizes: Record<string, unknown> = {}
    for (const path of ['wkw/scale_unit', 'tiff/imagej', 'tiff/ome', 'tiff/stack', 'tiff/aperio', 'tiff/imagej_tzc_big'])
      sizes[path] = (await openPath(join(GOLDEN, 'data', path), resources)).voxelSize
    expect(sizes).toEqual({
      'wkw/scale_unit': { nm: [4, 4, 40], source: 'datasource-properties.json' },
      'tiff/imagej': { nm: [200, 200, 500], source: 'ImageJ' },
      'tiff/ome': { nm: [100, 100, 300], source: 'OME' },
      'tiff/aperio': { nm: [499, 499, 499], source: 'Aperio' },
      'tiff/imagej_tzc_big': { nm: [500, 500, 2000], source: 'ImageJ' },
      'tiff/stack': { nm: [1, 1, 1], source: 'guessed: nothing in the file says how large a voxel is' },
    })
  })
})

describe('what the files say beside voxels', () => {
  const open = (name: string) => openPath(join(GOLDEN, 'data/tiff', name), resources)

  test('colours and ranges of channels are the default view', async () => {
    const view = async (name: string) => (await open(name)).layers.map((layer) => [layer.name, layer.extra?.['defaultViewConfiguration']])
    expect(await view('ome_colours')).toEqual([
      ['color_DAPI', { color: [0, 0, 255] }],
      ['color_GFP', { color: [0, 255, 0] }],
    ])
    expect(await view('imagej_colours')).toEqual([
      ['color_c0', { color: [255, 0, 0], intensityRange: [5, 200] }],
      ['color_c1', { color: [0, 255, 0], intensityRange: [7, 90] }],
    ])
  })

  test.each([
    ['float16_big', 'floats of 16 bits, served as 32-bit floats'],
    ['rgba', '1 extra sample per pixel (alpha) left out'],
    ['grey_alpha', '1 extra sample per pixel (opacity) left out'],
    ['palette', 'colours of its palette'],
    ['nodata', 'tiles that are not stored hold its no-data value -9999'],
    ['pyramid_odd', 'a page of 44×34 left out: its size is not a power of two of the first'],
    ['ome_images', '1 of 3 images left out: they are not 24×20×3 as the first'],
    ['ome_set_gap', 'are missing, or not in the folder that was given: part_z1_c0.ome.tif'],
  ])('%s: what was changed or left out is said', async (name, words) => {
    expect((await open(name)).notes.join('\n')).toContain(words)
  })
})

describe('what is not decoded rightly yet is refused by name', () => {
  test.each(titled(refused))('%s', async (_, { path, refused: word }) => {
    const opened = openPath(join(GOLDEN, path), resources)
    await expect(opened).rejects.toThrow(word)
  })
})
