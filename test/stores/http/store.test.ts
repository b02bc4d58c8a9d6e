/** An object behind HTTP, with everything that servers and networks do wrong. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import type { ClientOptions } from '../../../src/stores/http/client.ts'
import { FileChanged } from '../../../src/stores/store.ts'
import { CorruptChunk, Unusable, UpstreamError } from '../../../src/volume/errors.ts'
import { describeStore, STORED } from '../../conformance/store.ts'
import { ObjectServer } from '../../support/object-server.ts'
import { openTrusted } from '../../support/remote.ts'

const BIG = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7) % 253)
const stored = Object.fromEntries(Object.entries({ ...STORED, big: BIG }).map(([key, bytes]) => [`data set/${key}`, bytes]))
const server = await ObjectServer.start(stored)
afterAll(() => server[Symbol.asyncDispose]())
beforeEach(() => {
  server.heal()
  for (const [key, bytes] of Object.entries(stored)) server.objects.set(key, bytes)
})

const open = (client: ClientOptions = {}) => openTrusted(`${server.url}/data%20set`, { client })
const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    (value) => {
      throw new Error(`it gave ${value}`)
    },
    (error) => error,
  )

describeStore('a web server', () => open())
describeStore('a web server that sends objects compressed', async () => {
  server.fault({ gzip: true, when: ({ headers, method }) => method === 'GET' && headers['accept-encoding'] === 'gzip' })
  return open()
})
describeStore('a web server that fails every other time', async () => {
  server.answer(() => (server.asked.length % 2 ? new Response(null, { status: 503 }) : undefined))
  return open()
})
server.answer(() => undefined)

describe('an answer to a range is believed only if it is that range', () => {
  beforeEach(() => void server.answer(() => undefined))
  const range = { start: 10, length: 20 }
  const cases = {
    'the whole object with status 200': { ignoreRange: true },
    'another range': { contentRange: () => 'bytes 11-30/1000' },
    'no Content-Range': { contentRange: () => '' },
    'a shorter range than there is': { contentRange: () => 'bytes 10-28/1000' },
    'a content encoding': { claimGzip: true },
    'fewer bytes than announced': { claimMore: 5 },
    'half of the bytes': { cut: 'middle' },
  } as const
  test.each(Object.keys(cases) as (keyof typeof cases)[])('%s: asked once more, which may help', async (name) => {
    server.fault({ ...cases[name], times: 1 })
    expect(await (await open()).get('a.bin', range)).toEqual(STORED['a.bin']!.slice(10, 30))
    expect(server.asked.length).toBe(2)
  })

  test.each(Object.keys(cases) as (keyof typeof cases)[])('%s, again and again: a failure, never other bytes', async (name) => {
    server.fault(cases[name])
    expect(await failure((await open()).get('a.bin', range))).toBeInstanceOf(UpstreamError)
    server.heal()
    expect(await (await open()).get('a.bin', range)).toEqual(STORED['a.bin']!.slice(10, 30))
  })

  test('ranges are asked for without content encoding', async () => {
    await (await open()).get('a.bin', range)
    expect(server.asked[0]!.headers).toMatchObject({ range: 'bytes=10-29', 'accept-encoding': 'identity' })
  })
})

describe('what the server answers', () => {
  test.each([429, 500, 502, 503, 504])('%i passes: asked again', async (status) => {
    server.fault({ status, times: 2 })
    expect((await (await open()).get('folder/b'))?.length).toBe(3)
    expect(server.asked.length).toBe(3)
  })

  test('Retry-After is waited for', async () => {
    server.fault({ status: 429, headers: { 'Retry-After': '1' }, times: 1 })
    const start = performance.now()
    await (await open()).get('folder/b')
    expect(performance.now() - start).toBeGreaterThan(950)
  })

  test('a Retry-After beyond the time there is: failed at once', async () => {
    server.fault({ status: 503, headers: { 'Retry-After': '3600' } })
    expect((await failure((await open()).get('folder/b'))).message).toContain('status 503')
    expect(server.asked.length).toBe(1)
  })

  test.each([400, 402, 405, 501])('%i will not get better: no second request', async (status) => {
    server.fault({ status })
    expect((await failure((await open()).get('folder/b'))).message).toContain(`status ${status}`)
    expect(server.asked.length).toBe(1)
  })

  test.each([401, 403])('%i is a matter of credentials, not a missing object', async (status) => {
    server.fault({ status })
    expect((await failure((await open()).get('folder/b'))).message).toContain('credentials')
  })

  test('403 for what is missing, once the metadata was read: missing, as long as it can be', async () => {
    server.fault({ forbidden: true })
    const store = await open()
    expect(await failure(store.get('chunk'))).toBeInstanceOf(UpstreamError)
    await store.get('a.bin')
    store.metadataRead!('a.bin')
    expect([await store.get('chunk'), await store.get('chunk', { start: 0, length: 4 }), await store.stat('chunk')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('403 once the metadata cannot be read any more: credentials, not black voxels', async () => {
    const store = await open()
    await store.get('a.bin')
    store.metadataRead!('a.bin')
    server.fault({ forbidden: true, when: ({ key }) => key.endsWith('chunk') })
    expect(await store.get('chunk')).toBeUndefined()
    server.heal().fault({ status: 403 })
    expect((await failure(store.get('chunk'))).message).toContain('credentials')
  })

  test('a length that nobody says is asked for', async () => {
    server.fault({ contentRange: (value) => value.replace(/\d+$/, '*') })
    const file = (await (await open()).open('big'))!
    expect(file.size).toBe(BIG.length)
  })

  test('a body that says it is compressed and is not: damaged', async () => {
    server.fault({ claimGzip: true })
    expect(await failure((await open()).get('a.bin'))).toBeInstanceOf(CorruptChunk)
  })

  test.each(['before', 'reset', 'middle'] as const)('the connection ends (%s): asked again', async (cut) => {
    server.fault({ cut, times: 2 })
    expect(await (await open()).get('a.bin')).toEqual(STORED['a.bin']!)
  })

  test('nothing failed is kept', async () => {
    server.fault({ status: 500 })
    const store = await open()
    await failure(store.get('folder/b'))
    server.heal()
    expect((await store.get('folder/b'))?.length).toBe(3)
  })
})

describe('time', () => {
  test('no first byte: given up, asked again', async () => {
    server.fault({ delayMs: 1000, times: 1 })
    expect((await (await open({ firstByteMs: 150 })).get('folder/b'))?.length).toBe(3)
  })

  test('no further byte: given up, asked again', async () => {
    server.fault({ dripMs: 600, times: 1 })
    expect((await (await open({ idleMs: 150 })).get('folder/b'))?.length).toBe(3)
  })

  test('a slow drip ends when the time for all is over', async () => {
    server.fault({ dripMs: 20 })
    const start = performance.now()
    const error = await failure((await open({ totalMs: 500 })).get('a.bin'))
    expect(error).toBeInstanceOf(UpstreamError)
    expect(performance.now() - start).toBeLessThan(2000)
  })

  test('who only waits in line does not blame the server', async () => {
    server.latencyMs = 400
    const store = await open({ parallel: 1, totalMs: 500 })
    const all = await Promise.allSettled(Array.from({ length: 12 }, () => store.get('folder/b')))
    server.latencyMs = 0
    expect(all.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(8)
    expect((await store.get('folder/b'))?.length).toBe(3)
  })

  test('an abort ends it at once, with its reason', async () => {
    server.fault({ delayMs: 3000 })
    const reason = new Error('the reader left')
    const store = await open()
    const start = performance.now()
    for (const range of [undefined, { start: 0, length: 5 }]) {
      const controller = new AbortController()
      setTimeout(() => controller.abort(reason), 50)
      expect(await failure(store.get('a.bin', range, controller.signal))).toBe(reason)
    }
    expect(performance.now() - start).toBeLessThan(1500)
  })

  test('no more requests at a time than allowed', async () => {
    server.latencyMs = 30
    server.mostOpen = server.open
    const store = await open({ parallel: 4 })
    await Promise.all(Array.from({ length: 24 }, () => store.get('folder/b')))
    server.latencyMs = 0
    expect(server.mostOpen).toBeLessThanOrEqual(server.open + 4)
    expect(server.asked.length).toBe(24)
  })
})

describe('ranges of one object asked for together', () => {
  test('lie next to each other: one request, the right bytes for each', async () => {
    const store = await open()
    const starts = [5000, 0, 1000, 4000, 2000, 3000]
    const parts = await Promise.all(starts.map((start) => store.get('big', { start, length: 1000 })))
    for (const [n, start] of starts.entries()) expect(parts[n]).toEqual(BIG.slice(start, start + 1000))
    expect(server.asked.map(({ headers }) => headers['range'])).toEqual(['bytes=0-5999'])
  })

  test('lie far apart: one request each', async () => {
    const store = await open()
    await Promise.all([0, 100_000, 200_000].map((start) => store.get('big', { start, length: 1000 })))
    expect(server.asked.length).toBe(3)
  })

  test('overlap, reach beyond the end, lie behind it', async () => {
    const store = await open()
    const [a, b, c] = await Promise.all([
      store.get('big', { start: 299_000, length: 800 }),
      store.get('big', { start: 299_500, length: 800 }),
      store.get('big', { start: 300_100, length: 800 }),
    ])
    expect([a, b, c]).toEqual([BIG.slice(299_000, 299_800), BIG.slice(299_500), new Uint8Array()])
    expect(server.asked.length).toBe(1)
  })

  test('one reader leaves, the other gets its bytes', async () => {
    server.fault({ delayMs: 100 })
    const store = await open()
    const controller = new AbortController()
    const first = failure(store.get('big', { start: 0, length: 10 }, controller.signal))
    const second = store.get('big', { start: 10, length: 10 })
    setTimeout(() => controller.abort(new Error('gone')), 20)
    expect((await first).message).toBe('gone')
    expect(await second).toEqual(BIG.slice(10, 20))
  })
})

describe('an open object', () => {
  test('many small reads cost few requests', async () => {
    const file = (await (await open()).open('big'))!
    for (let at = 0; at < 130_000; at += 500) {
      const target = new Uint8Array(500)
      await file.read(target, at)
      expect(target).toEqual(BIG.slice(at, at + 500))
    }
    expect(server.asked.length).toBe(2)
  })

  test('a small read over the border of two blocks is one request, and each block is remembered', async () => {
    const file = (await (await open()).open('big'))!
    for (const at of [2 * 65_536 - 7, 2 * 65_536 - 9_999, 3 * 65_536 - 10_000, 65_536]) {
      const target = new Uint8Array(10_000)
      await file.read(target, at)
      expect(target).toEqual(BIG.slice(at, at + 10_000))
    }
    expect(server.asked.map(({ headers }) => headers['range'])).toEqual(['bytes=0-65535', 'bytes=65536-196607'])
    await file.read(new Uint8Array(0), 4 * 65_536)
    expect(server.asked.length).toBe(2)
  })

  test('one of the two fails: so does the read, and nothing else', async () => {
    const file = (await (await open()).open('big'))!
    await file.read(new Uint8Array(100), 70_000)
    server.fault({ status: 404, when: ({ headers }) => headers['range'] === 'bytes=131072-196607' })
    expect(await failure(Promise.resolve(file.read(new Uint8Array(100), 131_000)))).toBeInstanceOf(FileChanged)
  })

  test('an uncompressed bucket is exactly its range, in one request', async () => {
    const file = (await (await open()).open('big'))!
    const target = new Uint8Array(32_768)
    await file.read(target, 32_768 + 32_768 + 16)
    expect(target).toEqual(BIG.slice(65_552, 98_320))
    expect(server.asked.at(-1)!.headers['range']).toBe('bytes=65552-98319')
  })

  test('a large read is exactly that range', async () => {
    const file = (await (await open()).open('big'))!
    const target = new Uint8Array(100_000)
    await file.read(target, 70_000)
    expect(target).toEqual(BIG.slice(70_000, 170_000))
    expect(server.asked.at(-1)!.headers['range']).toBe('bytes=70000-169999')
  })

  test('changed while it is read: said, not mixed', async () => {
    const file = (await (await open()).open('big'))!
    server.objects.set('data set/big', BIG.slice().reverse())
    expect(await failure(Promise.resolve(file.read(new Uint8Array(100_000), 100_000)))).toBeInstanceOf(FileChanged)
    expect(await file.isCurrent()).toBe(false)
  })

  test('an answer with another ETag once: asked again', async () => {
    const file = (await (await open()).open('big'))!
    server.fault({ headers: { ETag: '"other"' }, times: 1 })
    const target = new Uint8Array(100_000)
    await file.read(target, 100_000)
    expect(target).toEqual(BIG.slice(100_000, 200_000))
  })
})

describe('a server that only fails', () => {
  test('is left alone after some failures, and tried again by itself', async () => {
    server.fault({ cut: 'reset' })
    const store = await open()
    await Promise.all(Array.from({ length: 8 }, () => failure(store.get('folder/b'))))
    const before = server.asked.length
    const start = performance.now()
    expect((await failure(store.get('folder/b'))).message).toContain('left alone')
    expect(performance.now() - start).toBeLessThan(100)
    expect(server.asked.length).toBe(before)
    server.heal()
    await Bun.sleep(4100)
    expect((await store.get('folder/b'))?.length).toBe(3)
  }, 15_000)
})

describe('redirects', () => {
  const to = (location: string, status = 302) =>
    server.fault({ status, headers: { Location: location }, when: ({ key }) => key.endsWith('away') })
  test('are followed, with the range', async () => {
    to('/data%20set/a.bin')
    expect(await (await open()).get('away', { start: 1, length: 2 })).toEqual(STORED['a.bin']!.slice(1, 3))
  })

  test('in circles end', async () => {
    to('/data%20set/away')
    expect(await failure((await open()).get('away'))).toBeInstanceOf(Unusable)
    expect(server.asked.length).toBe(6)
  })

  test.each(['file:///etc/passwd', 'ftp://host/x', 'gopher://x'])('to %s are not followed', async (location) => {
    to(location)
    expect(await failure((await open()).get('away'))).toBeInstanceOf(Unusable)
  })

  test('to another server leave the credentials behind', async () => {
    await using other = await ObjectServer.start({ there: Uint8Array.of(1) })
    to(`${other.url}/there`)
    const store = await openTrusted(`${server.url}/data%20set`, {}, { token: 'hidden-from-others' })
    expect(await store.get('away')).toEqual(Uint8Array.of(1))
    expect(server.asked[0]!.headers['authorization']).toBe('Bearer hidden-from-others')
    expect(other.asked[0]!.headers['authorization']).toBeUndefined()
  })
})

test.each(['../../secret', '..', 'a/../../../b'])('the key %s leads out of nothing', async (key) => {
  const error = await failure(
    (await open()).get(key).then((bytes) => (bytes === undefined ? Promise.reject(new Unusable('missing')) : bytes)),
  )
  expect(error).toBeInstanceOf(Unusable)
  expect(server.asked.every(({ key: asked }) => !asked.includes('..'))).toBe(true)
})
