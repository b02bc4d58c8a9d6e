/**
 * What webknossos-connect got wrong, seen by running it: one test per entry about WKW, TIFF, batches, names, limits and the event
 * loop. Nothing wrong may be answered 200.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWkwMag } from '../../src/sample/write-wkw.ts'
import { emptyFolder, indicesOf, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

const data = emptyFolder()
let server: RunningBinary

beforeAll(async () => {
  for (const organization of ['wkw', 'tiff']) cpSync(join(GOLDEN, 'data', organization), join(data, organization), { recursive: true })
  cpSync(join(data, 'wkw/uint8_raw'), join(data, 'wkw/a name with blanks & ümlauts'), { recursive: true })
  const flood = Uint8Array.from({ length: 256 ** 3 }, (_, i) => (i * 2654435761) >>> 24)
  await writeWkwMag(join(data, 'wkw/flood/color/1'), flood, [256, 256, 256])
  mkdirSync(join(data, 'wkw/broken_header'), { recursive: true })
  cpSync(join(data, 'wkw/rgb'), join(data, 'wkw/broken_header'), { recursive: true })
  writeFileSync(join(data, 'wkw/broken_header/color/1/z0/y0/x0.wkw'), 'WKX')
  server = await RunningBinary.start(['--data', data])
}, 30_000)
afterAll(() => server.stop())

const bucket = (position: number[], mag = [1, 1, 1]) => ({ position, mag, cubeSize: 32, fourBit: false })
const infoOf = async (path: string) => (await server.list()).find((one) => `${one.organization}/${one.name}` === path)!

describe('TIFF', () => {
  // compressed tiles handed out as voxels, tiles that are not square, big-endian samples, RGB as uint8: see golden.test.ts
  test('RGB is described as uint24 and has three bytes a voxel', async () => {
    expect((await infoOf('tiff/rgb')).layers[0]?.elementClass).toBe('uint24')
    const response = await server.buckets('tiff/rgb', 'color', [bucket([0, 0, 0])])
    expect((await response.bytes()).length).toBe(3 * 32 ** 3)
  })

  test.each([
    ['right of the image', [96, 0, 0]],
    ['below it', [0, 96, 0]],
    ['behind it', [0, 0, 32]],
    ['before it', [0, 0, -32]],
  ])('a bucket %s is empty', async (_, position) => {
    const response = await server.buckets('tiff/tiles_uint16', 'color', [bucket(position), bucket([0, 0, 0])])
    expect([response.status, indicesOf(response)]).toEqual([200, { missing: [0], empty: [0], failed: [] }])
  })

  test('a mag that is not there is not answered from another page', async () => {
    const mags = [
      [1, 1, 2],
      [2, 2, 2],
      [2, 2, 1],
      [4, 2, 1],
    ]
    const response = await server.buckets(
      'tiff/pages_as_mags',
      'color',
      mags.map((mag) => bucket([0, 0, 0], mag)),
    )
    expect(indicesOf(response).empty).toEqual([0, 1, 3])
  })
})

describe('WKW', () => {
  test('a cube file with a damaged header is a failure, a missing one is empty', async () => {
    const broken = await server.buckets('wkw/broken_header', 'color', [bucket([0, 0, 0])])
    expect([broken.status, indicesOf(broken)]).toEqual([200, { missing: [0], empty: [], failed: [0] }])
    const missing = await server.buckets('wkw/missing_files', 'color', [{ ...bucket([0, 0, 16]), cubeSize: 16 }])
    expect(indicesOf(missing).empty).toEqual([0])
  })

  test.each(['block16_file4', 'block64_file1', 'block1_file8'])('%s: a bucket has 32³ voxels whatever the block length', async (name) => {
    const response = await server.buckets(`wkw/${name}`, 'color', [bucket([0, 0, 0])])
    expect([response.headers.get('MISSING-BUCKETS'), (await response.bytes()).length]).toEqual(['[]', 32 ** 3])
  })

  test('an unaligned position is answered', async () => {
    expect(indicesOf(await server.buckets('wkw/uint8_raw', 'color', [bucket([3, 7, 1])])).missing).toEqual([])
  })

  test('what webKnossos cannot show is not served either', async () => {
    expect((await infoOf('wkw/float64')).status).toBe('unusable')
    expect((await server.buckets('wkw/float64', 'color', [bucket([0, 0, 0])])).status).toBe(404)
    expect((await infoOf('wkw/float32_lz4hc')).layers[0]?.elementClass).toBe('float')
  })
})

describe('batches', () => {
  test('one bad bucket takes no good one along', async () => {
    const requests = [bucket([0, 0, 0]), bucket([16, 0, 0]), bucket([-1e6, 5, 5]), bucket([0, 0, 0], [64, 64, 64])]
    const response = await server.buckets('wkw/broken_header', 'color', requests)
    expect([response.status, indicesOf(response).failed]).toEqual([200, [0]])
  })

  test('unknown keys, a missing fourBit, the older zoomStep and null are understood', async () => {
    const requests = [
      { position: [0, 0, 0], zoomStep: 0, cubeSize: 32 },
      { ...bucket([0, 0, 0]), applyAgglomerate: 'x', version: 1, additionalCoordinates: [{ name: 't', value: 0 }], fourBit: null },
    ]
    const response = await server.buckets('wkw/uint8_raw', 'color', requests)
    expect([indicesOf(response).missing, (await response.bytes()).length]).toEqual([[], 2 * 32 ** 3])
  })

  test.each([
    ['/data/datasets/wkw/nothing/layers/color/data', /no dataset nothing/],
    ['/data/datasets/wkw/uint8_raw/layers/nothing/data', /no layer nothing; it has color/],
    ['/data/datasets/ffffffffffffffffffffffff/layers/color/data', /no dataset/],
  ])('%s is 404 and says what there is', async (path, reason) => {
    const response = await server.get(path, { method: 'POST', body: '[]' })
    expect([response.status, await response.text()]).toEqual([404, expect.stringMatching(reason)])
  })
})

test('names with blanks and letters of any language are read percent-encoded', async () => {
  const name = encodeURIComponent('a name with blanks & ümlauts')
  const response = await server.buckets(`wkw/${name}`, 'color', [bucket([0, 0, 0])])
  expect([response.status, (await response.bytes()).length]).toEqual([200, 32 ** 3])
})

test('20,160 buckets in one request are refused, not answered with 660 MB', async () => {
  const body = `[${Array.from({ length: 20_160 }, () => '{"position":[0,0,0],"zoomStep":0}').join(',')}]`
  expect(body.length).toBeLessThan(1024 * 1024)
  const response = await server.get('/data/datasets/wkw/flood/layers/color/data', { method: 'POST', body })
  expect([response.status, await response.text()]).toEqual([413, expect.stringContaining('20160 buckets')])
})

test('/data/vN is the same, /data/x is not; unknown routes and methods are JSON', async () => {
  expect((await server.get('/data/v9/health')).status).toBe(200)
  for (const [method, path] of [
    ['GET', '/data/x/health'],
    ['GET', '/data/nothing'],
    ['PUT', '/data/health'],
  ] as const) {
    const response = await server.get(path, { method })
    expect([response.status, response.headers.get('Content-Type')]).toEqual([404, 'application/json'])
  }
})

describe('bookkeeping', () => {
  test('a datasets.json that breaks empties nothing and is said with its line; repaired, it is read again', async () => {
    const file = join(data, 'datasets.json')
    const look = () => server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
    const entry = { tiff: { listed: { elsewhere: { path: 'tiff/stack', scale: [7, 8] } } } }
    writeFileSync(file, JSON.stringify(entry))
    await look()
    expect((await infoOf('listed/elsewhere')).voxelSize?.factor).toEqual([7, 8, 1])
    writeFileSync(file, '{"tiff": {\n  "listed": }')
    await look()
    expect((await infoOf('listed/elsewhere')).status).toBe('ok')
    await server.logged(/datasets\.json, line 2, column 13/)
    entry.tiff.listed.elsewhere.scale = [9, 9]
    writeFileSync(file, JSON.stringify(entry))
    await look()
    expect((await infoOf('listed/elsewhere')).voxelSize?.factor).toEqual([9, 9, 1])
  })

  test('a data folder that is gone for a moment takes no dataset away', async () => {
    const before = (await server.list()).filter(({ status }) => status === 'ok').length
    renameSync(data, `${data}.gone`)
    await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
    const meanwhile = (await server.list()).filter(({ status }) => status === 'ok').length
    renameSync(`${data}.gone`, data)
    await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
    const after = (await server.list()).filter(({ status }) => status === 'ok').length
    expect([meanwhile, after]).toEqual([before, before])
  })

  test('looking again keeps what has not changed, drops what is gone, finds what is new', async () => {
    cpSync(join(data, 'wkw/rgb'), join(data, 'wkw/newcomer'), { recursive: true })
    await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
    expect((await infoOf('wkw/newcomer')).status).toBe('ok')
    rmSync(join(data, 'wkw/newcomer'), { recursive: true })
    await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
    expect(await infoOf('wkw/newcomer')).toBeUndefined()
    expect((await server.buckets('wkw/newcomer', 'color', [])).status).toBe(404)
  })
})

test('decoding never holds up /data/health', async () => {
  const flood = Array.from({ length: 6 }, (_, n) =>
    server.get(`/data/datasets/wkw/flood/layers/color/data?x=${-n}&y=0&z=0&width=256&height=256&depth=256&mag=1`).then((r) => r.bytes()),
  )
  let done = false
  const all = Promise.all(flood).then((answers) => {
    done = true
    return answers
  })
  let answered = 0
  while (!done) {
    expect((await server.get('/data/health')).status).toBe(200)
    answered++
  }
  for (const answer of await all) expect(answer.length).toBe(256 ** 3)
  // one at a time: had each waited for the decoding, only a few would have come back
  expect(answered).toBeGreaterThan(20)
})
