/** Datasets added, corrected and removed while it runs: over HTTP and from the command line. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary, runBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

const data = emptyFolder()
const outside = emptyFolder()
let server: RunningBinary

beforeAll(async () => {
  cpSync(join(GOLDEN, 'data/wkw/rgb'), join(data, 'binary/lab/rgb'), { recursive: true })
  cpSync(join(GOLDEN, 'data/tiff/ome'), join(data, 'binary/lab/ome'), { recursive: true })
  cpSync(join(GOLDEN, 'data/tiff/lzma'), join(data, 'shelf/lzma'), { recursive: true })
  cpSync(join(GOLDEN, 'data/tiff/stack'), join(data, 'shelf/stack'), { recursive: true })
  cpSync(join(GOLDEN, 'data/tiff/stack'), join(outside, 'stack'), { recursive: true })
  symlinkSync(join(outside, 'stack'), join(data, 'shelf/sly'))
  server = await RunningBinary.start(['--data', data, '--admin-token', 'secret'])
  await server.list()
})
afterAll(() => server.stop())

const post = (body: unknown, { token = '?token=secret', headers = {} }: { token?: string; headers?: Record<string, string> } = {}) =>
  server.get(`/data/datasets${token}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...headers },
  })
const entryOf = async (name: string) => (await server.list()).find((one) => one.name === name)
const stored = () => (existsSync(join(data, 'datasets.json')) ? readFileSync(join(data, 'datasets.json'), 'utf8') : '')
const messagesOf = async (response: Response) =>
  ((await response.json()) as { messages: { error: string }[] }).messages.map(({ error }) => error)
const within = async (check: () => Promise<boolean>) => {
  for (const until = Date.now() + 5000; Date.now() < until; await Bun.sleep(50)) if (await check()) return
  throw new Error('did not happen')
}

describe('POST /data/datasets', () => {
  test('what can be opened is stored and served at once: 200 with an empty text', async () => {
    const response = await post({ tiff: { 'Test Organization': { added: { path: 'shelf/stack', scale: [4, 4, 30] } } } })
    expect([response.status, await response.text()]).toEqual([200, ''])
    expect(await entryOf('added')).toMatchObject({ organization: 'Test Organization', status: 'ok', voxelSize: { factor: [4, 4, 30] } })
    expect(JSON.parse(stored())).toMatchObject({ version: 1, tiff: { 'Test Organization': { added: { path: 'shelf/stack' } } } })
  })

  test('one that cannot be opened keeps all out, with a message for each', async () => {
    const before = stored()
    const response = await post({
      tiff: { lab: { good: { path: 'shelf/stack' }, bad: { path: 'shelf/lzma' }, gone: { path: 'shelf/nothing' } } },
      neuroglancer: { lab: { cloud: { layers: {} }, spy: { layers: { em: { source: outside } } } } },
    })
    expect(response.status).toBe(400)
    const messages = await messagesOf(response)
    expect(messages.sort()).toEqual([
      expect.stringMatching(/^lab\/bad: .*LZMA/),
      expect.stringMatching(/^lab\/cloud: .*layers/),
      expect.stringMatching(/^lab\/gone: .*cannot be read/),
      expect.stringMatching(/^lab\/spy: .*--allow-path/),
    ])
    expect([stored(), await entryOf('good')]).toEqual([before, undefined])
  })

  test.each([
    ['an absolute path elsewhere', join(outside, 'stack')],
    ['a path that climbs', '../../../../../../../../tmp'],
    ['a link that leads out', 'shelf/sly'],
  ])('%s is refused with the flag that allows it', async (_, path) => {
    const response = await post({ tiff: { lab: { spy: { path } } } })
    expect([response.status, (await messagesOf(response))[0]]).toEqual([400, expect.stringMatching(/--allow-path/)])
  })

  test.each([
    ['no object', []],
    ['an unknown backend', { zarr: { lab: { a: {} } } }],
    ['no dataset', { tiff: { lab: {} } }],
    ['a name with a slash', { tiff: { lab: { 'a/b': { path: 'shelf/stack' } } } }],
    ['a name that climbs', { tiff: { '..': { a: { path: 'shelf/stack' } } } }],
    ['a wrong scale', { tiff: { lab: { a: { path: 'shelf/stack', scale: [0, 1] } } } }],
  ])('%s is 400 and stores nothing', async (_, body) => {
    const before = stored()
    expect((await post(body)).status).toBe(400)
    expect(stored()).toBe(before)
  })

  test('only with the admin token, as JSON, under a name of this machine, up to a MiB', async () => {
    const body = { tiff: { lab: { x: { path: 'shelf/stack' } } } }
    expect((await post(body, { token: '' })).status).toBe(403)
    expect((await post(body, { token: '?token=secreT' })).status).toBe(403)
    expect((await post(body, { headers: { Host: 'rebound.example.com' } })).status).toBe(403)
    expect((await post(body, { headers: { 'Content-Type': 'text/plain' } })).status).toBe(415)
    expect((await post({ tiff: 'x'.repeat(1024 * 1024) })).status).toBe(413)
    expect(await entryOf('x')).toBeUndefined()
  })

  test('other changing routes look at the name, too', async () => {
    for (const [method, path] of [
      ['POST', '/data/triggers/checkInboxBlocking'],
      ['POST', '/data/triggers/reload/lab/rgb'],
      ['DELETE', '/data/datasets/lab/rgb'],
    ] as const) {
      expect([path, (await server.get(path, { method, headers: { Host: 'rebound.example.com' } })).status]).toEqual([path, 403])
      expect([path, (await server.get(path, { method, headers: { Host: 'localhost:1' } })).status]).toEqual([path, 200])
    }
  })

  test('twenty at the same time are all stored', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, n) => post({ tiff: { many: { [`d${n}`]: { path: 'shelf/stack' } } } })))
    expect(all.map(({ status }) => status)).toEqual(new Array(20).fill(200))
    expect(Object.keys(JSON.parse(stored()).tiff.many).length).toBe(20)
    expect((await server.list()).filter(({ organization }) => organization === 'many').length).toBe(20)
  })

  test('a broken list is never written over', async () => {
    const whole = stored()
    writeFileSync(join(data, 'datasets.json'), '{"tiff": [')
    const response = await post({ tiff: { lab: { y: { path: 'shelf/stack' } } } })
    expect([response.status, (await messagesOf(response))[0]]).toEqual([400, expect.stringMatching(/broken \(line 1/)])
    expect(stored()).toBe('{"tiff": [')
    writeFileSync(join(data, 'datasets.json'), whole)
  })
})

describe('the command line', () => {
  const run = (...args: string[]) => runBinary([...args, '--data', data])

  test('set corrects a voxel size at once, also of a dataset that is in no list', async () => {
    expect(await run('set', 'rgb', '--scale', '11,12,13')).toMatchObject({ code: 0, stdout: 'lab/rgb has voxels of 11 × 12 × 13 nm\n' })
    await within(async () => (await entryOf('rgb'))?.voxelSize?.factor.join() === '11,12,13')
  })

  test('add lists a dataset that lies elsewhere, remove takes it off again', async () => {
    const added = await run('add', join(outside, 'stack'), '--name', 'far', '--organization', 'lab')
    expect([added.code, added.stdout]).toEqual([0, expect.stringMatching(/^Added lab\/far \(tiff/)])
    await within(async () => (await entryOf('far'))?.status === 'ok')
    expect((await run('remove', 'lab/far')).code).toBe(0)
    await within(async () => (await entryOf('far')) === undefined)
  })

  test.each([
    [['add', '/nowhere/at/all'], 2, /does not exist/],
    [['add', 'ftp://host/volume', '--name', 'x'], 2, /known are gs:/],
    [['add', 'http://127.0.0.1:1/volume', '--name', 'x'], 1, /not added: .*refused/],
    [['add', join(GOLDEN, 'data/tiff/lzma')], 1, /LZMA/],
    [['set', 'nothing', '--scale', '1,1,1'], 1, /no dataset nothing/],
    [['set', 'rgb', '--scale', '1,x'], 2, /--scale/],
    [['remove', 'ome'], 1, /its folder/],
    [['remove'], 2, /one dataset/],
  ])('%j ends with %d and says why', async (args, code, words) => {
    const result = await run(...args)
    expect([result.code, result.stderr]).toEqual([code, expect.stringMatching(words)])
  })

  test('list says what would be served', async () => {
    expect((await run('list')).stdout).toMatch(/✓ lab\/ome .*\n.*color_DAPI/)
  })

  test('config shows every setting, where it comes from, no secret, and what a wrong key was meant to be', async () => {
    const folder = emptyFolder()
    writeFileSync(
      join(folder, 'config.json'),
      JSON.stringify({ server: { prot: 1, host: '127.0.0.1' }, admin_token: 'hush', backends: { x: {} } }),
    )
    writeFileSync(join(folder, 'token'), 'from a file\n')
    const { stdout, stderr, code } = await runBinary(['config', '--data', folder, '--port', '7'], { env: { WK_CACHE: '1MB' } })
    expect(code).toBe(0)
    expect(stdout).toMatch(/--port +7 +flag/)
    expect(stdout).toMatch(/--cache +1048576 +environment/)
    expect(stdout).toMatch(/--host +127\.0\.0\.1 +\S+config\.json/)
    expect(stdout).toMatch(/--admin-token +\*+ +\S+config\.json/)
    expect(stdout).not.toContain('hush')
    expect(stderr).toContain('server.prot is not a setting; did you mean server.port?')
    expect(stderr).not.toContain('backends')
    const file = await runBinary(['config', '--data', emptyFolder()], { env: { WK_ADMIN_TOKEN_FILE: join(folder, 'token') } })
    expect(file.stdout).toMatch(/--admin-token +\*+ +environment/)
  })
})

test('a list the data folder cannot keep goes to --state', async () => {
  const [folder, state] = [emptyFolder(), join(emptyFolder(), 'state')]
  cpSync(join(GOLDEN, 'data/tiff/stack'), join(folder, 'shelf'), { recursive: true })
  mkdirSync(join(folder, 'lab'))
  chmodSync(folder, 0o555)
  await using other = await RunningBinary.start(['--data', folder, '--state', state, '--admin-token', 'secret'])
  const response = await other.get('/data/datasets?token=secret', {
    method: 'POST',
    body: JSON.stringify({ tiff: { lab: { kept: { path: 'shelf' } } } }),
    headers: { 'Content-Type': 'application/json' },
  })
  expect(response.status).toBe(200)
  expect((await other.list()).map(({ name }) => name)).toContain('kept')
  expect([existsSync(join(folder, 'datasets.json')), existsSync(join(state, 'datasets.json'))]).toEqual([false, true])
  chmodSync(folder, 0o755)
})

test('files that change are noticed without being told', async () => {
  cpSync(join(GOLDEN, 'data/tiff/rgb'), join(data, 'binary/lab/dropped'), { recursive: true })
  await within(async () => (await entryOf('dropped'))?.status === 'ok')
  await server.logged(/lab\/dropped is new/)
})
