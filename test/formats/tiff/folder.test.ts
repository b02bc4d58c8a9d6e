/** Folders of slices, files that grow or are replaced, and what datasets.json says about layers. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { copyFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { discover } from '../../../src/datasets/discover.ts'
import { sortEntries } from '../../../src/datasets/entries.ts'
import { mergeEntries } from '../../../src/datasets/merge.ts'
import { openDataset, type Resources } from '../../../src/datasets/open.ts'
import type { Dataset } from '../../../src/volume/chunked-array.ts'
import { emptyFolder } from '../../support/binary.ts'
import { buildTiff, greyPage } from '../../support/build-tiff.ts'
import { GOLDEN } from '../../support/golden.ts'
import { makeResources, openPath, readBox } from '../../support/open.ts'
import { tinyTiff, writeTinyTiff } from '../../support/tiny-tiff.ts'

let resources: Resources
beforeAll(async () => {
  resources = await makeResources()
})
afterAll(() => resources.pool.close())

const golden = (path: string) => join(GOLDEN, 'data/tiff', path)
let entries = 0

/** A dataset folder of golden files, with an entry in datasets.json. */
async function configured(files: Readonly<Record<string, string>>, config: Readonly<Record<string, unknown>>): Promise<Dataset> {
  const data = emptyFolder()
  for (const [name, from] of Object.entries(files)) {
    mkdirSync(join(data, 'lab/scan', name, '..'), { recursive: true })
    copyFileSync(golden(from), join(data, 'lab/scan', name))
  }
  const { datasets: found } = await discover(data, { organization: 'test', ...resources })
  const merged = await mergeEntries(found, sortEntries({ tiff: { lab: { scan: config } } }), data, resources.handles)
  const { descriptor, reason } = merged.datasets[0]!
  if (!descriptor) throw new Error(reason)
  return openDataset(`lab/scan@folder${++entries}`, 'scan', descriptor, resources, () => {})
}

const describeLayers = ({ layers }: Dataset) =>
  layers.map(({ name, category, boundingBox }) => `${name} ${category} ${boundingBox.max.join('×')}`)

describe('a folder of slices', () => {
  test('10 comes after 9, a gap is empty', async () => {
    const folder = join(emptyFolder(), 'org/t')
    for (const n of [8, 9, 10, 12]) writeTinyTiff(join(folder, `t${n}.tif`), 4, 4, n)
    const { layers, notes } = await openPath(join(folder, '../..'), resources)
    const voxels = await readBox(layers[0]!, [1, 1, 1], [0, 0, 0], [1, 1, 5])
    expect([[...voxels], notes]).toEqual([[8, 9, 10, 0, 12], ['layer t: 4 files are one z-stack, 1 slices are missing']])
  })

  test('a slice of another size is left empty, with the reason', async () => {
    const folder = join(emptyFolder(), 'org/t')
    for (let n = 0; n < 20; n++) writeTinyTiff(join(folder, `t${n}.tif`), n === 7 ? 6 : 4, 4, n + 1)
    const dataset = await openPath(join(folder, '../..'), resources)
    expect(describeLayers(dataset)).toEqual(['t color 4×4×20'])
    expect([...(await readBox(dataset.layers[0]!, [1, 1, 1], [0, 0, 6], [1, 1, 3]))]).toEqual([7, 0, 9])
    expect(dataset.notes.join()).toContain('1 slice is not 4×4 1×uint8 as the others and left empty: t7.tif (6×4 1×uint8)')
  })

  test('pictures beside TIFFs, or beside folders, are no layers', async () => {
    const folder = join(emptyFolder(), 'org/t')
    writeTinyTiff(join(folder, 'scan.tif'))
    for (const n of [8, 9]) copyFileSync(golden(`png_slices/slice${n}.png`), join(folder, `preview${n}.png`))
    expect(describeLayers(await openPath(join(folder, '../..'), resources))).toEqual(['scan color 8×8×1'])
  })
})

describe('datasets.json', () => {
  const two = { 'raw.tif': 'tiles_uint16/color.tif', 'ids.tif': 'tiles_uint32/color.tif' }

  test('declares integer labels a segmentation, and colours', async () => {
    const layers = { ids: { category: 'segmentation' }, raw: { color: '#ff8000', intensityRange: [10, 2000] } }
    const dataset = await configured(two, { layers, scale: [4, 5, 6] })
    expect(describeLayers(dataset)).toEqual(['ids segmentation 90×75×1', 'raw color 90×75×1'])
    expect(dataset.layers.map(({ extra }) => extra)).toEqual([
      undefined,
      { defaultViewConfiguration: { color: [255, 128, 0], intensityRange: [10, 2000] } },
    ])
    expect(dataset.voxelSize).toEqual({ nm: [4, 5, 6], source: 'datasets.json' })
  })

  test('a mask that is a segmentation has ids 0 and 1', async () => {
    const dataset = await configured({ 'mask.tif': 'bilevel/color.tif' }, { layers: { mask: { category: 'segmentation' } } })
    expect(new Set(await readBox(dataset.layers[0]!, [1, 1, 1], [0, 0, 0], [50, 37, 1]))).toEqual(new Set([0, 1]))
  })

  test('floats declared a segmentation are refused with the reason', async () => {
    const opening = configured({ 'f.tif': 'tiles_float32/color.tif' }, { layers: { f: { category: 'segmentation' } } })
    await expect(opening).rejects.toThrow('a segmentation has integer ids')
  })

  test('gives layers their files: a path, a pattern, one channel of a file', async () => {
    const files = {
      'a/x_9.tif': 'slices/scan_0010.tif',
      'a/x_10.tif': 'slices/scan_0020.tif',
      'b.ome.tif': 'ome/color.ome.tif',
      'c.tif': 'tiles_uint8/color.tif',
    }
    const layers = {
      stack: { pattern: 'a/x_*.tif' },
      green: { path: 'b.ome.tif', channel: 'GFP' },
      first: { path: 'b.ome.tif', channel: 0 },
    }
    const dataset = await configured(files, { layers })
    expect(describeLayers(dataset)).toEqual(['stack color 41×30×2', 'green color 47×33×5', 'first color 47×33×5'])
    const plain = await openPath(golden('ome'), resources)
    const box = [
      [1, 1, 1],
      [0, 0, 0],
      [47, 33, 5],
    ] as const
    expect(await readBox(dataset.layers[1]!, ...box)).toEqual(await readBox(plain.layers[1]!, ...box))
  })

  test('a channel that is not there, a pattern that finds nothing, a key of the wrong kind: the reason', async () => {
    const ome = { 'b.ome.tif': 'ome/color.ome.tif' }
    await expect(configured(ome, { layers: { b: { channel: 'RFP' } } })).rejects.toThrow('it has no channel "RFP"; it has 2: DAPI, GFP')
    await expect(configured(ome, { layers: { b: { pattern: 'nothing*.tif' } } })).rejects.toThrow('matches the pattern nothing*.tif')
    await expect(configured(ome, { layers: { b: { color: 'red' } } })).rejects.toThrow('/layers/b/color')
    await expect(configured(ome, { layers: { b: { path: '../../../b.tif' } } })).rejects.toThrow(/not there any more|outside/)
  })

  test('a layer that there is not is said', async () => {
    const dataset = await configured({ 's.tif': 'stack/color.tif' }, { layers: { sss: { color: [1, 2, 3] } } })
    expect(dataset.notes).toContain('datasets.json speaks of a layer sss, which there is not')
  })

  test('axes where the file is wrong: a z-stack saved as time', async () => {
    const asTime = await configured({ 's.tif': 'series/color.tif' }, {})
    expect([asTime.layers[0]!.additionalAxes, describeLayers(asTime)]).toEqual([[{ name: 't', bounds: [0, 3] }], ['s color 20×20×1']])
    expect(describeLayers(await configured({ 's.tif': 'series/color.tif' }, { axes: 'ZYX' }))).toEqual(['s color 20×20×3'])
    expect(describeLayers(await configured({ 's.tif': 'stack/color.tif' }, { axes: 'CYX' }))).toHaveLength(9)
    await expect(configured({ 's.tif': 'stack/color.tif' }, { axes: 'TZCYX' })).rejects.toThrow(
      '"axes": "TZCYX" in datasets.json does not fit',
    )
  })
})

describe('a file that is still being written', () => {
  const [width, height, depth] = [16, 8, 6]
  const pages = (n: number) => Array.from({ length: n }, (_, z) => ({ tags: greyPage(width, height, 8192 + z * width * height) }))
  const voxels = Uint8Array.from({ length: width * height * depth }, (_, i) => 1 + Math.floor(i / (width * height)))
  const whole = Buffer.concat([buildTiff(pages(depth)).bytes, Buffer.alloc(8192)]).subarray(0, 8192)

  test('is opened as far as its pages go, and again when it has grown', async () => {
    const folder = join(emptyFolder(), 'org/scan')
    mkdirSync(folder, { recursive: true })
    const path = join(folder, 'scan.tif')
    writeFileSync(path, Buffer.concat([whole, voxels.subarray(0, 3 * width * height + 20)]))
    const before = await openPath(join(folder, '../..'), resources)
    expect(describeLayers(before)).toEqual(['scan color 16×8×3'])
    expect(before.notes.join()).toContain('cut off or still being written: the pixels of the last 3 pages are not in the file')
    writeFileSync(path, Buffer.concat([whole, voxels]))
    const after = await openPath(join(folder, '../..'), resources)
    expect(describeLayers(after)).toEqual(['scan color 16×8×6'])
    expect(await readBox(after.layers[0]!, [1, 1, 1], [0, 0, 0], [width, height, depth])).toEqual(voxels)
  })

  test('a chain that breaks off ends where it does', async () => {
    const path = join(emptyFolder(), 'cut.tif')
    const { bytes, offsets } = buildTiff(pages(depth))
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(8192 - bytes.length), voxels]))
    const early = Buffer.concat([bytes, Buffer.alloc(8192 - bytes.length), voxels])
    early.writeUInt32LE(99_999_999, offsets[2]! - 4)
    writeFileSync(path, early)
    const dataset = await openPath(path, resources)
    expect(describeLayers(dataset)).toEqual(['cut color 16×8×2'])
    expect(dataset.notes.join()).toContain('it breaks off before page 3')
  })

  test('an ImageJ stack that announces more images than there are: the rest is empty', async () => {
    const path = join(emptyFolder(), 'running.tif')
    copyFileSync(golden('imagej_one_directory/color.tif'), path)
    truncateSync(path, 20 * 20 * 2 * 4 + 1000)
    const { layers, notes } = await openPath(path, resources)
    expect(layers[0]!.boundingBox.max).toEqual([20, 20, 4])
    expect(notes.join()).toMatch(/of 8 images are not in the file: empty/)
  })

  test('replaced while it is served: a failure and a new opening, never a mix', async () => {
    const path = join(emptyFolder(), 'swap.tif')
    writeFileSync(path, tinyTiff(64, 64, 1, 2))
    const { datasets } = await discover(path, { organization: 'test', ...resources })
    let changed = 0
    const dataset = await openDataset('test/swap@1', 'swap', datasets[0]!.descriptor!, resources, () => changed++)
    expect((await readBox(dataset.layers[0]!, [1, 1, 1], [0, 0, 0], [1, 1, 1]))[0]).toBe(1)
    writeFileSync(`${path}.new`, tinyTiff(64, 64, 7, 2))
    renameSync(`${path}.new`, path)
    writeFileSync(path, tinyTiff(64, 64, 8, 2))
    await Bun.sleep(2100)
    await expect(readBox(dataset.layers[0]!, [1, 1, 1], [0, 0, 1], [1, 1, 1])).rejects.toThrow('was changed while it was being read')
    expect(changed).toBe(1)
  })
})
