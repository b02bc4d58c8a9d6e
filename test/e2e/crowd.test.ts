/** Many at once: what is too much is told to come again, what is long lets what is short pass, who leaves is not worked for. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'
import { ObjectServer } from '../support/object-server.ts'
import { serveFolder } from '../support/serve-folder.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

let objects: ObjectServer
beforeAll(async () => {
  objects = await serveFolder(join(GOLDEN, 'data'))
})
afterAll(() => objects?.[Symbol.asyncDispose]())

const BUCKETS = JSON.stringify([{ position: [0, 0, 0], mag: [1, 1, 1], cubeSize: 32 }])
const post = (server: RunningBinary, dataset: string, layer: string, signal?: AbortSignal) =>
  server.get(`/data/datasets/sample_organization/${dataset}/layers/${layer}/data`, {
    method: 'POST',
    body: BUCKETS,
    headers: { 'Content-Type': 'application/json' },
    ...(signal && { signal }),
  })
const metric = async (server: RunningBinary, name: string): Promise<number> =>
  Number(new RegExp(`^${name.replace(/[{}"]/g, '\\$&')} (\\S+)$`, 'm').exec(await (await server.get('/metrics')).text())?.[1] ?? Number.NaN)

/** A server with one dataset whose chunks lie on a server that waits. */
async function farAway(...flags: string[]): Promise<{ server: RunningBinary; data: string; layer: string }> {
  objects.heal().latencyMs = 0
  const data = emptyFolder()
  const entry = { neuroglancer: { sample_organization: { far: { layers: { em: { source: `${objects.url}/precomputed/raw_uint8` } } } } } }
  writeFileSync(join(data, 'datasets.json'), JSON.stringify(entry))
  writeTinyTiff(join(data, 'sample_organization/near/near.tif'), 64, 64)
  const server = await RunningBinary.start(['--threads', '1', '--cache', '0', '--data', data, ...flags])
  for (let tries = 0; tries < 200; tries++) {
    if ((await server.list()).every(({ status }) => status === 'ok')) return { server, data, layer: 'em' }
    await Bun.sleep(50)
  }
  throw new Error('it was not opened')
}

test('more requests than --max-requests are told to come again, and are welcome when there is room', async () => {
  const { server, layer } = await farAway('--max-requests', '3')
  await using _server = server
  objects.latencyMs = 1500
  const first = [0, 1, 2].map(() => post(server, 'far', layer))
  for (let tries = 0; tries < 100 && (await metric(server, 'wkconnect_voxel_requests')) < 3; tries++) await Bun.sleep(10)
  for (const answer of [
    await post(server, 'near', 'near'),
    await server.get('/data/datasets/sample_organization/near/layers/near/data?x=0&y=0&z=0&width=4&height=4&depth=1&mag=1-1-1'),
    await server.get('/data/zarr/sample_organization/near/near/1/0.0.0.0'),
  ]) {
    expect([answer.status, answer.headers.get('Retry-After'), answer.headers.get('Access-Control-Allow-Origin')]).toEqual([429, '1', '*'])
    expect(((await answer.json()) as { messages: { error: string }[] }).messages[0]!.error).toMatch(/3 requests for voxels under way/)
  }
  expect((await server.get('/data/health')).status).toBe(200)
  expect((await server.get('/data/datasets/sample_organization/near')).status).toBe(200)
  expect(await metric(server, 'wkconnect_voxel_requests_refused_total')).toBe(3)
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200, 200])
  objects.latencyMs = 0
  expect((await post(server, 'near', 'near')).status).toBe(200)
  expect(await metric(server, 'wkconnect_voxel_requests')).toBe(0)
}, 30_000)

test('for a client that has left nothing more is fetched, and its place is free', async () => {
  const { server, layer } = await farAway('--max-requests', '1')
  await using _server = server
  objects.latencyMs = 8000
  const away = new AbortController()
  const left = post(server, 'far', layer, away.signal).catch(() => 'left')
  // all chunks of the bucket are asked for at once
  let asked = -1
  while (asked <= 0 || asked !== objects.asked.length) {
    asked = objects.asked.length
    await Bun.sleep(300)
  }
  expect(objects.owed).toBeGreaterThan(0)
  away.abort()
  expect(await left).toBe('left')
  // long before the slow server would have answered
  for (let tries = 0; tries < 100 && (await metric(server, 'wkconnect_voxel_requests')) > 0; tries++) await Bun.sleep(20)
  expect(await metric(server, 'wkconnect_voxel_requests')).toBe(0)
  for (let tries = 0; tries < 100 && objects.owed > 0; tries++) await Bun.sleep(20)
  expect(objects.owed).toBe(0)
  expect(await metric(server, 'wkconnect_in_flight_bytes')).toBe(0)
  objects.latencyMs = 0
  expect((await post(server, 'far', layer)).status).toBe(200)
}, 30_000)

test('an answer that had to be waited for is sent in few pieces', async () => {
  const { server, layer } = await farAway()
  await using _server = server
  objects.latencyMs = 50
  const { hostname, port } = new URL(server.url)
  const path = `/data/datasets/sample_organization/far/layers/${layer}/data`
  const { promise, resolve } = Promise.withResolvers<string>()
  let said = ''
  let pieces = 0
  const socket = connect(Number(port), hostname).on('data', (bytes) => {
    pieces++
    said += bytes.toString('latin1')
    // the end of a chunked body
    if (said.endsWith('\r\n0\r\n\r\n') || /content-length/i.test(said)) resolve(said)
  })
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\nContent-Length: ${BUCKETS.length}\r\n\r\n${BUCKETS}`,
  )
  expect(await promise).toMatch(/^HTTP\/1.1 200 OK/)
  socket.destroy()
  // the runtime would send each part of each header by itself
  expect(pieces).toBeLessThan(8)
}, 30_000)

test('large cuboids under way do not hold up buckets', async () => {
  const data = emptyFolder()
  mkdirSync(join(data, 'sample_organization'), { recursive: true })
  writeTinyTiff(join(data, 'sample_organization/deep/deep.tif'), 512, 512, 1, 256)
  await using server = await RunningBinary.start(['--threads', '1', '--cache', '0', '--data', data])
  await server.list()
  const box = 'x=0&y=0&z=0&width=512&height=512&depth=256&mag=1-1-1'
  const order: string[] = []
  const cuboids = Array.from({ length: 6 }, async () => {
    const answer = await server.get(`/data/datasets/sample_organization/deep/layers/deep/data?${box}`)
    expect((await answer.bytes()).length).toBe(512 * 512 * 256)
    order.push('cuboid')
  })
  for (let tries = 0; tries < 200 && (await metric(server, 'wkconnect_voxel_requests')) < 6; tries++) await Bun.sleep(1)
  const buckets = Array.from({ length: 10 }, async () => {
    expect((await post(server, 'deep', 'deep')).status).toBe(200)
    order.push('bucket')
  })
  await Promise.all(buckets)
  await Promise.all(cuboids)
  // asked after all cuboids, answered before most of them are read
  expect(order.indexOf('bucket')).toBeLessThan(5)
  expect(order.lastIndexOf('bucket')).toBeLessThan(order.lastIndexOf('cuboid'))
  expect(await metric(server, 'wkconnect_voxel_requests')).toBe(0)
}, 60_000)

/** Clients that ask for a cuboid each and never read the answer. */
function deafClients(server: RunningBinary, path: string, count: number): Disposable {
  const { hostname, port } = new URL(server.url)
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(Number(port), hostname)
    socket.pause().on('error', () => {})
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
    return socket
  })
  return {
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('cuboids that are asked for and not read take no memory from buckets', async () => {
  const data = emptyFolder()
  writeTinyTiff(join(data, 'sample_organization/deep/deep.tif'), 512, 512, 1, 128)
  await using server = await RunningBinary.start(['--threads', '1', '--cache', '0', '--data', data])
  await server.list()
  const path = '/data/datasets/sample_organization/deep/layers/deep/data?x=0&y=0&z=0&width=512&height=512&depth=120&mag=1-1-1'
  {
    using _deaf = deafClients(server, path, 20)
    for (let tries = 0; tries < 500 && !((await metric(server, 'wkconnect_waiting{for="answer"}')) > 0); tries++) await Bun.sleep(10)
    expect(await metric(server, 'wkconnect_waiting{for="answer"}')).toBeGreaterThan(0)
    expect((await post(server, 'deep', 'deep')).status).toBe(200)
  }
  for (let tries = 0; tries < 500 && (await metric(server, 'wkconnect_in_flight_bytes')) > 0; tries++) await Bun.sleep(10)
  expect([await metric(server, 'wkconnect_in_flight_bytes'), await metric(server, 'wkconnect_voxel_requests')]).toEqual([0, 0])
}, 60_000)

test('a server far away that does not answer does not hold up cuboids from here', async () => {
  const { server, data } = await farAway()
  await using _server = server
  const size = 256
  writeTinyTiff(join(data, 'sample_organization/deep/deep.tif'), size, size, 1, 80)
  await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
  objects.latencyMs = 8000
  const cuboid = (dataset: string, layer: string, signal?: AbortSignal) =>
    server.get(
      `/data/datasets/sample_organization/${dataset}/layers/${layer}/data?x=0&y=0&z=0&width=${size}&height=${size}&depth=80&mag=1-1-1`,
      signal && { signal },
    )
  const away = new AbortController()
  const far = Array.from({ length: 6 }, () => cuboid('far', 'em', away.signal).catch(() => 'left'))
  for (let tries = 0; tries < 200 && (await metric(server, 'wkconnect_waiting{for="slab"}')) === 0; tries++) await Bun.sleep(10)
  expect((await cuboid('deep', 'deep')).status).toBe(200)
  // those are still waiting
  expect(await metric(server, 'wkconnect_voxel_requests')).toBe(6)
  away.abort()
  expect(await Promise.all(far)).toEqual(new Array(6).fill('left'))
  objects.latencyMs = 0
}, 60_000)

test('who has left is no trouble and no failure, and takes nothing from who waits for the same', async () => {
  const { server, layer } = await farAway()
  await using _server = server
  objects.latencyMs = 1500
  const requests = (signal: AbortSignal) => [
    post(server, 'far', layer, signal),
    server.get(`/data/zarr/sample_organization/far/${layer}/1/0.0.0.0`, { signal }),
    server.get(`/data/datasets/sample_organization/far/layers/${layer}/data?x=0&y=0&z=0&width=8&height=8&depth=8&mag=1-1-1`, { signal }),
  ]
  const away = new AbortController()
  const left = requests(away.signal).map((answer) => answer.catch(() => 'left'))
  const stays = post(server, 'far', layer)
  for (let tries = 0; tries < 100 && (await metric(server, 'wkconnect_voxel_requests')) < 4; tries++) await Bun.sleep(10)
  away.abort()
  expect(await Promise.all(left)).toEqual(['left', 'left', 'left'])
  for (let tries = 0; tries < 100 && (await metric(server, 'wkconnect_voxel_requests')) > 1; tries++) await Bun.sleep(10)
  expect((await (await stays).bytes()).length).toBe(32 ** 3)
  objects.latencyMs = 0
  expect(await metric(server, 'wkconnect_requests_total{route="data",status="499"}')).toBe(2)
  expect(await metric(server, 'wkconnect_requests_total{route="zarr",status="499"}')).toBe(1)
  expect(await metric(server, 'wkconnect_buckets_total{outcome="failure"}')).toBe(0)
  expect(server.log).not.toMatch(/closed|aborted|layer em: |GET \//)
}, 30_000)

test('a cuboid sent in pieces to who has left is not read to its end', async () => {
  await using slices = await ObjectServer.start()
  slices.objects.set('info', Buffer.from(JSON.stringify(deepInfo)))
  const chunk = new Uint8Array(64 ** 3).fill(7)
  slices.answer(({ key }) => (key.startsWith('1/') ? new Response(chunk) : undefined))
  const data = emptyFolder()
  const entry = { neuroglancer: { sample_organization: { far: { layers: { em: { source: slices.url } } } } } }
  writeFileSync(join(data, 'datasets.json'), JSON.stringify(entry))
  await using server = await RunningBinary.start(['--threads', '1', '--cache', '0', '--data', data])
  expect((await server.list()).map(({ status }) => status)).toEqual(['ok'])
  const path = '/data/datasets/sample_organization/far/layers/em/data?x=0&y=0&z=0&width=512&height=512&depth=512&mag=1-1-1'
  const chunks = () => new Set(slices.asked.filter(({ key }) => key.startsWith('1/')).map(({ key }) => key)).size
  {
    using _deaf = deafClients(server, path, 1)
    for (let tries = 0; tries < 500 && chunks() < 64; tries++) await Bun.sleep(10)
    expect(chunks()).toBeGreaterThanOrEqual(64)
  }
  for (let tries = 0; tries < 500 && (await metric(server, 'wkconnect_voxel_requests')) > 0; tries++) await Bun.sleep(10)
  const asked = chunks()
  expect([await metric(server, 'wkconnect_voxel_requests'), await metric(server, 'wkconnect_in_flight_bytes')]).toEqual([0, 0])
  expect(asked).toBeLessThan(512)
  await server.get('/data/health')
  expect(chunks()).toBe(asked)
}, 60_000)

/** 512³ voxels in raw chunks of 64³, an object each. */
const deepInfo = {
  type: 'image',
  data_type: 'uint8',
  num_channels: 1,
  scales: [
    { key: '1', size: [512, 512, 512], voxel_offset: [0, 0, 0], resolution: [1, 1, 1], chunk_sizes: [[64, 64, 64]], encoding: 'raw' },
  ],
}
