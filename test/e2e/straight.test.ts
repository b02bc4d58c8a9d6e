/** Buckets and Zarr are answered past the framework, but for `--log-requests`: whichever way a request goes, the answer is the same. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

const data = emptyFolder()
const NAMES = ['plain', 'with blank', 'ümlaut 試料', 'per%cent', 'plus+sign']
let straight: RunningBinary
let framed: RunningBinary
let id: string

beforeAll(async () => {
  for (const name of NAMES) cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), join(data, 'lab', name), { recursive: true })
  const args = ['--data', data, '--admin-token', 'secret', '--require-token']
  ;[straight, framed] = await Promise.all([RunningBinary.start(args), RunningBinary.start([...args, '--log-requests'])])
  id = (await straight.list('secret')).find(({ name }) => name === 'plain')!.id
}, 60_000)
afterAll(() => Promise.all([straight.stop(), framed.stop()]))

const ONE = JSON.stringify([{ position: [0, 0, 0], mag: [1, 1, 1], cubeSize: 32, fourBit: false }])
const MIXED = JSON.stringify([
  { position: [0, 0, 0], zoomStep: 0, cubeSize: 32, fourBit: true },
  { position: [1e6, 0, 0], mag: [1, 1, 1], cubeSize: 32 },
  { position: [0, 0, 0], mag: [1, 1, 1], cubeSize: 999 },
])
const TOKEN = '?token=secret'
const GET = { method: 'GET' }
/** Whether an answer has its length depends on whether the event loop went round meanwhile. */
const CHANCE = new Set(['date', 'content-length', 'transfer-encoding'])

const asks: readonly (readonly [what: string, path: string | (() => string), init: RequestInit])[] = [
  ...NAMES.map((name) => [name, `/data/datasets/lab/${encodeURIComponent(name)}/layers/color/data${TOKEN}`, { body: ONE }] as const),
  ['by id', () => `/data/datasets/${id}/layers/color/data${TOKEN}`, { body: ONE }],
  ['of a version', `/data/v9/datasets/lab/plain/layers/color/data${TOKEN}`, { body: ONE }],
  ['of a version nobody has', `/data/v99/datasets/lab/plain/layers/color/data${TOKEN}`, { body: ONE }],
  ['of a version that is none', `/data/vx/datasets/lab/plain/layers/color/data${TOKEN}`, { body: ONE }],
  ['half bytes, outside, too large', `/data/datasets/lab/plain/layers/color/data${TOKEN}`, { body: MIXED }],
  ['no buckets', `/data/datasets/lab/plain/layers/color/data${TOKEN}`, { body: '[]' }],
  ['not JSON', `/data/datasets/lab/plain/layers/color/data${TOKEN}`, { body: '[{' }],
  ['no body', `/data/datasets/lab/plain/layers/color/data${TOKEN}`, {}],
  ['another shape', `/data/datasets/lab/plain/layers/color/data${TOKEN}`, { body: '[{"position":[0,0]}]' }],
  ['as a form', `/data/datasets/lab/plain/layers/color/data${TOKEN}`, { body: ONE, headers: { 'Content-Type': 'text/plain' } }],
  ['the token in a header', '/data/datasets/lab/plain/layers/color/data', { body: ONE, headers: { 'X-Auth-Token': 'secret' } }],
  ['without a token', '/data/datasets/lab/plain/layers/color/data', { body: ONE }],
  ['an unknown dataset', `/data/datasets/lab/nothing/layers/color/data${TOKEN}`, { body: ONE }],
  ['an unknown layer', `/data/datasets/lab/plain/layers/nothing/data${TOKEN}`, { body: ONE }],
  ['a path that leads out', `/data/datasets/lab/..%2fplain/layers/color/data${TOKEN}`, { body: ONE }],
  ['an odd escape', `/data/datasets/lab/pl%61in/layers/color/data${TOKEN}`, { body: ONE }],
  ['a broken escape', `/data/datasets/lab/pl%zzain/layers/color/data${TOKEN}`, { body: ONE }],
  ['a slash at the end', `/data/datasets/lab/plain/layers/color/data/${TOKEN}`, { body: ONE }],
  ['another method', `/data/datasets/lab/plain/layers/color/data${TOKEN}`, { method: 'PUT', body: ONE }],
  ...['', '/'].map((end) => [`Zarr: the dataset${end}`, `/data/zarr/lab/plain${end}${TOKEN}`, GET] as const),
  ...NAMES.map((name) => [`Zarr: ${name}`, `/data/zarr/lab/${encodeURIComponent(name)}/color/.zattrs${TOKEN}`, GET] as const),
  ['Zarr: documents', `/data/v9/zarr/lab/plain/color/1/.zarray${TOKEN}`, GET],
  ['Zarr: v3', `/data/zarr3_experimental/lab/plain/color/1/zarr.json${TOKEN}`, GET],
  ['Zarr: another order', `/data/zarr-zyx/lab/plain/color/1/.zarray${TOKEN}`, GET],
  ['Zarr: all planes', `/data/zarr-planes/lab/plain/color/1/.zarray${TOKEN}`, GET],
  ['Zarr: by id', () => `/data/zarr/${id}/color/1/0.0.0.0${TOKEN}`, GET],
  ['Zarr: a chunk', `/data/zarr/lab/plain/color/1/0.0.0.0${TOKEN}`, GET],
  ['Zarr: its head', `/data/zarr/lab/plain/color/1/0.0.0.0${TOKEN}`, { method: 'HEAD' }],
  ['Zarr: a range', `/data/zarr/lab/plain/color/1/0.0.0.0${TOKEN}`, { method: 'GET', headers: { Range: 'bytes=5-99' } }],
  ['Zarr: nothing stored', `/data/zarr/lab/plain/color/1/0.99.0.0${TOKEN}`, GET],
  ['Zarr: a file there is none of', `/data/zarr/lab/plain/color/1/.nothing${TOKEN}`, GET],
  ['Zarr: a version that is none', `/data/vx/zarr/lab/plain/color/1/.zarray${TOKEN}`, GET],
  ['Zarr: without a token', '/data/zarr/lab/plain/color/1/0.0.0.0', GET],
  ['Zarr: an encoded slash', `/data/zarr/lab/pl%2fain/color/1/.zarray${TOKEN}`, GET],
  ['Zarr: written to', `/data/zarr/lab/plain/color/1/.zarray${TOKEN}`, { method: 'PUT', body: '{}' }],
  ['Zarr: nothing named', `/data/zarr/${TOKEN}`, GET],
  ['Zarr: no slash', `/data/zarr${TOKEN}`, GET],
]

test.each(asks)('%s', async (_, path, init) => {
  const answers = await Promise.all(
    [straight, framed].map(async (server) => {
      const response = await server.get(typeof path === 'string' ? path : path(), { method: 'POST', ...init })
      const headers = [...response.headers].filter(([name]) => !CHANCE.has(name)).sort()
      return { status: response.status, headers, bytes: Buffer.from(await response.arrayBuffer()).toString('latin1') }
    }),
  )
  expect(answers[0]).toEqual(answers[1]!)
})

test('what is compared is voxels, and the two ways are two', async () => {
  const read = (server: RunningBinary) => server.get(`/data/datasets/lab/plain/layers/color/data${TOKEN}`, { method: 'POST', body: ONE })
  expect((await (await read(straight)).bytes()).length).toBe(32 ** 3)
  await read(framed)
  expect([straight.log.includes('POST /data'), framed.log.includes('POST /data')]).toEqual([false, true])
})
