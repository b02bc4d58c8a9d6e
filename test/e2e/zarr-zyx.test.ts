/** Zarr with axes c, z, y, x, row-major: the order of OME-NGFF and of the viewers that draw the last two axes. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as zarr from 'zarrita'
import { writeWkwMag } from '../../src/sample/write-wkw.ts'
import type { Vec3 } from '../../src/volume/vec.ts'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'
import { wholeBox } from '../support/zarr.ts'

const SIZE: Vec3 = [107, 71, 50]
const [X, Y, Z] = SIZE
const voxels = Uint32Array.from({ length: X * Y * Z }, (_, i) => 1 + (((i * 2654435761) >>> 8) % 65535))
const data = emptyFolder()
let server: RunningBinary
let id: string
/** Mags whose planes span 1, 2 and 3 of mag 1: 3 do not fill a chunk evenly. */
const PYRAMID: readonly (readonly [mag: Vec3, size: Vec3])[] = [
  [
    [1, 1, 1],
    [66, 40, 70],
  ],
  [
    [2, 2, 2],
    [33, 20, 35],
  ],
  [
    [4, 4, 3],
    [17, 10, 24],
  ],
]
const pyramid = PYRAMID.map(([mag, size]) => ({
  mag,
  size,
  voxels: Uint8Array.from({ length: size[0] * size[1] * size[2] }, (_, i) => 1 + (((i * 2654435761 + mag[0]) >>> 24) % 255)),
}))

async function writePyramid(): Promise<void> {
  const folder = join(data, 'lab/pyramid')
  mkdirSync(folder, { recursive: true })
  const layer = {
    name: 'color',
    category: 'color',
    elementClass: 'uint8',
    dataFormat: 'wkw',
    boundingBox: { topLeft: [0, 0, 0], width: 66, height: 40, depth: 70 },
    mags: pyramid.map(({ mag }) => ({ mag })),
  }
  writeFileSync(
    join(folder, 'datasource-properties.json'),
    JSON.stringify({ id: { name: 'pyramid', team: 'lab' }, scale: [4, 5, 30], dataLayers: [layer] }),
  )
  for (const { mag, size, voxels: one } of pyramid)
    await writeWkwMag(join(folder, 'color', mag.every((edge) => edge === mag[0]) ? String(mag[0]) : mag.join('-')), one, size)
}

async function writeLabelled(): Promise<void> {
  const folder = join(data, 'lab/labelled')
  const size: Vec3 = [40, 36, 33]
  const boundingBox = { topLeft: [0, 0, 0], width: size[0], height: size[1], depth: size[2] }
  const dataLayers = (['color', 'segmentation'] as const).map((category) => ({
    name: category === 'color' ? 'color' : 'cells & ü',
    category,
    elementClass: category === 'color' ? 'uint8' : 'uint32',
    dataFormat: 'wkw',
    boundingBox,
    mags: [{ mag: 1 }],
  }))
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'datasource-properties.json'),
    JSON.stringify({ id: { name: 'labelled', team: 'lab' }, scale: [4, 5, 30], dataLayers }),
  )
  const ids = Uint32Array.from({ length: size[0] * size[1] * size[2] }, (_, i) => 1 + (i >> 5))
  await writeWkwMag(join(folder, 'color/1'), Uint8Array.from(ids), size)
  await writeWkwMag(join(folder, 'cells & ü/1'), ids, size)
}

beforeAll(async () => {
  const good = join(data, 'lab/good')
  mkdirSync(good, { recursive: true })
  const layer = {
    name: 'raw & ü',
    category: 'color',
    elementClass: 'uint32',
    dataFormat: 'wkw',
    boundingBox: { topLeft: [5, 7, 9], width: X - 5, height: Y - 7, depth: Z - 9 },
    mags: [{ mag: 1 }, { mag: [2, 2, 1] }],
    defaultViewConfiguration: { intensityRange: [10, 200], color: [255, 128, 0] },
  }
  writeFileSync(
    join(good, 'datasource-properties.json'),
    JSON.stringify({ id: { name: 'good', team: 'lab' }, scale: [4, 5, 30], dataLayers: [layer] }),
  )
  await writeWkwMag(join(good, 'raw & ü/1'), voxels, SIZE)
  await writeWkwMag(join(good, 'raw & ü/2-2-1'), voxels.subarray(0, 54 * 36 * 50), [54, 36, 50])
  await writePyramid()
  await writeLabelled()
  cpSync(good, join(data, 'lab/damaged'), { recursive: true })
  const cube = join(data, 'lab/damaged/raw & ü/1/z0/y0/x0.wkw')
  truncateSync(cube, readFileSync(cube).length >> 1)
  server = await RunningBinary.start([data, join(GOLDEN, 'data'), '--stored-mags-only', '--state', emptyFolder()])
  id = (await server.list()).find(({ name }) => name === 'good')!.id
})
afterAll(() => server.stop())

// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes, whose every part is compared
type Json = any
const json = async (path: string) => (await (await server.get(path)).json()) as Record<string, Json>
const bytes = async (path: string) => Buffer.from(await (await server.get(path)).arrayBuffer())
const LAYER = 'raw%20%26%20%C3%BC'

describe('documents', () => {
  test('the array of v2 is row-major, its shape turned round', async () => {
    expect(await json(`/data/zarr-zyx/lab/good/${LAYER}/1/.zarray`)).toEqual({
      zarr_format: 2,
      shape: [1, Z, Y, X],
      chunks: [1, 32, 32, 32],
      dtype: '<u4',
      order: 'C',
      compressor: null,
      filters: null,
      fill_value: 0,
      dimension_separator: '.',
    })
    expect((await json(`/data/v15/zarr-zyx/${id}/${LAYER}/2-2-1/.zarray`))['shape']).toEqual([1, 50, 36, 54])
  })

  test('the array of v3 needs no transposition', async () => {
    for (const route of ['zarr-zyx', 'zarr3-zyx', 'v9/zarr3-zyx'])
      expect(await json(`/data/${route}/${id}/${LAYER}/1/zarr.json`)).toMatchObject({
        shape: [1, Z, Y, X],
        chunk_grid: { configuration: { chunk_shape: [1, 32, 32, 32] } },
        codecs: [{ name: 'bytes', configuration: { endian: 'little' } }],
        dimension_names: ['c', 'z', 'y', 'x'],
      })
  })

  test('OME-NGFF in both versions has axes and scales in that order; colours and contrast as elsewhere', async () => {
    const v2 = await json(`/data/zarr-zyx/lab/good/${LAYER}/.zattrs`)
    const [{ version, axes, datasets }] = v2['multiscales']
    expect([version, axes]).toEqual([
      '0.4',
      [{ name: 'c', type: 'channel' }, ...['z', 'y', 'x'].map((name) => ({ name, type: 'space', unit: 'nanometer' }))],
    ])
    expect(datasets).toEqual([
      { path: '1', coordinateTransformations: [{ type: 'scale', scale: [1, 30, 5, 4] }] },
      { path: '2-2-1', coordinateTransformations: [{ type: 'scale', scale: [1, 30, 10, 8] }] },
    ])
    expect(v2['omero']).toEqual((await json(`/data/zarr/lab/good/${LAYER}/.zattrs`))['omero'])
    const group = await json(`/data/zarr3-zyx/lab/good/${LAYER}/zarr.json`)
    const { ome } = group['attributes']
    expect([ome.version, ome.multiscales[0].axes, ome.multiscales[0].datasets]).toEqual(['0.5', axes, datasets])
    expect(group['consolidated_metadata'].metadata['2-2-1'].shape).toEqual([1, 50, 36, 54])
  })

  test('times come first, as OME-NGFF wants them', async () => {
    const path = '/data/zarr-zyx/tiff/imagej_tzc_little/color_c0'
    const { shape, chunks } = await json(`${path}/1/.zarray`)
    expect([shape.length, shape[1], chunks]).toEqual([5, 1, [1, 1, 32, 32, 32]])
    expect((await json(`${path}/.zattrs`))['multiscales'][0].axes.slice(0, 2)).toEqual([
      { name: 't', type: 'time' },
      { name: 'c', type: 'channel' },
    ])
    const [one, other] = [await bytes(`${path}/1/0.0.0.0.0`), await bytes(`${path}/1/1.0.0.0.0`)]
    expect(one.equals(other)).toBe(false)
    expect(other.equals(await bytes('/data/zarr/tiff/imagej_tzc_little/color_c0/1/0.1.0.0.0'))).toBe(true)
    expect((await server.get(`${path}/1/${shape[0]}.0.0.0.0`)).status).toBe(404)
  })

  test.each([
    ['', ['.zgroup', 'raw & ü']],
    [`/${LAYER}`, ['.zattrs', '.zgroup', 'zarr.json', '1', '2-2-1']],
    [`/${LAYER}/1`, ['.zarray', 'zarr.json']],
  ])('%s lists what is there, and no data source', async (path, names) => {
    const page = await (await server.get(`/data/zarr-zyx/lab/good${path}`)).text()
    expect([...page.matchAll(/<li><a href="([^"]+)"/g)].map(([, href]) => decodeURIComponent(href!))).toEqual(names)
    expect((await server.get('/data/zarr-zyx/lab/good/datasource-properties.json')).status).toBe(404)
  })
})

describe('chunks', () => {
  test('of one channel are the buckets, under the key turned round', async () => {
    for (const [x, y, z] of [
      [0, 0, 0],
      [1, 2, 0],
      [3, 2, 1],
    ])
      for (const route of ['zarr-zyx', 'zarr3-zyx'])
        expect(
          (await bytes(`/data/${route}/lab/good/${LAYER}/1/0.${z}.${y}.${x}`)).equals(
            await bytes(`/data/zarr/${id}/${LAYER}/1/0.${x}.${y}.${z}`),
          ),
        ).toBe(true)
  })

  test('of colours are one channel each', async () => {
    const interleaved = await bytes('/data/zarr/wkw/rgb/color/1/0.0.0.0')
    for (const channel of [0, 1, 2])
      expect((await bytes(`/data/zarr-zyx/wkw/rgb/color/1/${channel}.0.0.0`)).equals(interleaved.filter((_, n) => n % 3 === channel))).toBe(
        true,
      )
    expect(await json('/data/zarr-zyx/wkw/rgb/color/1/.zarray')).toMatchObject({ chunks: [1, 32, 32, 32], dtype: '|u1' })
  })

  test.each([
    ['wkw/rgb/color/1/3.0.0.0', 404],
    [`lab/good/${LAYER}/1/1.0.0.0`, 404],
    [`lab/good/${LAYER}/1/0.3.2.1`, 404],
    [`lab/good/${LAYER}/1/0.0.0`, 404],
    [`lab/good/${LAYER}/1/0.0.0.0.0`, 404],
    [`lab/good/${LAYER}/1/0.9999999999.9999999999.9999999999`, 404],
    [`lab/good/${LAYER}/1/0.0.0.0/`, 404],
    [`lab/good/${LAYER}/3/.zarray`, 404],
    ['lab/good/.zattrs', 404],
    ['lab/good/.zmetadata', 404],
    ['', 404],
    [`lab/damaged/${LAYER}/1/0.1.2.3`, 422],
  ])('%s is %d with CORS, for GET and HEAD', async (path, status) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await server.get(`/data/zarr-zyx/${path}`, { method })
      expect([method, response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([method, status, '*'])
    }
  })

  test('a range, what has not changed, and the length without the bytes', async () => {
    const path = `/data/zarr-zyx/lab/good/${LAYER}/1/0.0.0.0`
    const whole = await server.get(path)
    const part = await server.get(path, { headers: { Range: 'bytes=100-199' } })
    expect([part.status, part.headers.get('Content-Range')]).toEqual([206, 'bytes 100-199/131072'])
    expect((await server.get(path, { headers: { 'If-None-Match': whole.headers.get('ETag')! } })).status).toBe(304)
    expect((await server.get(path, { method: 'HEAD' })).headers.get('Content-Length')).toBe('131072')
  })
})

describe('with all planes', () => {
  const path = '/data/zarr-planes/lab/pyramid/color'

  test('every mag is as deep as the finest, in shape, scale and name', async () => {
    expect((await json(`${path}/.zattrs`))['multiscales'][0].datasets).toEqual([
      { path: '1', coordinateTransformations: [{ type: 'scale', scale: [1, 30, 5, 4] }] },
      { path: '2-2-1', coordinateTransformations: [{ type: 'scale', scale: [1, 30, 10, 8] }] },
      { path: '4-4-1', coordinateTransformations: [{ type: 'scale', scale: [1, 30, 20, 16] }] },
    ])
    expect((await json(`${path}/4-4-1/.zarray`))['shape']).toEqual([1, 70, 10, 17])
    expect((await json(`${path}/zarr.json`))['consolidated_metadata'].metadata['2-2-1'].shape).toEqual([1, 70, 20, 33])
    for (const mag of ['2', '4-4-3']) expect((await server.get(`${path}/${mag}/.zarray`)).status).toBe(404)
    expect((await server.get(`${path}/2/0.0.0.0`)).status).toBe(404)
  })

  test.each([0, 1, 2])('level %d has each plane of its mag as often as it spans finer ones', async (level) => {
    const { mag, size, voxels: stored } = pyramid[level]!
    const name = level === 0 ? '1' : `${mag[0]}-${mag[1]}-1`
    const array = await zarr.open.v2(new zarr.FetchStore(`${server.url}${path}/${name}`), { kind: 'array' })
    const read = await wholeBox(array, { topLeft: [0, 0, 0], size: [size[0], size[1], 70] }, 'czyx')
    const plane = size[0] * size[1]
    for (let z = 0; z < 70; z++) {
      const from = Math.floor(z / mag[2]) * plane
      expect([z, Buffer.from(read.subarray(z * plane, (z + 1) * plane)).equals(stored.subarray(from, from + plane))]).toEqual([z, true])
    }
  })
})

describe('labels of an image, where OME-NGFF looks for them', () => {
  const image = '/data/zarr-zyx/lab/labelled/color'

  test('are the segmentations of the dataset', async () => {
    expect(await json(`${image}/labels/.zattrs`)).toEqual({ labels: ['cells & ü'] })
    expect(await json(`${image}/labels/.zgroup`)).toEqual({ zarr_format: 2 })
    expect((await json('/data/zarr3-zyx/lab/labelled/color/labels/zarr.json'))['attributes']).toEqual({
      ome: { version: '0.5', labels: ['cells & ü'] },
    })
    const metadata = (await json(`${image}/zarr.json`))['consolidated_metadata'].metadata
    expect(Object.keys(metadata)).toEqual(['1', 'labels', 'labels/cells & ü', 'labels/cells & ü/1'])
    for (const path of [image, `${image}/labels`]) expect(await (await server.get(path)).text()).toMatch(/labels|cells &amp; ü/)
  })

  test.each(['.zattrs', '.zgroup', 'zarr.json', '1/.zarray', '1/zarr.json', '1/0.0.0.0', '1/0.0.0.9', '', '1'])(
    'and %s of one is what it is without the image',
    async (file) => {
      const [nested, plain] = await Promise.all(
        [`${image}/labels/cells%20&%20ü/${file}`, `/data/zarr-zyx/lab/labelled/cells%20&%20ü/${file}`].map((path) => server.get(path)),
      )
      expect(nested!.status).toBe(plain!.status)
      if (nested!.ok) expect(Buffer.from(await nested!.arrayBuffer()).equals(Buffer.from(await plain!.arrayBuffer()))).toBe(true)
    },
  )

  test.each([
    '/data/zarr-zyx/lab/good/raw%20&%20ü/labels/.zattrs',
    '/data/zarr-zyx/lab/labelled/cells%20&%20ü/labels/.zattrs',
    '/data/zarr-zyx/lab/labelled/nothing/labels/.zattrs',
    '/data/zarr-zyx/lab/labelled/color/labels/nothing/.zattrs',
    '/data/zarr-zyx/lab/labelled/color/labels/1/.zarray',
    '/data/zarr/lab/labelled/color/labels/.zattrs',
    '/data/zarr-zyx/lab/labelled/color/labels/.zarray',
  ])('%s is not there', async (path) => {
    expect((await server.get(path)).status).toBe(404)
  })
})
