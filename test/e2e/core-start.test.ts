/** How a server with a core starts: from a predecessor's folder, for others to reach, and what its owner sees. */
import { expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { emptyFolder, RunningBinary, runBinary } from '../support/binary.ts'
import { DATASTORE, KEY, TestCore } from '../support/core/core.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

const ORGANIZATION = 'sample_organization'

function predecessorFolder(core: string, more: object = {}): string {
  const data = emptyFolder()
  writeTinyTiff(join(data, ORGANIZATION, 'one', 'v.tif'), 8, 8)
  writeFileSync(
    join(data, 'config.json'),
    JSON.stringify({
      server: { host: '0.0.0.0', url: 'http://connect:8000' },
      datastore: { name: DATASTORE, key: KEY },
      webknossos: { url: core },
      backends: { wkw: {} },
      ...more,
    }),
  )
  return data
}

test('the folder of webknossos-connect connects, listens for others without --public, and shows its owner everything', async () => {
  await using core = new TestCore('C2')
  await using server = await RunningBinary.start(['--data', predecessorFolder(core.url)])
  // the printed address works as it stands, and others reach it, too
  expect(server.url).toStartWith('http://127.0.0.1:')
  const outward = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.filter(({ family, internal }) => family === 'IPv4' && !internal),
  )
  for (const { address } of outward.slice(0, 1))
    expect((await fetch(`${server.url.replace('127.0.0.1', address)}/data/health`)).status).toBe(200)
  await core.until('a bulk report', () => core.bulk.some(({ status }) => status === 200))
  expect(core.datastoreUrl).toBe('http://connect:8000')
  const here = server.url
  const closed = await fetch(`${here}/`)
  expect([closed.status, await closed.text()]).toEqual([403, expect.stringMatching(/<input type="password"/)])
  const link = /signs in once: http:\/\/127\.0\.0\.1(:\d+\/\?link=\w+)/.exec(await server.logged(/signs in once/))![1]
  const signedIn = await fetch(`http://127.0.0.1${link}`, { redirect: 'manual' })
  const cookie = signedIn.headers.get('set-cookie')!.split(';')[0]!
  const page = await (await fetch(`${here}/`, { headers: { Cookie: cookie } })).text()
  expect(page).toContain('Connected to webKnossos')
  const picture = /src="(\/picture\/[^"]+)"/.exec(page)![1]!
  expect((await fetch(here + picture, { headers: { Cookie: cookie } })).headers.get('content-type')).toBe('image/png')
  // the cookie is for the page; voxels are for whom core lets in
  expect((await fetch(here + picture)).status).toBe(403)
  const data = `${here}/data/datasets/${ORGANIZATION}/one`
  expect((await fetch(data, { headers: { Cookie: cookie } })).status).toBe(403)
})

test('a core that answers late holds up neither the start nor health', async () => {
  await using core = new TestCore('v15')
  core.lagMs = 3000
  const begin = performance.now()
  await using server = await RunningBinary.start(['--data', predecessorFolder(core.url), '--host', '127.0.0.1'])
  expect((await server.get('/data/health')).status).toBe(200)
  expect(performance.now() - begin).toBeLessThan(3000)
  await core.until('a bulk report', () => core.bulk.length > 0, 15_000)
}, 20_000)

test.each([
  [['--core', 'http://127.0.0.1:9'], /--datastore-name and --datastore-key missing/],
  [['--core', 'http://127.0.0.1:9', '--datastore-name', 'a b', '--datastore-key', 'k'], /"a b" has other characters/],
  [['--core', 'webknossos.org', '--datastore-name', 'a', '--datastore-key', 'k'], /core: "webknossos\.org" is not an address/],
])('%j is refused at start', async (args, words) => {
  const { code, stderr } = await runBinary(['--data', emptyFolder(), '--port', '0', ...args])
  expect([code, stderr]).toEqual([2, expect.stringMatching(words)])
})

test('without a core descriptions are changed with the admin token', async () => {
  const data = predecessorFolder('')
  await using server = await RunningBinary.start(['--data', data, '--local', '--host', '127.0.0.1', '--admin-token', 'x'])
  const { id } = (await server.list())[0]!
  const { dataSource } = (await (await server.get(`/data/datasets/${id}`)).json()) as { dataSource: object }
  const put = (token: string) =>
    server.get(`/data/datasets/${id}?token=${token}`, {
      method: 'PUT',
      body: JSON.stringify({ ...dataSource, scale: [9, 9, 9] }),
      headers: { 'Content-Type': 'application/json' },
    })
  expect([(await put('y')).status, (await put('x')).status]).toEqual([403, 200])
  expect(await (await server.get(`/data/datasets/${id}`)).json()).toMatchObject({ dataSource: { scale: [9, 9, 9] } })
})
