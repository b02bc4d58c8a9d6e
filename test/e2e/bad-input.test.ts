/** Whatever is wrong with a request: the documented status and body, and never a 500 or a stack (protocol.md 0.2). */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

const data = emptyFolder()
const NAMES = ['plain', 'with blank', 'dots.in.it', 'ümlaut 試料', "quote'&<b>", 'per%cent', 'plus+sign']
let server: RunningBinary
let id: string

beforeAll(async () => {
  for (const name of NAMES) cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), join(data, 'lab', name), { recursive: true })
  server = await RunningBinary.start(['--data', data, '--admin-token', 'secret'])
  id = (await server.list()).find(({ name }) => name === 'plain')!.id
}, 60_000)
afterAll(() => server.stop())

const PLAIN = '/data/datasets/lab/plain/layers/color'

async function refused(path: string, status: number, init?: RequestInit): Promise<void> {
  const response = await server.get(path, init)
  const body = await response.text()
  const what = `${init?.method ?? 'GET'} ${path.slice(0, 120)}`
  expect([what, response.status, body]).toEqual([what, status, expect.any(String)])
  expect([what, response.headers.get('Access-Control-Allow-Origin')]).toEqual([what, '*'])
  expect(body).not.toMatch(/\n\s+at |node_modules|src\/|\/tmp\/|TypeError/)
  if (status === 403) return
  const json = JSON.parse(body) as { messages?: { error: string }[] } & Record<string, unknown>
  if (json.messages) expect(json.messages[0]!.error.length).toBeGreaterThan(5)
  // Play's report: object path → list of what is wrong there
  else
    for (const [place, problems] of Object.entries(json))
      expect([place, Array.isArray(problems)]).toEqual([expect.stringMatching(/^obj/), true])
}

const READ = [
  ['GET', 'thumbnail.jpg?width=9&height=9'],
  ['GET', 'thumbnail.json?width=9&height=9'],
  ['GET', 'histogram'],
  ['GET', 'findData'],
  ['GET', 'hasSegmentIndex'],
  ['GET', 'meshes'],
  ['GET', 'mappings'],
  ['GET', 'agglomerates'],
  ['GET', 'connectomes'],
  ['GET', 'mag1/x0/y0/z0/bucket.raw?cubeSize=8'],
  ['GET', 'data?x=0&y=0&z=0&width=1&height=1&depth=1&mag=1-1-1'],
  ['POST', 'data'],
  ['POST', 'readData'],
  ['POST', 'adHocMesh'],
] as const

describe('what is not there', () => {
  test.each(READ)('%s %s of an unknown dataset or layer is 404', async (method, rest) => {
    const init = { method, ...(method === 'POST' && { body: '[]' }) }
    for (const dataset of ['lab/nothing', 'nothing/plain', '0123456789abcdef01234567', 'lab/..%2fplain', 'lab/plain%00', 'lab/pl%61in%2f'])
      await refused(`/data/datasets/${dataset}/layers/color/${rest}`, 404, init)
    for (const layer of ['nothing', '..%2fcolor', '%2e%2e%2f', 'color%20', 'COLOR', 'constructor', '__proto__'])
      await refused(`/data/datasets/lab/plain/layers/${layer}/${rest}`, 404, init)
  })

  test.each([
    ['a route', '/data/datasets/lab/plain/layers/color/nothing', 'GET'],
    ['another route', '/data/nothing', 'GET'],
    ['the method', `${PLAIN}/histogram`, 'POST'],
    ['a path that climbs', '/data/../../etc/passwd', 'GET'],
    ['a version before 5', '/data/v4/datasets', 'GET'],
    ['a version 0', '/data/v0/health', 'GET'],
    ['a version that is none', '/data/vx/datasets', 'GET'],
    ['a long number', '/data/v99999999/datasets', 'GET'],
    ['a mag', `${PLAIN}/thumbnail.jpg?width=9&height=9&mag=32-32-32`, 'GET'],
    ['a mag of a cuboid', `${PLAIN}/data?x=0&y=0&z=0&width=1&height=1&depth=1&mag=7`, 'GET'],
    ['a mag of a Knossos cube', `${PLAIN}/mag64/x0/y0/z0/bucket.raw?cubeSize=8`, 'GET'],
    ['an annotation', '/data/annotations/zarr/abc/.zgroup', 'GET'],
  ])('%s is 404', (_, path, method) => refused(path, 404, { method }))
})

describe('query and path parameters that make no sense are 400', () => {
  const thumbnail = (query: string) => `${PLAIN}/thumbnail.jpg?${query}`
  const cuboid = (query: string) => `${PLAIN}/data?${query}`
  test.each([
    thumbnail(''),
    thumbnail('width=10'),
    thumbnail('width=0&height=10'),
    thumbnail('width=-1&height=10'),
    thumbnail('width=5001&height=10'),
    thumbnail('width=10&height=1e3'),
    thumbnail('width=99999999999999999999&height=1'),
    thumbnail('width=10&height=10&mag=2-2'),
    thumbnail('width=10&height=10&mag=0-0-0'),
    thumbnail('width=10&height=10&mag='),
    thumbnail('width=10&height=10&mag=1&x=a'),
    thumbnail('width=10&height=10&mag=1&x=1.5'),
    thumbnail('width=10&height=10&mag=1&color=red'),
    thumbnail('width=10&height=10&mag=1&color=%23ff'),
    thumbnail('width=10&height=10&mag=1&invertColor=maybe'),
    thumbnail('width=10&height=10&mag=1&intensityMin=a&intensityMax=1'),
    thumbnail('width=10&height=10&zoom=big'),
    thumbnail('width=10&height=10&centerX=1&centerY=b'),
    cuboid(''),
    cuboid('x=0&y=0&z=0&width=1&height=1&depth=1'),
    cuboid('x=0&y=0&z=0&width=1&height=1&depth=513&mag=1-1-1'),
    cuboid('x=0&y=0&z=0&width=-1&height=1&depth=1&mag=1-1-1'),
    cuboid('x=0&y=0&z=0&width=1e9&height=1&depth=1&mag=1-1-1'),
    cuboid('x=0&y=0&z=NaN&width=1&height=1&depth=1&mag=1-1-1'),
    cuboid('x=0&y=0&z=0&width=1&height=1&depth=1&mag=1-1-1&halfByte=perhaps'),
    cuboid('x=0&y=0&z=0&width=1&height=1&depth=1&mag=1-1-1&additionalCoordinates=[{]'),
    `${PLAIN}/mag1/x0/y0/z0/bucket.raw`,
    `${PLAIN}/mag1/x0/y0/z0/bucket.raw?cubeSize=0`,
    `${PLAIN}/mag1/x0/y0/z0/bucket.raw?cubeSize=9999`,
    `${PLAIN}/mag1/y0/x0/z0/bucket.raw?cubeSize=8`,
    `${PLAIN}/mag1/x0/y0/zz/bucket.raw?cubeSize=8`,
  ])('%s', (path) => refused(path, 400))
})

describe('bodies', () => {
  const send = (path: string, body: string, status: number, headers = {}) => refused(path, status, { method: 'POST', body, headers })
  test.each(['', '{', 'null', '"text"', '42', '{}', '[1]', '[[]]', '[null]', '[{}]', '[{"position":"0,0,0","mag":[1,1,1]}]'])(
    'buckets: %s is 400',
    (body) => send(`${PLAIN}/data`, body, 400),
  )

  test.each([
    '[{"position":[0,0],"mag":[1,1,1]}]',
    '[{"position":[0,0,0.5],"mag":[1,1,1]}]',
    '[{"position":[0,0,0]}]',
    '[{"position":[0,0,0],"mag":"1-1-1"}]',
    '[{"position":[0,0,0],"mag":[1,1,1],"cubeSize":"32"}]',
    '[{"position":[0,0,0],"mag":[1,1,1],"additionalCoordinates":{"t":1}}]',
    '[{"position":[0,0,0],"mag":[1,1,1],"additionalCoordinates":[{"name":"t"}]}]',
  ])('buckets: %s is 400 with the place of what is wrong', async (body) => {
    await send(`${PLAIN}/data`, body, 400)
    expect(await (await server.get(`${PLAIN}/data`, { method: 'POST', body })).text()).toMatch(/^\{"obj\[0\]/)
  })

  test.each([
    '{}',
    '[]',
    '{"position":[0,0,0],"cubeSize":[1,1,1]}',
    '{"position":[0,0,0],"cubeSize":[1,1,1],"mag":"1-1-1"}',
    '{"position":[0,0,0],"cubeSize":[0,1,1],"mag":[1,1,1]}',
    '{"position":[0,0,0],"cubeSize":[1,1,100000],"mag":[1,1,1]}',
    '{"position":[0,0,0],"cubeSize":[1,1,1],"mag":[1,1,1],"additionalCoordinates":[{"name":"t","value":0,"length":32}]}',
  ])('readData: %s is 400', (body) => send(`${PLAIN}/readData`, body, 400))

  test('readData of a mag that is not there is 404', () =>
    send(`${PLAIN}/readData`, '{"position":[0,0,0],"cubeSize":[1,1,1],"mag":[9,9,9]}', 404))

  test.each(['{', '{}', '{"layerParameters":[]}', '{"layerParameters":[{"remoteUri":5}]}', '{"layerParameters":[{"remoteUri":""}]}'])(
    'exploreRemote: %s is 400',
    (body) => send('/data/datasets/exploreRemote?token=secret', body, 400),
  )

  test.each(['{', '{}', '[1]'])('validatePaths: %s is 400', (body) => send('/data/datasets/validatePaths', body, 400))

  test('more than a megabyte is 413', () => send(`${PLAIN}/readData`, ' '.repeat(1024 * 1024 + 1), 413))
  test('too many buckets are 413', () => send(`${PLAIN}/data`, `[${new Array(10_001).fill('{"position":[0,0,0],"mag":1}').join()}]`, 413))
})

describe('tokens and headers', () => {
  test.each([1000, 8000])('a token of %d characters is only a token', async (length) => {
    const token = 't'.repeat(length)
    expect((await server.get(`${PLAIN}/histogram?token=${token}`)).status).toBe(200)
    expect((await server.get(`${PLAIN}/histogram`, { headers: { 'X-Auth-Token': token } })).status).toBe(200)
    expect((await server.get(`${PLAIN}/histogram?token=&annotationId=x`)).status).toBe(200)
  })

  test('a token is not in an answer or in the log', async () => {
    const token = 'VerySecretToken'
    for (const path of [`/data/nothing?token=${token}`, `/data/datasets/lab/nothing/layers/x/histogram?token=${token}`])
      expect(await (await server.get(path)).text()).not.toContain(token)
    expect(server.log).not.toContain(token)
  })
})

test.each(NAMES)('a dataset called %s is read by its name and by its id', async (name) => {
  const found = (await server.list()).find((one) => one.name === name)!
  const answers = [`lab/${encodeURIComponent(name)}`, found.id].map(async (dataset) => {
    const response = await server.get(`/data/datasets/${dataset}/layers/color/thumbnail.jpg?width=8&height=8&mag=1`)
    expect([dataset, response.status]).toEqual([dataset, 200])
    return Buffer.from(await response.bytes()).toString('base64')
  })
  const [byName, byId] = await Promise.all(answers)
  expect(byName).toBe(byId!)
})

test('after all of it the server answers as before, and has logged no stack', async () => {
  expect((await server.get(`/data/datasets/${id}/layers/color/histogram`)).status).toBe(200)
  expect(server.log).not.toMatch(/^\s+at /m)
})
