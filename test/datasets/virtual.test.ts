import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openAddress } from '../../src/datasets/address.ts'
import { visible } from '../../src/datasets/data-source.ts'
import { explore } from '../../src/datasets/explore.ts'
import type { Resources } from '../../src/datasets/open.ts'
import { openVirtual } from '../../src/datasets/virtual.ts'
import { AllowedFolders } from '../../src/stores/allowed.ts'
import { sizeOf, toMag } from '../../src/volume/box.ts'
import type { Layer } from '../../src/volume/chunked-array.ts'
import { Unusable } from '../../src/volume/errors.ts'
import { emptyFolder } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'
import { makeResources, openPath, readBox } from '../support/open.ts'

const data = emptyFolder()
const elsewhere = emptyFolder()
const wkw = join(data, 'wkw')
let resources: Resources
let allowed: AllowedFolders

beforeAll(async () => {
  cpSync(join(GOLDEN, 'data/wkw/uint16_lz4'), wkw, { recursive: true })
  cpSync(join(GOLDEN, 'data/wkw/uint16_lz4'), join(elsewhere, 'secret'), { recursive: true })
  symlinkSync(join(elsewhere, 'secret'), join(data, 'link'))
  mkdirSync(join(data, 'nothing'))
  cpSync(join(GOLDEN, 'data/tiff/rgb'), join(data, 'images'), { recursive: true })
  writeFileSync(join(data, 'file.txt'), 'x')
  resources = await makeResources()
  allowed = await AllowedFolders.of([data])
})
afterAll(() => resources.pool.close())

const open = (dataSource: unknown) => openVirtual(`virtual/${crypto.randomUUID()}`, 'virtual', dataSource, { resources, allowed }, () => {})
const exploreHere = (...uris: string[]) =>
  explore(
    uris.map((uri) => ({ uri })),
    'lab',
    { resources, allowed },
  )

describe('a virtual dataset', () => {
  test('that exploring described is opened again and has the same voxels', async () => {
    const { dataSource, report } = await exploreHere(wkw)
    expect(report).toContain('layer')
    const [original, virtual] = [await openPath(wkw, resources), await open(structuredClone(dataSource))]
    expect(virtual.layers.map(({ name }) => name)).toEqual(original.layers.map(({ name }) => name))
    expect(virtual.voxelSize.nm).toEqual(original.voxelSize.nm)
    for (const [n, layer] of original.layers.entries()) {
      const { factor } = layer.mags[0]!
      const box = layer.boundingBox
      const [a, b] = await Promise.all([layer, virtual.layers[n]!].map((one) => readBox(one, factor, box.min, sizeOf(box))))
      expect(Buffer.from(a!).equals(Buffer.from(b!))).toBe(true)
      expect(a!.some((byte) => byte !== 0)).toBe(true)
    }
  })

  test.each([
    'tiff/rgb',
    'tiff/imagej',
    'tiff/imagej_tzc_little',
    'tiff/jpeg_slices',
    'tiff/aperio',
    'precomputed/scales',
    'precomputed/shard_murmur',
    'precomputed/raw_channels',
    'precomputed/layers',
    'wkw/two_channels',
  ])('of %s has the same layers, mags and voxels as the files themselves', async (path) => {
    const folder = join(data, path.replace('/', '-'))
    cpSync(join(GOLDEN, 'data', path), folder, { recursive: true })
    const { dataSource, report } = await exploreHere(folder)
    expect(report).toContain('layer')
    const virtual = await open(structuredClone(dataSource))
    const original = await openAddress(folder, `original/${path}`, { resources, allowed }, () => {})
    expect(virtual.broken).toEqual([])
    const shape = ({ name, mags, boundingBox, category, dataType, channels }: Layer) => ({
      ...{ name, boundingBox, category, dataType, channels },
      mags: mags.map(({ factor }) => factor),
    })
    // webKnossos has nothing below 0
    const seen = original.layers.map((layer) => ({ ...layer, boundingBox: visible(layer.boundingBox) }))
    expect(virtual.layers.map(shape)).toEqual(seen.map(shape))
    expect(virtual.voxelSize.nm).toEqual(original.voxelSize.nm)
    for (const [n, layer] of seen.entries()) {
      for (const { factor } of layer.mags) {
        const { min, max } = toMag(layer.boundingBox, factor)
        const [a, b] = await Promise.all([layer, virtual.layers[n]!].map((one) => readBox(one, factor, min, sizeOf({ min, max }))))
        expect(Buffer.from(a!).equals(Buffer.from(b!))).toBe(true)
      }
    }
  })

  test('of an element class that its files do not have is refused: buckets would have another size', async () => {
    const { dataSource } = await exploreHere(join(data, 'images'))
    const other = structuredClone(dataSource) as { dataLayers: { elementClass: string }[] }
    other.dataLayers[0]!.elementClass = 'uint16'
    await expect(open(other)).rejects.toThrow(/uint24, webKnossos takes them for uint16/)
  })

  const layerAt = (path: string | undefined, more = {}) => ({
    name: 'color',
    category: 'color',
    boundingBox: { topLeft: [0, 0, 0], width: 8, height: 8, depth: 8 },
    elementClass: 'uint16',
    dataFormat: 'wkw',
    mags: [{ mag: [1, 1, 1], ...(path !== undefined && { path }) }],
    ...more,
  })
  const sourceOf = (...dataLayers: unknown[]) => ({ id: { team: 'lab', name: 'v' }, scale: [4, 4, 40], dataLayers })

  test.each([
    ['a folder that is not allowed', join(elsewhere, 'secret/color/1'), /outside the data folder/],
    ['a link that leads there', '{data}/link/color/1', /outside the data folder/],
    ['a relative path', 'wkw/color/1', /no folder/],
    ['a relative path that climbs', '../wkw/color/1', /no folder/],
    ['no path', undefined, /no folder/],
    ['an address of this machine on the network', 'http://127.0.0.1:9/color/1', /127\.0\.0\.1/],
    ['a picked layer of a folder that is not allowed', `${join(elsewhere, 'secret')}#color/1-1-1`, /nothing here that may be read/],
    ['a layer that is not there', '{data}/wkw#other/1-1-1', /no such mag/],
    ['nothing', '{data}/nothing/color/1', /nothing/],
  ])('%s is refused with the reason', async (_, path, reason) => {
    await expect(open(sourceOf(layerAt(path?.replace('{data}', data))))).rejects.toThrow(reason)
  })

  test('a layer that cannot be opened takes no other along', async () => {
    const bad = layerAt('/etc', { name: 'bad' })
    const { layers, broken } = await open(sourceOf(bad, layerAt(join(wkw, 'color/1'))))
    expect([layers.map(({ name }) => name), broken.map(({ name }) => name)]).toEqual([['color'], ['bad']])
  })

  test.each([
    ['null', null],
    ['a list', []],
    ['an unusable one', { id: { team: 'a', name: 'b' }, status: 'Deleted by user.' }],
    ['one without layers', { id: {}, scale: [1, 1, 1] }],
  ])('%s is no data source', async (_, dataSource) => {
    await expect(open(dataSource)).rejects.toThrow(Unusable)
  })
})

describe('exploring', () => {
  test('several addresses become the layers of one, with names of their own', async () => {
    const { dataSource } = await exploreHere(wkw, `file://${wkw}`)
    const layers = dataSource?.['dataLayers'] as { name: string; mags: { path: string }[] }[]
    expect(layers.map(({ name }) => name)).toEqual(['color', 'color_2'])
    expect(layers[0]!.mags[0]!.path).toStartWith(`${data}/wkw/color/`)
  })

  test('the voxel size asked for wins', async () => {
    const { dataSource } = await explore([{ uri: wkw, voxelSize: [1, 2, 3] }], 'lab', { resources, allowed })
    expect(dataSource).toMatchObject({ id: { team: 'lab' }, scale: { factor: [1, 2, 3], unit: 'nanometer' } })
  })

  test('nothing there and not allowed are told in the same words', async () => {
    const refused = [join(elsewhere, 'secret'), join(data, 'link'), join(elsewhere, 'absent'), '/etc', join(data, '..')]
    for (const path of refused) {
      const { dataSource, report } = await exploreHere(path)
      expect([dataSource, report]).toEqual([undefined, `${path}: there is nothing here that may be read; --allow-path allows more folders`])
    }
  })

  test.each([
    ['{data}/nothing', /no layers/],
    ['{data}/file.txt', /file\.txt/],
    ['gs://', /no name of a bucket/],
    ['ftp://host/x', /not a place data are read from/],
    ['http://127.0.0.1:9/x', /127\.0\.0\.1/],
    ['https://user:secret@example.org/x', /holds a password/],
    ['s3://key:secret@bucket/x', /holds a password/],
    ['precomputed://https://user:secret@example.org/x', /holds a password/],
    ['relative/path', /neither a URL nor an absolute path/],
  ])('%s is answered with a report', async (uri, words) => {
    const { dataSource, report } = await exploreHere(uri.replace('{data}', data))
    expect(dataSource).toBeUndefined()
    expect(report).toMatch(words)
  })

  test('a zero byte in a path is no path', async () => {
    expect((await exploreHere('/with\0zero')).report).toMatch(/neither a URL/)
  })

  test('one bad address does not spoil the others', async () => {
    const { dataSource, report } = await exploreHere('/nowhere', wkw)
    expect(dataSource).toBeDefined()
    expect(report.split('\n')).toHaveLength(2)
  })
})
