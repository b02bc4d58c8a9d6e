/** The routes of a datastore beside voxels, as cores and viewers of every era ask them (protocol.md 2, 3, 5, 11). */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import jpegJs from 'jpeg-js'
import { SEGMENT_COLOURS } from '../../src/render/wk-colours.ts'
import { writeSample } from '../../src/sample/index.ts'
import { emptyFolder, indicesOf, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

const root = emptyFolder()
/** Where the sample has its organizations. */
const data = join(root, 'binary')
const CELLS = 'sample_organization/cells'
let server: RunningBinary
let id: string

beforeAll(async () => {
  await writeSample(root)
  for (const organization of ['wkw', 'tiff']) cpSync(join(GOLDEN, 'data', organization), join(data, organization), { recursive: true })
  cpSync(join(data, 'wkw/uint8_raw'), join(data, 'wkw/damaged'), { recursive: true })
  for (const file of readdirSync(join(data, 'wkw/damaged'), { recursive: true }) as string[])
    if (/x\d+\.wkw$/.test(file)) truncateSync(join(data, 'wkw/damaged', file), 20)
  const properties = JSON.parse(await Bun.file(join(data, 'wkw/uint64_raw/datasource-properties.json')).text())
  properties.dataLayers[0].category = 'segmentation'
  properties.dataLayers[0].largestSegmentId = { customJsonEncoding: 'bigint', value: '18446744073709551615' }
  cpSync(join(data, 'wkw/uint64_raw'), join(data, 'wkw/ids'), { recursive: true })
  writeFileSync(join(data, 'wkw/ids/datasource-properties.json'), JSON.stringify(properties))
  mkdirSync(join(data, 'wkw/empty/color/1'), { recursive: true })
  cpSync(join(data, 'wkw/uint8_raw/color/1/header.wkw'), join(data, 'wkw/empty/color/1/header.wkw'))
  const source = await Bun.file(join(data, 'wkw/uint8_raw/datasource-properties.json')).text()
  writeFileSync(join(data, 'wkw/empty/datasource-properties.json'), source)
  server = await RunningBinary.start(['--data', root, '--admin-token', 'secret'])
  id = (await server.list()).find(({ name }) => name === 'cells')!.id
}, 60_000)
afterAll(() => server.stop())

const layer = (dataset: string, name: string, rest: string) => `/data/datasets/${dataset}/layers/${name}/${rest}`
const jsonOf = async (path: string, init?: RequestInit) => {
  const response = await server.get(path, init)
  // the answers are of all shapes; what a test reads in them it compares
  // biome-ignore lint/suspicious/noExplicitAny: see above
  return [response.status, (await response.json()) as any] as const
}
const post = (path: string, body: unknown = {}, init: RequestInit = {}) =>
  server.get(path, { method: 'POST', body: JSON.stringify(body), ...init })
/** The bytes of a box of a mag. */
const voxels = async (dataset: string, name: string, query: string) => (await server.get(layer(dataset, name, `data?${query}`))).bytes()

async function picture(path: string) {
  const response = await server.get(path)
  expect([path, response.status, response.headers.get('Content-Type')]).toEqual([path, 200, 'image/jpeg'])
  const { width, height, data: pixels } = jpegJs.decode(await response.bytes(), { useTArray: true, formatAsRGBA: false })
  return { width, height, pixels }
}

/** JPEG changes a pixel a little; the mean over a picture says whether it is the right one. */
const meanError = (a: Uint8Array, b: ArrayLike<number>) => a.reduce((sum, value, n) => sum + Math.abs(value - b[n]!), 0) / a.length

describe('thumbnails of today', () => {
  test('a colour layer, grey, from the very voxels', async () => {
    const query = 'x=20&y=30&z=40&width=101&height=67&mag=1-1-1'
    const { width, height, pixels } = await picture(layer(CELLS, 'color', `thumbnail.jpg?${query}`))
    const raw = await voxels(CELLS, 'color', `${query}&depth=1`)
    expect([width, height]).toEqual([101, 67])
    expect(
      meanError(
        pixels,
        Array.from(pixels, (_, n) => raw[Math.floor(n / 3)]!),
      ),
    ).toBeLessThan(4)
  })

  test('with intensities, a colour, inverted, of a coarser mag', async () => {
    const query = 'x=0&y=0&z=40&width=96&height=96&mag=2-2-2'
    const looks = 'intensityMin=50&intensityMax=150&color=%23ff8000&invertColor=true&mappingName=none'
    const { pixels } = await picture(layer(id, 'color', `thumbnail.jpg?${query}&${looks}&token=`))
    const raw = await voxels(CELLS, 'color', `${query}&depth=1`)
    const expected = Array.from(pixels, (_, n) => {
      const grey = 255 - Math.round(Math.min(1, Math.max(0, (raw[Math.floor(n / 3)]! - 50) / 100)) * 255)
      return Math.trunc(grey * [1, 128 / 255, 0][n % 3]!)
    })
    expect(meanError(pixels, expected)).toBeLessThan(8)
  })

  test('a segmentation in the colours of the viewer', async () => {
    const query = 'x=0&y=0&z=40&width=192&height=192&mag=1-1-1'
    const { pixels } = await picture(layer(CELLS, 'segmentation', `thumbnail.jpg?${query}`))
    const raw = new Uint32Array((await voxels(CELLS, 'segmentation', `${query}&depth=1`)).buffer)
    const expected = Array.from(pixels, (_, n) => {
      const segment = raw[Math.floor(n / 3)]!
      return segment === 0 ? 100 : SEGMENT_COLOURS[(segment & 0xffff) % 19]![n % 3]!
    })
    expect(meanError(pixels, expected)).toBeLessThan(10)
  })

  test.each([
    ['wkw/uint16_lz4', 'color'],
    ['tiff/tiles_uint16', 'color'],
    ['tiff/rgb', 'color'],
    ['tiff/strips_float32', 'color'],
    ['wkw/ids', 'color'],
    ['wkw/empty', 'color'],
  ])('%s is drawn at the size asked for, also far outside', async (dataset, name) => {
    for (const where of ['x=0&y=0&z=0&mag=1-1-1', 'x=-1000&y=5000&z=-9&mag=1', 'mag=1-1-1', 'x=3']) {
      expect(await picture(layer(dataset, name, `thumbnail.jpg?width=70&height=33&${where}`))).toMatchObject({ width: 70, height: 33 })
    }
  })

  test.each([1, 5000])('%d pixels are the limit', async (edge) => {
    const query = `x=0&y=0&z=0&mag=1-1-1&width=${edge}&height=1`
    expect(await picture(layer(CELLS, 'color', `thumbnail.jpg?${query}`))).toMatchObject({ width: edge, height: 1 })
  })

  test('damaged data are an error and never black', async () => {
    for (const where of ['&mag=1-1-1&x=0&y=0&z=10', '']) {
      const [status, body] = await jsonOf(layer('wkw/damaged', 'color', `thumbnail.jpg?width=20&height=20${where}`))
      expect([status, body]).toEqual([422, { messages: [{ error: 'The stored data of this region is damaged.' }] }])
    }
  })
})

describe('thumbnails before 2023', () => {
  test.each([
    ['tiff/tiles_uint16', 'width=64&height=48'],
    [CELLS, 'width=64&height=48&zoom=2&centerX=96&centerY=96&centerZ=48&token='],
    ['wkw/uint8_raw', 'width=64&height=48&zoom='],
  ])('%s: the middle is there, and has contrast', async (dataset, query) => {
    const { width, height, pixels } = await picture(layer(dataset, 'color', `thumbnail.jpg?${query}`))
    expect([width, height]).toEqual([64, 48])
    expect(Math.max(...pixels)).toBeGreaterThan(100)
    expect(new Set(pixels).size).toBeGreaterThan(10)
  })

  test('the centre asked for is in the middle', async () => {
    const query = 'width=64&height=64&zoom=1&centerX=100&centerY=90&centerZ=40'
    const { pixels } = await picture(layer(CELLS, 'color', `thumbnail.jpg?${query}`))
    const raw = await voxels(CELLS, 'color', 'x=68&y=58&z=40&width=64&height=64&depth=1&mag=1-1-1')
    expect(
      meanError(
        pixels,
        Array.from(pixels, (_, n) => raw[Math.floor(n / 3)]!),
      ),
    ).toBeLessThan(4)
  })

  test('a segmentation is a PNG with a palette', async () => {
    const response = await server.get(layer(CELLS, 'segmentation', 'thumbnail.jpg?width=64&height=48'))
    const png = Buffer.from(await response.bytes())
    expect([response.headers.get('Content-Type'), png.readUInt32BE(16), png.readUInt32BE(20), png[25]]).toEqual(['image/png', 64, 48, 3])
  })

  test('the oldest one is JSON', async () => {
    const [status, { mimeType, value }] = await jsonOf(layer(CELLS, 'color', 'thumbnail.json?width=30&height=20'))
    expect([status, mimeType]).toEqual([200, 'image/jpeg'])
    expect(jpegJs.decode(Buffer.from(value, 'base64'), { useTArray: true })).toMatchObject({ width: 30, height: 20 })
  })
})

describe('what a layer holds', () => {
  test('histogram: all 256 bins, one array entry, by id and by name', async () => {
    const [status, [histogram, ...more]] = await jsonOf(layer(id, 'color', 'histogram?token=x'))
    expect([status, more, histogram.elementCounts.length, histogram.min, histogram.max]).toEqual([200, [], 256, 0, 255])
    expect(histogram.elementCounts.reduce((a: number, b: number) => a + b)).toBe(histogram.numberOfElements)
    expect(await jsonOf(layer(CELLS, 'color', 'histogram'))).toEqual([200, [histogram]])
  })

  test.each([
    ['tiff/rgb', 'color', 3, 255],
    ['wkw/uint32_lz4hc', 'color', 1, 2 ** 32 - 1],
    ['wkw/uint64_raw', 'color', 1, 2 ** 64],
    ['wkw/int16_lz4hc', 'color', 1, 32_767],
    [CELLS, 'segmentation', 1, 2 ** 32 - 1],
  ])('histogram of %s, %s', async (dataset, name, count, max) => {
    const [status, histograms] = await jsonOf(layer(dataset, name, 'histogram'))
    expect([status, histograms.length, histograms[0].max]).toEqual([200, count, max])
  })

  test('nothing stored is an empty histogram and no position; nothing readable is 400', async () => {
    const [status, [histogram]] = await jsonOf(layer('wkw/empty', 'color', 'histogram'))
    expect([status, histogram.numberOfElements]).toEqual([200, 0])
    expect(await jsonOf(layer('wkw/empty', 'color', 'findData'))).toEqual([200, { position: null, mag: null, resolution: null }])
    for (const route of ['histogram', 'findData']) {
      const [code, body] = await jsonOf(layer('wkw/damaged', 'color', route))
      expect([code, body.messages[0].error]).toEqual([400, 'No part of layer color that was looked at could be read.'])
    }
  })

  test('a position with data has data, under both names of the mag', async () => {
    const [status, { position, mag, resolution }] = await jsonOf(layer(CELLS, 'segmentation', 'findData'))
    const [x, y, z] = position
    expect([status, mag, resolution]).toEqual([200, [1, 1, 1], [1, 1, 1]])
    const bytes = await voxels(CELLS, 'segmentation', `x=${x}&y=${y}&z=${z}&width=1&height=1&depth=1&mag=1-1-1`)
    expect(bytes.some((byte) => byte !== 0)).toBe(true)
  })
})

describe('the same voxels in other words', () => {
  test('readData', async () => {
    const box = { position: [-4, 10, 20], cubeSize: [50, 40, 30], mag: [2, 2, 2], additionalCoordinates: null }
    const response = await post(layer(id, 'color', 'readData'), box)
    const raw = await voxels(CELLS, 'color', 'x=-4&y=10&z=20&width=50&height=40&depth=30&mag=2-2-2')
    expect(indicesOf(response)).toEqual({ missing: [], empty: [], failed: [] })
    expect(Buffer.from(await response.bytes()).equals(raw)).toBe(true)
  })

  test('a Knossos cube', async () => {
    const response = await server.get(layer(CELLS, 'color', 'mag2/x1/y0/z0/bucket.raw?cubeSize=64'))
    const raw = await voxels(CELLS, 'color', 'x=128&y=0&z=0&width=64&height=64&depth=64&mag=2-2-2')
    expect(indicesOf(response).missing).toEqual([])
    expect(Buffer.from(await response.bytes()).equals(raw)).toBe(true)
  })

  test('a layer without time is the same at all times', async () => {
    const box = 'x=0&y=0&z=40&width=9&height=9&depth=1&mag=1-1-1'
    const at = encodeURIComponent('[{"name":"t","value":3}]')
    expect(await voxels(CELLS, 'color', `${box}&additionalCoordinates=${at}`)).toEqual(await voxels(CELLS, 'color', box))
  })

  test('what was damaged is an error in each', async () => {
    const box = { position: [0, 0, 0], cubeSize: [16, 16, 16], mag: [1, 1, 1] }
    expect((await post(layer('wkw/damaged', 'color', 'readData'), box)).status).toBe(422)
    expect((await server.get(layer('wkw/damaged', 'color', 'mag1/x0/y0/z0/bucket.raw?cubeSize=16'))).status).toBe(422)
  })
})

describe('what there is none of', () => {
  const everywhere = (name: string, rest: string) =>
    ['/data', '/data/v5', '/data/v9', '/data/v15', '/data/v16', '/data/v99'].flatMap((prefix) =>
      [id, CELLS].map((dataset) => `${prefix}/datasets/${dataset}/layers/${name}/${rest}`),
    )

  test.each(['meshes', 'mappings', 'agglomerates', 'connectomes'])('%s is an empty list', async (list) => {
    for (const path of [...everywhere('segmentation', list), layer(CELLS, 'color', list)])
      expect([path, ...(await jsonOf(path))]).toEqual([path, 200, []])
  })

  test('hasSegmentIndex is false with 200', async () => {
    for (const path of everywhere('segmentation', 'hasSegmentIndex')) expect([path, ...(await jsonOf(path))]).toEqual([path, 200, false])
  })

  test.each([
    ['POST', 'meshes/chunks', 404],
    ['POST', 'meshes/chunks/data', 404],
    ['POST', 'meshes/fullMesh.stl', 501],
    ['POST', 'adHocMesh', 501],
    ['POST', 'isosurface', 501],
    ['GET', 'mappings/some', 404],
    ['GET', 'agglomerates/some/skeleton/3', 404],
    ['POST', 'agglomerates/some/agglomeratesForSegments', 404],
    ['GET', 'agglomerates/some/largestAgglomerateId', 404],
    ['POST', 'connectomes/synapses', 404],
    ['POST', 'connectomes/synapses/positions', 404],
    ['POST', 'segmentIndex', 404],
    ['POST', 'segmentIndex/5', 404],
    ['POST', 'segmentStatistics/volume', 404],
    ['GET', 'colorStatistics', 404],
  ])('%s %s is %d with a reason', async (method, rest, status) => {
    for (const path of everywhere('segmentation', rest)) {
      const response = await server.get(path, { method, ...(method === 'POST' && { body: '{}' }) })
      expect([path, response.status, response.headers.get('Access-Control-Allow-Origin')]).toEqual([path, status, '*'])
      const { messages } = (await response.json()) as { messages: { error: string }[] }
      expect(messages[0]!.error.length).toBeGreaterThan(10)
    }
  })

  test.each([
    ['GET', '/datasets/unfinishedUploads', []],
    ['GET', '/datasets/getUnfinishedUploads', []],
    ['GET', '/datasets/upload/dataset/unfinishedUploads', []],
    ['DELETE', '/datasets/deletePaths', []],
    ['POST', '/datasets/measureUsedStorage/sample_organization', { reports: [] }],
    ['GET', '/datasets/measureUsedStorage/sample_organization?datasetName=cells', []],
    ['POST', '/datasets/writeMirrors', []],
    ['POST', '/triggers/scanRealPathsForVirtual', []],
  ])('%s %s is nothing, with 200', async (method, path, expected) => {
    for (const prefix of ['/data', '/data/v15'])
      expect(await jsonOf(prefix + path, { method, ...(method !== 'GET' && { body: '["a"]' }) })).toEqual([200, expected as never])
  })

  test('no path is a valid one to put data', async () => {
    const [status, body] = await jsonOf('/data/datasets/validatePaths', { method: 'POST', body: '["/a", "s3://b"]' })
    expect([status, body]).toEqual([200, ['/a', 's3://b'].map((path) => ({ path, valid: false }))])
  })

  test.each([
    ['POST', '/datasets/reserveUpload'],
    ['POST', '/datasets/reserveManualUpload'],
    ['POST', '/datasets/finishUpload'],
    ['POST', '/datasets/cancelUpload'],
    ['GET', '/datasets/upload/mag'],
    ['POST', '/datasets/upload/mag'],
    ['POST', '/datasets/upload/attachment/reserveUpload'],
    ['POST', '/datasets/upload/dataset/finishUpload'],
    ['POST', '/datasets/compose'],
    ['GET', '/datasets/baseDirAbsolute'],
    ['GET', '/datasets/getOneBaseDirForOrgaAbsolute'],
    ['POST', '/datasets/sample_organization/cells'],
    ['PUT', '/datasets/sample_organization/cells?folderId=1'],
    ['DELETE', '/datasets/sample_organization/cells/deleteOnDisk'],
    ['DELETE', '/datasets/0123456789abcdef01234567/deleteOnDisk'],
    ['GET', '/datasets/0123456789abcdef01234567/proxy/layers/color/mags/1/zarr.json'],
    ['GET', '/exports/1/download'],
    ['POST', '/aiModels/effectiveVoxelSize'],
  ])('%s %s is 501 with a reason', async (method, path) => {
    for (const prefix of ['/data', '/data/v15']) {
      const [status, body] = await jsonOf(prefix + path, { method, ...(method === 'POST' && { body: '{}' }) })
      expect([status, body.messages[0].error.length > 20]).toEqual([501, true])
    }
  })

  test('a new organization has its folder where its data are put', async () => {
    for (const [method, path] of [
      ['POST', '/data/triggers/createOrganizationDirectory?organizationId=new'],
      ['POST', '/data/triggers/newOrganizationFolder'],
      ['GET', '/data/triggers/checkNewOrganizationFolder'],
    ] as const)
      expect((await server.get(path, { method })).status).toBe(200)
    expect(readdirSync(data)).not.toContain('new')
  })

  test('nothing was deleted', async () => {
    expect((await server.list()).some(({ name }) => name === 'cells')).toBe(true)
  })
})

describe('data sources', () => {
  test('alone, by id and by name, with what the dashboard and the viewer want', async () => {
    const answers = await Promise.all([CELLS, id].map((dataset) => jsonOf(`/data/datasets/${dataset}/readInboxDataSource`)))
    const wrapped = await jsonOf(`/data/datasets/${id}`)
    for (const [status, body] of answers) expect([status, body]).toEqual([200, wrapped[1].dataSource])
    const [color, segmentation] = wrapped[1].dataSource.dataLayers
    const [low, high] = color.defaultViewConfiguration.intensityRange
    expect(0 < low && low < high && high < 255).toBe(true)
    expect(segmentation.defaultViewConfiguration).toBeUndefined()
  })

  test('12 bits in 16 are not black', async () => {
    const [, { dataSource }] = await jsonOf('/data/datasets/tiff/tiles_uint16')
    const [low, high] = dataSource.dataLayers[0].defaultViewConfiguration.intensityRange
    expect(low < high && high <= 65_535).toBe(true)
  })

  test('first intensities are remembered in the state folder, and the data folder is left alone', async () => {
    const [folder, state] = [emptyFolder(), emptyFolder()]
    cpSync(join(GOLDEN, 'data/tiff/tiles_uint16'), join(folder, 'lab/tiles'), { recursive: true })
    await using other = await RunningBinary.start(['--data', folder, '--state', state])
    const { dataSource } = (await (await other.get('/data/datasets/lab/tiles')).json()) as { dataSource: { dataLayers: object[] } }
    const file = join(state, 'contrast.json')
    for (let n = 0; n < 200 && !existsSync(file); n++) await Bun.sleep(50)
    const { datasets } = JSON.parse(readFileSync(file, 'utf8'))
    const layers = datasets['lab/tiles'].layers
    expect(dataSource.dataLayers).toMatchObject(
      Object.values(layers).map((intensityRange) => ({ defaultViewConfiguration: { intensityRange } })) as object[],
    )
    expect(readdirSync(folder)).toEqual(['lab'])
  })

  test('the largest id is an envelope for version 15 only', async () => {
    const largest = async (prefix: string) => (await jsonOf(`${prefix}/datasets/wkw/ids`))[1].dataSource.dataLayers[0].largestSegmentId
    const envelope = { customJsonEncoding: 'bigint', value: '18446744073709551615' }
    expect(await Promise.all(['/data/v15', '/data/v16', '/data/v14', '/data/v9', '/data'].map(largest))).toEqual([
      envelope,
      envelope,
      Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
    ])
  })
})

describe('exploring', () => {
  const explore = (uri: string, query = '?token=secret') =>
    post(`/data/datasets/exploreRemote${query}`, { layerParameters: [{ remoteUri: uri }], organizationId: 'lab' })

  test('a folder of the data becomes a data source', async () => {
    const response = await explore(`file://${join(data, 'wkw/uint16_lz4')}`)
    const { dataSource, report } = (await response.json()) as { dataSource: { dataLayers: object[] }; report: string }
    expect(response.status).toBe(200)
    expect(dataSource.dataLayers[0]).toMatchObject({ name: 'color', elementClass: 'uint16', dataFormat: 'wkw' })
    expect(report).toContain('layer color with 1 mags')
  })

  test('other folders do not, and neither do strangers', async () => {
    const { dataSource, report } = (await (await explore('/etc')).json()) as { dataSource?: object; report: string }
    expect([dataSource, report.includes('nothing here that may be read')]).toEqual([undefined, true])
    expect((await explore('/etc', '')).status).toBe(403)
  })
})

test('the page has three lines of Python that read the middle of each layer', async () => {
  const page = await (await server.get('/')).text()
  const snippets = [...page.matchAll(/<pre>([^<]*)<\/pre>/g)].map(([, lines]) => lines!.replaceAll('&quot;', '"').replaceAll('&amp;', '&'))
  expect(snippets.length).toBeGreaterThan(10)
  for (const lines of snippets.slice(0, 12)) {
    const [, url] = /urlopen\("([^"]+)"\)/.exec(lines)!
    const [, type, shape] = /np\.frombuffer\(data, np\.([a-z]+\d+)\)\.reshape\(\(([^)]+)\)/.exec(lines)!
    const count = shape!.split(', ').reduce((product, edge) => product * Number(edge), 1)
    expect(lines.split('\n')).toHaveLength(3)
    expect((await (await fetch(url!)).bytes()).length).toBe((count * Number(/\d+/.exec(type!)![0])) / 8)
  }
})

test('a list of all routes', async () => {
  const [status, { paths }] = await jsonOf('/openapi.json')
  expect(status).toBe(200)
  for (const path of ['/data/datasets/{first}/layers/{layer}/data', '/data/{version}/triggers/checkInboxBlocking', '/data/health'])
    expect(Object.keys(paths)).toContain(path)
})
