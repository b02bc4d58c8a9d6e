/** Zarr out of the executable: read by a client that knows nothing of us, and asked for all that is not there. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as zarr from 'zarrita'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { GOLDEN, readable, sha256 } from '../support/golden.ts'
import { wholeBox } from '../support/zarr.ts'

let server: RunningBinary
let closed: RunningBinary
const data = emptyFolder()
const ids = new Map<string, string>()
const TIFFS = ['rgb', 'ome', 'imagej', 'stack', 'strips_uint16', 'strips_float32', 'sparse', 'imagej_tzc_big']
const cases = readable.filter(({ organization, dataset }) => organization === 'wkw' || TIFFS.includes(dataset))

beforeAll(async () => {
  mkdirSync(join(data, 'wkw'))
  cpSync(join(GOLDEN, 'data/wkw'), join(data, 'wkw'), { recursive: true })
  for (const name of TIFFS) cpSync(join(GOLDEN, 'data/tiff', name), join(data, 'tiff', name), { recursive: true, force: true })
  cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), join(data, 'wkw/damaged'), { recursive: true })
  truncateSync(join(data, 'wkw/damaged/color/1/z0/y0/x0.wkw'), 100)
  mkdirSync(join(data, 'wkw/broken'))
  writeFileSync(join(data, 'wkw/broken/datasource-properties.json'), '{')
  server = await RunningBinary.start(['--data', data])
  closed = await RunningBinary.start(['--data', data, '--require-token', '--admin-token', 'secret'])
  for (const { organization, name, id } of await server.list()) ids.set(`${organization}/${name}`, id)
})
afterAll(async () => {
  await server.stop()
  await closed.stop()
})

const short = (mag: readonly number[]) => (mag.every((factor) => factor === mag[0]) ? String(mag[0]) : mag.join('-'))

describe('zarrita reads every voxel', () => {
  test.each(cases.map((one) => [`${one.organization}/${one.dataset}: ${one.about}`, one] as const))('%s', async (_, one) => {
    const name = `${one.organization}/${one.dataset}`
    for (const { name: layer, mag, topLeft, size, sha256: expected } of one.layers) {
      const found = (await server.list()).find((entry) => `${entry.organization}/${entry.name}` === name)!
      // an array with further axes has another rank: what is read of those is in the clients
      if ((await describeLayer(name, layer)).additionalAxes) continue
      expect(found.status).toBe('ok')
      const v2 = await zarr.open.v2(new zarr.FetchStore(`${server.url}/data/zarr/${name}/${layer}/${short(mag)}`), { kind: 'array' })
      const v3 = await zarr.open.v3(
        new zarr.FetchStore(`${server.url}/data/v15/zarr3_experimental/${ids.get(name)}/${layer}/${mag.join('-')}?token=x`),
        { kind: 'array' },
      )
      for (const array of [v2, v3]) expect([layer, mag, sha256(await wholeBox(array, { topLeft, size }))]).toEqual([layer, mag, expected])
      const rows2 = await zarr.open.v2(new zarr.FetchStore(`${server.url}/data/zarr-zyx/${name}/${layer}/${short(mag)}`), { kind: 'array' })
      const rows3 = await zarr.open.v3(
        new zarr.FetchStore(`${server.url}/data/v15/zarr3-zyx/${ids.get(name)}/${layer}/${mag.join('-')}?token=x`),
        { kind: 'array' },
      )
      for (const array of [rows2, rows3])
        expect([layer, mag, sha256(await wholeBox(array, { topLeft, size }, 'czyx'))]).toEqual([layer, mag, expected])
    }
  })
})

const describeLayer = async (name: string, layer: string) => {
  const { dataLayers } = (await (await server.get(`/data/zarr/${name}/datasource-properties.json`)).json()) as {
    dataLayers: { name: string; additionalAxes?: unknown; mags: { mag: number[]; path: string; axisOrder: unknown }[] }[]
  }
  return dataLayers.find((one) => one.name === layer)!
}

describe('documents', () => {
  test('the data source leads to every mag, by the same paths that are reported to webKnossos', async () => {
    const { dataSource } = (await (await server.get('/data/datasets/wkw/rgb')).json()) as {
      dataSource: { dataLayers: { mags: { path: string }[] }[] }
    }
    const streamed = await describeLayer('wkw/rgb', 'color')
    expect(streamed.mags.map(({ path }) => path)).toEqual(dataSource.dataLayers[0]!.mags.map(({ path }) => path))
    for (const { path, mag } of streamed.mags) {
      const document = (await (await server.get(`/data/zarr/wkw/rgb/${path.slice(2)}/.zarray`)).json()) as Record<string, unknown>
      expect([mag, document]).toEqual([mag, expect.objectContaining({ zarr_format: 2, dtype: '|u1', order: 'F', compressor: null })])
      expect((document['shape'] as number[])[0]).toBe(3)
    }
  })

  test('ids beyond a number are in an envelope since version 15, and plain or left out before', async () => {
    const idIn = async (version: string) => {
      const source = await (await server.get(`/data${version}/zarr/wkw/no_properties/datasource-properties.json`)).json()
      return (source as { dataLayers: { largestSegmentId: unknown }[] }).dataLayers[0]!.largestSegmentId
    }
    expect(await idIn('/v15')).toEqual({ customJsonEncoding: 'bigint', value: expect.stringMatching(/^\d+$/) })
    expect(await idIn('/v14')).toEqual(expect.any(Number))
  })

  test('OME-NGFF names axes, units and sizes, and a window that is not black', async () => {
    const attributes = (await (await server.get('/data/zarr/tiff/strips_uint16/color/.zattrs')).json()) as {
      multiscales: { axes: unknown; datasets: { path: string; coordinateTransformations: { scale: number[] }[] }[] }[]
      omero: { channels: { window: { start: number; end: number; max: number } }[] }
    }
    const [multiscale] = attributes.multiscales
    expect(multiscale!.axes).toEqual([
      { name: 'c', type: 'channel' },
      ...['x', 'y', 'z'].map((name) => ({ name, type: 'space', unit: 'nanometer' })),
    ])
    expect(multiscale!.datasets[0]).toEqual({ path: '1', coordinateTransformations: [{ type: 'scale', scale: [1, 1, 1, 1] }] as never })
    const { start, end, max } = attributes.omero.channels[0]!.window
    expect([max, end > start]).toEqual([65535, true])
    const group = await (await server.get('/data/zarr/tiff/strips_uint16/color/zarr.json')).json()
    expect(group).toMatchObject({ zarr_format: 3, node_type: 'group', attributes: { ome: { version: '0.5' } } })
    expect(Object.keys((group as { consolidated_metadata: { metadata: object } }).consolidated_metadata.metadata)).toContain('1')
  })

  test.each(['', '/', '/color', '/color/', '/color/1', '/color/1/'])('zarr/wkw/rgb%s is a listing', async (path) => {
    const response = await server.get(`/data/zarr/wkw/rgb${path}`)
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, expect.stringContaining('text/html')])
  })
})

describe('what is not there', () => {
  test.each([
    ['/data/zarr/wkw/rgb/.zmetadata', 404],
    ['/data/zarr/wkw/rgb/.zattrs', 404],
    ['/data/zarr/wkw/rgb/color/1/.zattrs', 404],
    ['/data/zarr/wkw/rgb/color/1/0.0.0', 404],
    ['/data/zarr/wkw/rgb/color/1/1.0.0.0', 404],
    ['/data/zarr/wkw/rgb/color/1/0.0.0.0.0', 404],
    ['/data/zarr/wkw/rgb/color/1/0.-1.0.0', 404],
    ['/data/zarr/wkw/rgb/color/1/0.9999999999.0.0', 404],
    ['/data/zarr/wkw/rgb/color/1/0.99999999999999999999.0.0', 404],
    ['/data/zarr/wkw/rgb/color/1/0.500.0.0', 404],
    ['/data/zarr/wkw/rgb/color/1/0%2e0%2e0%2e0', 200],
    ['/data/zarr/wkw/rgb/color/1/0%252e0.0.0', 404],
    ['/data/zarr/wkw/rgb/color/3/.zarray', 404],
    ['/data/zarr/wkw/rgb/nothing/.zattrs', 404],
    ['/data/zarr/wkw/rgb/..%2f..%2fetc/.zattrs', 404],
    ['/data/zarr/wkw/nothing/.zgroup', 404],
    ['/data/zarr/ffffffffffffffffffffffff/.zgroup', 404],
    ['/data/zarr/wkw/broken/color/1/0.0.0.0', 422],
    ['/data/zarr/wkw/damaged/color/1/0.0.0.0', 422],
  ])('%s is %i, quickly, and a browser may read that', async (path, status) => {
    for (const method of ['GET', 'HEAD'])
      for (const route of ['zarr', 'zarr-zyx']) {
        const response = await server.get(path.replace('/zarr/', `/${route}/`), { method })
        expect([method, route, response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([
          method,
          route,
          expected(path, status, route),
          '*',
        ])
      }
  })

  /** Each channel has chunks of its own there. */
  const expected = (path: string, status: number, route: string) => (route === 'zarr-zyx' && path.endsWith('/1.0.0.0') ? 200 : status)

  test.each(['zarr', 'zarr-zyx', 'zarr3_experimental', 'zarr3-zyx'])(
    '%s: without the token nothing is, with it by query or header everything',
    async (route) => {
      const path = `/data/${route}/wkw/rgb/color/1/0.0.0.0`
      expect((await closed.get(path)).status).toBe(403)
      expect((await closed.get(`${path}?token=secret`)).status).toBe(200)
      expect((await closed.get(path, { headers: { 'X-Auth-Token': 'secret' } })).status).toBe(200)
    },
  )
})

describe('chunks over HTTP', () => {
  const path = '/data/zarr/wkw/uint16_lz4/color/1/0.0.0.0'

  test('HEAD says what GET has, and nothing is compressed that nobody asked to be', async () => {
    for (const one of [path, '/data/zarr/wkw/uint16_lz4/color/1/.zarray', '/data/zarr/wkw/uint16_lz4/datasource-properties.json']) {
      const get = await server.get(one, { headers: { 'Accept-Encoding': 'deflate, gzip, br, zstd' } })
      const length = String((await get.bytes()).length)
      const head = await server.get(one, { method: 'HEAD' })
      expect([get.headers.get('Content-Length'), head.headers.get('Content-Length')]).toEqual([length, length])
      expect([get.headers.get('Content-Encoding'), get.headers.get('ETag')]).toEqual([null, head.headers.get('ETag')])
    }
  })

  test('a range is that part, one outside of it 416', async () => {
    const all = await (await server.get(path)).bytes()
    const part = await server.get(path, { headers: { Range: 'bytes=100-199' } })
    expect([part.status, part.headers.get('Content-Range')]).toEqual([206, `bytes 100-199/${all.length}`])
    expect(part.headers.get('Access-Control-Expose-Headers')).toContain('Content-Range')
    expect(await part.bytes()).toEqual(all.slice(100, 200))
    expect(await (await server.get(path, { headers: { Range: 'bytes=-16' } })).bytes()).toEqual(all.slice(-16))
    expect((await server.get(path, { headers: { Range: `bytes=${all.length}-` } })).status).toBe(416)
  })

  test('what has not changed is 304, and a dataset that was opened anew is not', async () => {
    const etag = (await server.get(path)).headers.get('ETag')!
    expect((await server.get(path, { headers: { 'If-None-Match': etag } })).status).toBe(304)
    expect((await server.get('/data/triggers/reload/wkw/uint16_lz4', { method: 'POST' })).status).toBe(200)
    expect((await server.get(path, { headers: { 'If-None-Match': etag } })).status).toBe(200)
  })
})
