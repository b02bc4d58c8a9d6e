/** Zarr out of the executable, request by request as clients make them (protocol.md 6 and 10.1). */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWkwMag } from '../../src/sample/write-wkw.ts'
import type { Vec3 } from '../../src/volume/vec.ts'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

const SIZE: Vec3 = [107, 71, 50]
const [X, Y, Z] = SIZE
const voxels = Uint8Array.from({ length: X * Y * Z }, (_, i) => 1 + (((i * 2654435761) >>> 24) % 255))
const CUBE = 'color/1/z0/y0/x0.wkw'
const HUGE_ID = 2n ** 63n + 5n
const data = emptyFolder()
let server: RunningBinary
let id: string

const lab = (name: string) => join(data, 'lab', name)

function properties(name: string, layers: readonly Record<string, unknown>[]): void {
  mkdirSync(lab(name), { recursive: true })
  const boundingBox = { topLeft: [5, 7, 9], width: X - 5, height: Y - 7, depth: Z - 9 }
  const dataLayers = layers.map((layer) => ({ elementClass: 'uint8', dataFormat: 'wkw', category: 'color', boundingBox, ...layer }))
  writeFileSync(join(lab(name), 'datasource-properties.json'), JSON.stringify({ id: { name, team: 'lab' }, scale: [4, 5, 30], dataLayers }))
}

function damaged(name: string, damage: (file: string) => void): void {
  cpSync(lab('good'), lab(name), { recursive: true })
  damage(join(lab(name), CUBE))
}

beforeAll(async () => {
  const view = { intensityRange: [10, 200], color: [255, 128, 0] }
  properties('good', [
    { name: 'color', mags: [{ mag: 1 }, { mag: [2, 2, 1] }], defaultViewConfiguration: view, attachments: { meshes: [] } },
    {
      name: 'labels of cells & ü',
      category: 'segmentation',
      elementClass: 'uint32',
      largestSegmentId: { customJsonEncoding: 'bigint', value: String(HUGE_ID) },
      mags: [{ mag: 1 }],
    },
  ])
  await writeWkwMag(join(lab('good'), 'color/1'), voxels, SIZE)
  await writeWkwMag(join(lab('good'), 'color/2-2-1'), voxels.subarray(0, 54 * 36 * 50), [54, 36, 50])
  await writeWkwMag(join(lab('good'), 'labels of cells & ü/1'), Uint32Array.from(voxels), SIZE)
  damaged('truncated', (file) => truncateSync(file, readFileSync(file).length >> 1))
  damaged('flipped', (file) => writeFileSync(file, readFileSync(file).fill(0xff, 16 + 8 * 64, 16 + 8 * 64 + 4000)))
  damaged('missing', (file) => rmSync(file))
  mkdirSync(lab('not_json'), { recursive: true })
  writeFileSync(join(lab('not_json'), 'datasource-properties.json'), '{"dataLayers": [')
  server = await RunningBinary.start([data, join(GOLDEN, 'data'), '--stored-mags-only', '--state', emptyFolder()])
  id = (await server.list()).find(({ name }) => name === 'good')!.id
})
afterAll(() => server.stop())

// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes, whose every part is compared
type Json = any

const zarr = (path: string, init?: RequestInit) => server.get(`/data/zarr/lab/${path}`, init)
const json = async (path: string) => (await (await server.get(path)).json()) as Record<string, Json>

describe('documents', () => {
  test.each(['/data', '/data/v5', '/data/v15', '/data/v16'])('by id and by name below %s', async (prefix) => {
    for (const route of ['zarr', 'zarr3_experimental'])
      for (const dataset of [id, 'lab/good'])
        for (const mag of ['1', '1-1-1', '2-2-1']) {
          const file = route === 'zarr' ? '.zarray' : 'zarr.json'
          const response = await server.get(`${prefix}/${route}/${dataset}/color/${mag}/${file}?token=`)
          expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'application/json'])
        }
  })

  test('the shape begins at the origin and is rounded up', async () => {
    const fine = await json('/data/zarr/lab/good/color/1/.zarray')
    expect(fine).toEqual({
      zarr_format: 2,
      shape: [1, X, Y, Z],
      chunks: [1, 32, 32, 32],
      dtype: '|u1',
      order: 'F',
      compressor: null,
      filters: null,
      fill_value: 0,
      dimension_separator: '.',
    })
    expect((await json('/data/zarr/lab/good/color/2-2-1/.zarray'))['shape']).toEqual([1, 54, 36, 50])
    expect(await json('/data/zarr3_experimental/lab/good/labels%20of%20cells%20%26%20%C3%BC/1/zarr.json')).toMatchObject({
      zarr_format: 3,
      node_type: 'array',
      data_type: 'uint32',
      shape: [1, X, Y, Z],
      codecs: [
        { name: 'transpose', configuration: { order: [3, 2, 1, 0] } },
        { name: 'bytes', configuration: { endian: 'little' } },
      ],
      dimension_names: ['c', 'x', 'y', 'z'],
    })
  })

  test('OME-NGFF in both versions: axes, units, scales, colour and contrast, no translation', async () => {
    const v2 = await json('/data/zarr/lab/good/color/.zattrs')
    const [multiscale] = v2['multiscales']
    expect([multiscale.version, multiscale.name, multiscale.axes.map((axis: { name: string }) => axis.name).join('')]).toEqual([
      '0.4',
      'color',
      'cxyz',
    ])
    expect(multiscale.axes[1]).toEqual({ name: 'x', type: 'space', unit: 'nanometer' })
    expect(multiscale.datasets).toEqual([
      { path: '1', coordinateTransformations: [{ type: 'scale', scale: [1, 4, 5, 30] }] },
      { path: '2-2-1', coordinateTransformations: [{ type: 'scale', scale: [1, 8, 10, 30] }] },
    ])
    expect(v2['omero'].channels).toMatchObject([{ label: 'color', color: 'FF8000', window: { min: 0, max: 255, start: 10, end: 200 } }])
    const { ome } = (await json('/data/zarr/lab/good/color/zarr.json'))['attributes']
    expect([ome.version, ome.multiscales[0].datasets, ome.omero.channels]).toEqual(['0.5', multiscale.datasets, v2['omero'].channels])
    const labels = await json('/data/zarr/lab/good/labels%20of%20cells%20&%20ü/.zattrs')
    expect([labels['omero'], labels['image-label']]).toEqual([undefined, { version: '0.4' }])
  })

  test('colours have three channels, times an axis of their own', async () => {
    expect(await json('/data/zarr/wkw/rgb/color/1/.zarray')).toMatchObject({ chunks: [3, 32, 32, 32], dtype: '|u1' })
    const path = '/data/zarr/tiff/imagej_tzc_little'
    const { shape, chunks } = await json(`${path}/color_c0/1/.zarray`)
    expect([shape[1], chunks]).toEqual([expect.any(Number), [1, 1, 32, 32, 32]])
    const [layer] = (await json(`${path}/datasource-properties.json`))['dataLayers']
    expect([layer.additionalAxes[0], layer.mags[0].axisOrder]).toEqual([
      { name: 't', bounds: [0, shape[1]], index: 1 },
      { c: 0, x: 2, y: 3, z: 4 },
    ])
    const statuses = ['0.0.0.0.0', '0.1.0.0.0', `0.${shape[1]}.0.0.0`, '0.0.0.0'].map(
      async (key) => (await server.get(`${path}/color_c0/1/${key}`)).status,
    )
    expect(await Promise.all(statuses)).toEqual([200, 200, 404, 404])
  })

  test('listings link to what is there, whether they end with a slash or not', async () => {
    const links = async (path: string) => {
      const response = await server.get(path)
      expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
      const page = await response.text()
      const base = new URL(/<base href="([^"]+)"/.exec(page)?.[1] ?? '', response.url)
      return [...page.matchAll(/href="([^"]+)"[^>]*>[^<]*<\/a>/g)].map(([, href]) => new URL(href!, base).href)
    }
    for (const path of [
      '/data/zarr/lab/good',
      '/data/zarr/lab/good/color',
      '/data/zarr/lab/good/color/2-2-1',
      `/data/zarr3_experimental/${id}`,
    ]) {
      const found = await links(path)
      expect(await links(`${path}/`)).toEqual(found)
      expect(found.length).toBeGreaterThan(0)
      for (const link of found) expect([link, (await fetch(link)).status]).toEqual([link, 200])
    }
  })

  test('every mag leads to its array, as what core is told does; large ids as the version writes them', async () => {
    const reported = (await json('/data/datasets/lab/good'))['dataSource'].dataLayers
    for (const [version, largest, scale] of [
      ['', { customJsonEncoding: 'bigint', value: String(HUGE_ID) }, [4, 5, 30]],
      ['/v15', { customJsonEncoding: 'bigint', value: String(HUGE_ID) }, { factor: [4, 5, 30], unit: 'nanometer' }],
      ['/v14', undefined, { factor: [4, 5, 30], unit: 'nanometer' }],
      ['/v6', undefined, [4, 5, 30]],
    ] as const) {
      const source = await json(`/data${version}/zarr/lab/good/datasource-properties.json`)
      expect([source['id'], source['scale']]).toEqual([{ team: 'lab', name: 'good' }, scale])
      const [color, labels] = source['dataLayers']
      expect([color.attachments, labels.largestSegmentId]).toEqual([undefined, largest])
      expect(source['dataLayers'].map((layer: Json) => layer.mags.map((mag: Json) => mag.path))).toEqual(
        reported.map((layer: Json) => layer.mags.map((mag: Json) => mag.path)),
      )
    }
    const small = await json('/data/v14/zarr/wkw/no_properties/datasource-properties.json')
    expect(small['dataLayers'][0].largestSegmentId).toBeNumber()
  })
})

describe('chunks', () => {
  test.each([
    [0, 0, 0],
    [1, 1, 1],
    [3, 2, 1],
  ] as const)('%d.%d.%d is the bucket there, of full size', async (x, y, z) => {
    const bucket = await server.buckets('lab/good', 'color', [{ position: [x * 32, y * 32, z * 32], mag: [1, 1, 1], cubeSize: 32 }])
    const expected = Buffer.from(await bucket.arrayBuffer())
    for (const route of ['zarr', 'zarr3_experimental']) {
      const response = await server.get(`/data/${route}/${id}/color/1/0.${x}.${y}.${z}`)
      expect([response.status, response.headers.get('Content-Type'), response.headers.get('Content-Length')]).toEqual([
        200,
        'application/octet-stream',
        '32768',
      ])
      expect(Buffer.from(await response.arrayBuffer()).equals(expected)).toBe(true)
    }
  })

  test.each([
    ['too few numbers', '0.0.0'],
    ['too many', '0.0.0.0.0'],
    ['another channel', '1.0.0.0'],
    ['a negative index', '0.-1.0.0'],
    ['beyond the layer', '0.4.0.0'],
    ['far beyond', '0.9999999999.9999999999.9999999999'],
    ['no number at all', '0.1e9.0.0'],
    ['a number that never ends', `0.${'9'.repeat(5000)}.0.0`],
    ['a slash behind it', '0.0.0.0/'],
    ['slashes as separators', 'c/0/0/0/0'],
    ['leading zeros', '0.00.0.0'],
  ])('a key with %s is 404 with CORS, at once', async (_, key) => {
    const start = performance.now()
    const response = await zarr(`good/color/1/${key}`)
    expect([response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([404, '*'])
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test('where nothing is stored is 404, which is the fill value', async () => {
    expect((await zarr('missing/color/1/0.0.0.0')).status).toBe(404)
  })

  test.each([
    ['truncated', '0.3.2.1', [422, 503]],
    ['flipped', '0.0.0.0', [422]],
  ] as const)('of a file that is %s fails, and is not zeros', async (name, key, statuses) => {
    for (const method of ['GET', 'HEAD']) {
      const response = await zarr(`${name}/color/1/${key}`, { method })
      expect(statuses as readonly number[]).toContain(response.status)
      expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
    }
    await server.logged(new RegExp(`lab/${name}, layer color: Zarr chunk ${key.replaceAll('.', '\\.')} of mag 1-1-1: `))
  })

  test('of a dataset that cannot be opened any more fails, while its documents are just not there', async () => {
    expect((await zarr('not_json/color/1/0.0.0.0')).status).toBe(422)
    expect((await zarr('not_json/color/1/.zarray')).status).toBe(404)
    expect((await zarr('not_json/datasource-properties.json')).status).toBe(404)
  })
})

describe('HTTP', () => {
  test.each(['datasource-properties.json', '.zgroup', 'color/.zattrs', 'color/1/.zarray', 'color/1/0.0.0.0', 'color/1', 'color/zarr.json'])(
    'HEAD of %s has the headers of GET',
    async (path) => {
      const [get, head] = await Promise.all([zarr(`good/${path}`), zarr(`good/${path}`, { method: 'HEAD' })])
      const headers = (response: Response) =>
        ['Content-Length', 'Content-Type', 'ETag', 'Access-Control-Allow-Origin'].map((name) => response.headers.get(name))
      expect([head.status, headers(head)]).toEqual([200, headers(get)])
      expect(Number(get.headers.get('Content-Length'))).toBe((await get.bytes()).length)
    },
  )

  test('a range of a chunk or document', async () => {
    const whole = await (await zarr('good/color/1/0.0.0.0')).bytes()
    for (const [range, start, end] of [
      ['bytes=0-9', 0, 10],
      ['bytes=32700-99999', 32700, 32768],
      ['bytes=100-', 100, 32768],
      ['bytes=-5', 32763, 32768],
    ] as const) {
      const response = await zarr('good/color/1/0.0.0.0', { headers: { Range: range } })
      expect([response.status, response.headers.get('Content-Range')]).toEqual([206, `bytes ${start}-${end - 1}/32768`])
      expect(await response.bytes()).toEqual(whole.slice(start, end))
      expect(response.headers.get('Access-Control-Expose-Headers')).toContain('Content-Range')
    }
    const outside = await zarr('good/color/1/0.0.0.0', { headers: { Range: 'bytes=40000-' } })
    expect([outside.status, outside.headers.get('Content-Range')]).toEqual([416, 'bytes */32768'])
    for (const range of ['bytes=0-1,3-4', 'lines=0-1', 'bytes=9-1', 'bytes=-'])
      expect([range, (await zarr('good/color/1/0.0.0.0', { headers: { Range: range } })).status]).toEqual([range, 200])
  })

  test('what has not changed is not sent again; opened anew it counts as changed', async () => {
    const etag = (await zarr('good/color/1/0.0.0.0')).headers.get('ETag')!
    const again = () => zarr('good/color/1/0.0.0.0', { headers: { 'If-None-Match': `"other", W/${etag}` } })
    const same = await again()
    expect([same.status, (await same.bytes()).length, same.headers.get('Cache-Control')]).toEqual([304, 0, 'no-cache'])
    const part = { Range: 'bytes=0-9' }
    expect((await zarr('good/color/1/0.0.0.0', { headers: { ...part, 'If-Range': etag } })).status).toBe(206)
    expect((await zarr('good/color/1/0.0.0.0', { headers: { ...part, 'If-Range': '"other"' } })).status).toBe(200)
    await server.get('/data/triggers/reload/lab/good', { method: 'POST' })
    expect((await again()).status).toBe(200)
  })

  test.each([
    ['good/.zattrs', 404],
    ['good/.zmetadata', 404],
    ['good/zarr.json', 404],
    ['good/color/.zmetadata', 404],
    ['good/color/1/.zattrs', 404],
    ['good/color/1/.zgroup', 404],
    ['good/color/3/.zarray', 404],
    ['good/color/1-1/.zarray', 404],
    ['good/color/x/0.0.0.0', 404],
    ['good/color/1/1/1/1', 404],
    ['good/nothing/.zattrs', 404],
    ['nothing/color/1/.zarray', 404],
    ['good//color/1/.zarray', 404],
    ['good/color/1/.zarray/', 404],
    ['good%2Fcolor/1/.zarray', 404],
    ['good%252Fcolor/1/.zarray', 404],
    ['good/..%2f..%2fsecret/1/.zarray', 404],
    ['%ff%zz/color/1/.zarray', 404],
    ['', 404],
  ])('%s is %d with CORS', async (path, status) => {
    const response = await zarr(path)
    expect([path, response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([path, status, '*'])
    expect(response.redirected).toBe(false)
    expect((await zarr(path, { method: 'HEAD' })).status).toBe(status)
  })
})

test('a webKnossos that does not know us finds the same layers, categories, mags and voxel size', async () => {
  // its explorers all ask at once, and the one for datasource-properties.json wins
  const url = `/data/zarr/${id}`
  for (const other of ['.zattrs', 'zarr.json', '.zarray', 'attributes.json', 'info'])
    expect([other, (await server.get(`${url}/${other}`)).status]).toEqual([other, 404])
  const found = await json(`${url}/datasource-properties.json`)
  const known = (await json('/data/datasets/lab/good'))['dataSource']
  const words = ({ name, category, elementClass, boundingBox, mags }: Json) => ({
    name,
    category,
    elementClass,
    boundingBox,
    mags: mags.map(({ mag }: Json) => mag),
  })
  expect(found['dataLayers'].map(words)).toEqual(known.dataLayers.map(words))
  expect(found['scale']).toEqual(known.scale)
  for (const { dataFormat, mags } of found['dataLayers']) {
    expect(dataFormat).toBe('zarr')
    for (const { path } of mags) {
      const array = new URL(`${path}/.zarray`, `${server.url}${url}/`)
      expect([array.href, (await fetch(array)).status]).toEqual([array.href, 200])
    }
  }
})

test('the page leads to Zarr and to neuroglancer, with a state made from the metadata', async () => {
  const page = await (await server.get('/')).text()
  expect(page).toContain(`<code data-origin="${server.url}">${server.url}/data/zarr/${id}</code>`)
  for (const route of ['zarr-zyx', 'zarr-planes']) {
    const [, address] = new RegExp(`>(http[^<]+/data/${route}/${id}/labels[^<]+)</code>`).exec(page)!
    expect([address, (await fetch(`${address!.replaceAll('&amp;', '&')}/.zattrs`)).status]).toEqual([address, 200])
  }
  const links = [...page.matchAll(/href="(https:\/\/neuroglancer-demo[^"]+)"/g)].map(([, link]) => link!)
  const state = JSON.parse(decodeURIComponent(new URL(links.find((link) => link.includes(id))!).hash.slice(2)))
  expect(state).toMatchObject({
    dimensions: { x: [4e-9, 'm'], y: [5e-9, 'm'], z: [3e-8, 'm'] },
    layers: [
      {
        type: 'image',
        name: 'color',
        source: `${server.url}/data/zarr/${id}/color/|zarr2:`,
        shaderControls: { normalized: { range: [10, 200] } },
      },
      { type: 'segmentation', name: 'labels of cells & ü' },
    ],
  })
})
