/** /metrics of the executable: what is counted, who may see it, and that nobody can make it grow. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'
import { serveFolder } from '../support/serve-folder.ts'

const valuesOf = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
const metricsOf = async (server: RunningBinary) => valuesOf(await (await server.get('/metrics')).text())
/** Its beginning, over all labels. */
const total = (values: Map<string, number>, beginning: string): number =>
  [...values].reduce((sum, [name, value]) => sum + (name.startsWith(beginning) ? value : 0), 0)

describe('a server with datasets on disk and on another server', () => {
  let server: RunningBinary
  let remote: Awaited<ReturnType<typeof serveFolder>>
  beforeAll(async () => {
    const data = emptyFolder()
    cpSync(join(GOLDEN, 'data/wkw/uint16_lz4'), join(data, 'secretlab/hiddenname'), { recursive: true })
    remote = await serveFolder(join(GOLDEN, 'data/wkw/uint16_lz4'))
    writeFileSync(join(data, 'datasets.json'), JSON.stringify({ wkw: { secretlab: { far: { path: remote.url } } } }))
    server = await RunningBinary.start(['--data', data, '--stored-mags-only'])
    await server.list()
  })
  afterAll(async () => {
    await server?.stop()
    await remote?.[Symbol.asyncDispose]()
  })

  test('counts requests, buckets by outcome, cache, decoding and reading', async () => {
    const before = await metricsOf(server)
    const { layers } = (await server.list()).find(({ name }) => name === 'hiddenname')!
    const layer = layers[0]!.name
    const ask = [0, 1_000_000].map((x) => ({ position: [x, 0, 0], mag: [1, 1, 1], cubeSize: 32 }))
    const answer = await server.buckets('secretlab/hiddenname', layer, ask)
    expect([answer.status, answer.headers.get('Empty-Bucket-Indices')]).toEqual([200, '[1]'])
    expect((await server.buckets('secretlab/none', layer, ask)).status).toBe(404)
    const after = await metricsOf(server)
    const more = (name: string) => total(after, name) - total(before, name)
    expect(more('wkconnect_buckets_total{outcome="data"}')).toBe(1)
    expect(more('wkconnect_buckets_total{outcome="empty"}')).toBe(1)
    expect(more('wkconnect_buckets_total{outcome="failure"}')).toBe(0)
    expect(more('wkconnect_requests_total{route="data",status="200"}')).toBe(1)
    expect(more('wkconnect_requests_total{route="data",status="404"}')).toBe(1)
    expect(more('wkconnect_request_seconds_count{route="data"}')).toBe(2)
    expect(more('wkconnect_cache_misses_total')).toBeGreaterThan(0)
    expect(more('wkconnect_decode_operations_total{format="wkw",codec="lz4",thread="serving"}')).toBeGreaterThan(0)
    expect(more('wkconnect_store_bytes_total{format="wkw",store="file"}')).toBeGreaterThan(0)
    expect(total(after, 'wkconnect_datasets{status="ok"}')).toBe(2)
    expect(total(after, 'wkconnect_resident_bytes')).toBeGreaterThan(1e7)
    expect(total(after, `wkconnect_remote_requests_total{origin="${remote.url}"}`)).toBeGreaterThan(0)
    expect(total(after, `wkconnect_remote_breaker_open{origin="${remote.url}"}`)).toBe(0)
    expect(total(after, 'wkconnect_event_loop_delay_seconds_count')).toBeGreaterThan(0)
  })

  test('thousands of odd requests add no line but those of statuses', async () => {
    const before = await metricsOf(server)
    for (let n = 0; n < 3000; n += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          server
            .get(`/${['odd', 'data/datasets', 'data/v5/datasets', 'data/v99999'][i % 4]}/u${n + i}/layers/l${i}/data?token=t${n}_${i}`, {
              method: ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'][i % 5]!,
            })
            .then((response) => response.arrayBuffer()),
        ),
      )
    }
    for (let n = 0; n < 20; n++) await rawRequest(server.url, `BREW${n} /metrics?${n}`)
    const text = await (await server.get('/metrics')).text()
    const after = valuesOf(text)
    const grown = [...after.keys()].filter((name) => !before.has(name))
    expect(grown.filter((name) => !/^wkconnect_requests_total\{route="\w+",status="\d{3}"\}$/.test(name))).toEqual([])
    expect(grown.length).toBeLessThan(20)
    expect(total(after, 'wkconnect_requests_total') - total(before, 'wkconnect_requests_total')).toBeGreaterThanOrEqual(3000)
    for (const secret of ['secretlab', 'hiddenname', 'u2999', 't29', 'BREW', GOLDEN]) expect(text).not.toContain(secret)
  })

  test('docs/inside.md has a row for each metric, and no other', async () => {
    const text = await (await server.get('/metrics')).text()
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!)
    const page = readFileSync(join(import.meta.dir, '../../docs/inside.md'), 'utf8')
    expect([...page.matchAll(/^\| `(wkconnect_\w+)`/gm)].map(([, name]) => name!).sort()).toEqual(names.sort())
  })
})

test('where a token is asked for, it is asked for here', async () => {
  await using server = await RunningBinary.start(['--data', emptyFolder(), '--require-token', '--admin-token', 'geheim'])
  expect((await server.get('/metrics')).status).toBe(403)
  expect((await server.get('/metrics?token=other')).status).toBe(403)
  const answer = await server.get('/metrics', { headers: { 'X-Auth-Token': 'geheim' } })
  expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect(await answer.text()).not.toContain('geheim')
})

/** A method that `fetch` would not send. */
function rawRequest(url: string, line: string): Promise<void> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.end(`${line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`))
    socket.on('error', () => resolve()).on('close', () => resolve())
    socket.resume()
  })
}
