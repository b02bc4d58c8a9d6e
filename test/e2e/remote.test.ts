/** Datasets on other machines, seen from outside: the executable, real requests, a server that misbehaves. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, indicesOf, RunningBinary, runBinary } from '../support/binary.ts'
import { GOLDEN, readable } from '../support/golden.ts'
import type { ObjectServer } from '../support/object-server.ts'
import { serveFolder } from '../support/serve-folder.ts'

let objects: ObjectServer
beforeAll(async () => {
  objects = await serveFolder(join(GOLDEN, 'data'))
})
afterAll(() => objects[Symbol.asyncDispose]())
beforeEach(() => void objects.heal().answer(() => undefined))

const wkw = readable.find(({ path }) => path === 'data/wkw/rgb')!
const folderWith = (entries: unknown): string => {
  const data = emptyFolder()
  writeFileSync(join(data, 'datasets.json'), JSON.stringify(entries))
  return data
}
const entryOf = async (server: RunningBinary, name: string) => (await server.list()).find((one) => one.name === name)!
const until = async <T>(read: () => Promise<T>, check: (value: T) => boolean, ms = 10_000): Promise<T> => {
  for (const end = Date.now() + ms; Date.now() < end; await Bun.sleep(50)) {
    const value = await read()
    if (check(value)) return value
  }
  throw new Error('did not happen')
}

describe('a WKW dataset on a web server', () => {
  const { name: layer, topLeft } = wkw.layers[0]!
  const bucket = { position: topLeft.map((edge) => Math.floor(edge / 32) * 32), zoomStep: 0, cubeSize: 32, fourBit: false }

  test('is served as from a disk; a fault of its server is a failed bucket while it lasts', async () => {
    const data = folderWith({ wkw: { lab: { far: { path: `${objects.url}/wkw/rgb` } } } })
    await using server = await RunningBinary.start(['--data', data])
    await using local = await RunningBinary.start([join(GOLDEN, 'data/wkw/rgb'), '--state', emptyFolder()])
    const far = await until(
      () => entryOf(server, 'far'),
      ({ status }) => status === 'ok',
    )
    const near = (await local.list())[0]!
    objects.fault({ status: 501, when: ({ key }) => /x\d+\.wkw$/.test(key) })
    const failed = await server.buckets(far.id, layer, [bucket])
    expect([failed.status, indicesOf(failed).failed]).toEqual([200, [0]])
    // 404 would be read as zeros, 403 as well: a client that knows Zarr tries 503 again
    const chunk = `/data/zarr/${far.id}/${layer}/1/0.0.0.0`
    for (const route of ['zarr', 'zarr-zyx', 'zarr-planes']) {
      const refused = await server.get(chunk.replace('/zarr/', `/${route}/`))
      expect([route, refused.status, refused.headers.get('Access-Control-Allow-Origin')]).toEqual([route, 503, '*'])
    }
    objects.heal()
    // what failed is remembered for a moment, not to ask a broken server again at once
    await until(
      async () => (await server.get(chunk)).status,
      (status) => status === 200,
    )
    const read = await server.buckets(far.id, layer, [bucket])
    expect(indicesOf(read)).toEqual({ missing: [], empty: [], failed: [] })
    expect(await read.bytes()).toEqual(await (await local.buckets(near.id, layer, [bucket])).bytes())
  })

  test('whose server was away: the list keeps it during a look, and the first bucket after the rest is whole', async () => {
    const data = folderWith({ wkw: { lab: { far: { path: `${objects.url}/wkw/rgb` } } } })
    await using server = await RunningBinary.start(['--data', data])
    const far = await until(
      () => entryOf(server, 'far'),
      ({ status }) => status === 'ok',
    )
    objects.fault({ status: 500 })
    for (let tries = 0; tries < 3; tries++) expect(indicesOf(await server.buckets(far.id, layer, [bucket])).failed).toEqual([0])
    await fetch(`${server.url}/data/triggers/checkInboxBlocking`, { method: 'POST' })
    expect((await entryOf(server, 'far')).status).toBe('ok')
    objects.heal()
    // the rest of a server that only fails; the bucket is of many chunks, asked for together
    await Bun.sleep(4500)
    expect(indicesOf(await server.buckets(far.id, layer, [bucket])).failed).toEqual([])
  }, 40_000)

  test('whose server hangs: others are served at once, one bucket fails within 20 s', async () => {
    const data = folderWith({ wkw: { lab: { far: { path: `${objects.url}/wkw/rgb` }, near: { path: join(GOLDEN, 'data/wkw/rgb') } } } })
    await using server = await RunningBinary.start(['--data', data])
    const far = await until(
      () => entryOf(server, 'far'),
      ({ status }) => status === 'ok',
    )
    objects.fault({ delayMs: 60_000 })
    const start = performance.now()
    const failed = server.buckets(far.id, layer, [bucket])
    const near = await entryOf(server, 'near')
    expect(indicesOf(await server.buckets(near.id, layer, [bucket])).failed).toEqual([])
    expect(performance.now() - start).toBeLessThan(3000)
    expect(indicesOf(await failed).failed).toEqual([0])
    expect(performance.now() - start).toBeLessThan(20_000)
  }, 40_000)
})

describe('starting', () => {
  test('a server that never answers holds up neither start nor list; when it answers the dataset opens', async () => {
    objects.fault({ delayMs: 60_000 })
    const data = folderWith({ wkw: { lab: { far: { path: `${objects.url}/wkw/rgb` }, near: { path: join(GOLDEN, 'data/wkw/rgb') } } } })
    const start = performance.now()
    await using server = await RunningBinary.start(['--data', data])
    const list = await server.list()
    expect(performance.now() - start).toBeLessThan(6000)
    expect(Object.fromEntries(list.map(({ name, status }) => [name, status]))).toEqual({ far: 'opening', near: 'ok' })
    objects.heal()
    await until(
      () => entryOf(server, 'far'),
      ({ status }) => status === 'ok',
      30_000,
    )
  }, 70_000)
})

describe('added over HTTP to a server that others can reach', () => {
  let server: RunningBinary
  const data = emptyFolder()
  beforeAll(async () => {
    const env = { SECRET: 'hidden-value', AWS_ACCESS_KEY_ID: 'AKIDENV', AWS_SECRET_ACCESS_KEY: 'hidden-key' }
    server = await RunningBinary.start(['--data', data, '--public', '--admin-token', 'secret'], { env })
  })
  afterAll(() => server.stop())
  const post = (entries: unknown) =>
    server.get('/data/datasets?token=secret', {
      method: 'POST',
      body: JSON.stringify(entries),
      headers: { 'Content-Type': 'application/json' },
    })

  test.each(['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '2130706433', '0.0.0.0'])('%s is not reached', async (host) => {
    const response = await post({ tiff: { lab: { x: { path: `http://${host}:${objects.port}/x.tif`, addedOverHttp: false } } } })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('--allow-remote')
    expect(objects.asked.length).toBe(0)
  })

  test('nor does a variable of the environment leave, nor are keys of the environment used', async () => {
    const response = await post({ tiff: { lab: { x: { path: `s3+http://127.0.0.1:${objects.port}/b/$SECRET.tif` } } } })
    expect(await response.text()).not.toContain('hidden')
  })

  test('what --allow-remote names is reached, and stays marked in the list', async () => {
    const own = emptyFolder()
    const flags = ['--data', own, '--public', '--admin-token', 'secret', '--allow-remote', `${objects.url}/tiff/`]
    await using allowing = await RunningBinary.start(flags)
    const { path } = readable.find((one) => one.path.startsWith('data/tiff/ome'))!
    const url = [...objects.objects.keys()].find((key) => key.startsWith(path.replace('data/', '')))!
    const response = await allowing.get('/data/datasets?token=secret', {
      method: 'POST',
      body: JSON.stringify({ tiff: { lab: { x: { path: `${objects.url}/${url}`, credentials: { token: 'hidden-token' } } } } }),
      headers: { 'Content-Type': 'application/json' },
    })
    expect([response.status, await response.text()]).toEqual([200, ''])
    const text = readFileSync(join(own, 'datasets.json'), 'utf8')
    expect(JSON.parse(text).tiff.lab.x).toMatchObject({ addedOverHttp: true })
    const page = await (await allowing.get('/')).text()
    const answers = [page, JSON.stringify(await allowing.list()), await (await allowing.get('/data/datasets/lab/x')).text(), allowing.log]
    for (const answer of answers) expect(answer).not.toContain('hidden-token')
    expect(objects.asked[0]!.headers['authorization']).toBe('Bearer hidden-token')
  })
})

describe('wkconnect add URL', () => {
  test('a TIFF, a WKW folder, and why not anything else', async () => {
    const data = emptyFolder()
    const { path } = readable.find((one) => one.path.startsWith('data/tiff/ome'))!
    const url = [...objects.objects.keys()].find((key) => key.startsWith(path.replace('data/', '')))!
    const add = (...args: string[]) => runBinary(['add', ...args, '--data', data])
    expect((await add(`${objects.url}/${url}`, '--name', 'far tiff')).stdout).toContain('(tiff, ')
    expect((await add(`${objects.url}/wkw/rgb`)).stdout).toContain('sample_organization/rgb (wkw, ')
    expect(await add(`${objects.url}/nothing`)).toMatchObject({ code: 2, stderr: expect.stringContaining('has neither info') })
    expect(await add('ftp://host/x')).toMatchObject({ code: 2, stderr: expect.stringContaining('s3+https://') })
    expect((await runBinary(['list', '--data', data])).stdout).toContain('2 datasets: 2 ok')
  })
})
