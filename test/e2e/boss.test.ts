/** BossDB through the executable: what webKnossos asks for, what people see when it cannot be had, and that secrets stay inside. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, indicesOf, RunningBinary, runBinary } from '../support/binary.ts'
import { BossServer, COLLECTION, CUTOUTS, USER } from '../support/boss-server.ts'
import { listing } from '../support/bucket.ts'
import { GOLDEN, sha256 } from '../support/golden.ts'
import { ObjectServer } from '../support/object-server.ts'

const SECRETS = ['s3cret-token', 's3cret-password', USER.password]
const boss = new BossServer()
const place = { domain: boss.url, collection: COLLECTION, experiment: 'exp' }
const until = async <T>(read: () => Promise<T>, check: (value: T) => boolean, ms = 15_000): Promise<T> => {
  let value: T | undefined
  for (const end = Date.now() + ms; Date.now() < end; await Bun.sleep(50)) {
    value = await read()
    if (check(value)) return value
  }
  throw new Error(`did not happen: ${JSON.stringify(value)}`)
}
const folderWith = (datasets: unknown): string => {
  const data = emptyFolder()
  writeFileSync(join(data, 'datasets.json'), JSON.stringify({ boss: { lab: datasets } }))
  return data
}
const settled = (server: RunningBinary) =>
  until(
    () => server.list(),
    (list) => list.every(({ status }) => status !== 'opening'),
  )
const bucket = (position: number[], mag = [1, 1, 1]) => ({ position, mag, cubeSize: 32, fourBit: false })
/** Reads all cuboids of a level and compares them with what the reference compressed. */
const expectVoxels = async (server: RunningBinary, dataset: string, channel: string, resolution = 0) => {
  const cuboids = CUTOUTS.filter((one) => one.channel === channel && one.resolution === resolution && one.kind === '' && one.file)
  expect(cuboids.length).toBeGreaterThan(1)
  for (const { low, high, sha256: sum } of cuboids) {
    const [x, y, z] = low.map((edge, d) => edge * (d < 2 ? 2 ** resolution : 1))
    const [w, h, depth] = high.map((edge, d) => edge - low[d]!)
    const box = `x=${x}&y=${y}&z=${z}&width=${w}&height=${h}&depth=${depth}&mag=${2 ** resolution}-${2 ** resolution}-1`
    const answer = await server.get(`/data/datasets/lab/${dataset}/layers/${channel}/data?${box}`)
    expect([answer.status, sha256(await answer.bytes())]).toEqual([200, sum])
  }
}

afterEach(() => {
  boss.fault = () => undefined
  boss.removed.clear()
  boss.asked.length = 0
})
afterAll(() => boss[Symbol.asyncDispose]())

describe('entries of every kind', () => {
  let server: RunningBinary
  beforeAll(async () => {
    boss.tokens.add('s3cret-token')
    const data = folderWith({
      public: { ...place, scale: [5, 5, 50] },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as it stands in datasets.json
      private: { ...place, ...USER, password: '${BOSS_PASSWORD}', channels: ['em', 'cells'] },
      by_token: { ...place, token: 's3cret-token', channels: ['parts'] },
      by_path: { path: `bossdb://${boss.url}/latest/col/exp/fluo` },
      wrong_password: { ...place, username: 'someone', password: 's3cret-password' },
      wrong_collection: { ...place, collection: 'other' },
      unreachable: { ...place, domain: 'http://127.0.0.1:1', token: 's3cret-token' },
      incomplete: { domain: boss.url },
    })
    server = await RunningBinary.start(['--threads', '1', '--data', data], { env: { BOSS_PASSWORD: USER.password } })
    await settled(server)
  }, 30_000)
  afterAll(() => server.stop())

  test('are listed with layers, or with a sentence that names the fix', async () => {
    const list = await server.list()
    const shown = Object.fromEntries(
      list.map(({ name, status, reason, layers }) => [name, reason ?? `${status} ${layers.map((layer) => layer.name)}`]),
    )
    expect(shown).toEqual({
      public: 'ok em,fluo,cells,parts,huge',
      private: 'ok em,cells',
      by_token: 'ok parts',
      by_path: 'ok fluo',
      wrong_password: expect.stringMatching(/refuses the user name or password of "someone": correct username and password in its entry/),
      wrong_collection: expect.stringMatching(/experiment other\/exp is not at http.*: correct the names in its entry/),
      unreachable: expect.stringMatching(/cannot be asked for the experiment col\/exp .*: is its domain right/),
      incomplete: expect.stringMatching(/needs collection and experiment/),
    })
    const layers = list.find(({ name }) => name === 'public')!.layers
    expect(layers.map(({ elementClass }) => elementClass)).toEqual(['uint8', 'uint16', 'uint64', 'uint32', undefined])
    expect(layers.at(-1)!.status).toMatch(/image of uint64/)
    expect(list.find(({ name }) => name === 'public')!.voxelSize).toMatchObject({ factor: [5, 5, 50] })
    expect(list.find(({ name }) => name === 'by_path')!.voxelSize).toMatchObject({ factor: [4, 4, 40] })
  })

  test.each([
    ['private', 'em', 0],
    ['public', 'em', 2],
    ['by_path', 'fluo', 0],
    ['private', 'cells', 0],
    ['by_token', 'parts', 1],
  ] as const)('every voxel of %s, %s, level %i', async (dataset, channel, resolution) => {
    await expectVoxels(server, dataset, channel, resolution)
  })

  test('ten viewports on one cuboid at the same time are one cutout; what is empty is empty', async () => {
    await server.get('/data/triggers/reload/lab/public', { method: 'POST' })
    await settled(server)
    boss.asked.length = 0
    const id = (await server.list()).find(({ name }) => name === 'public')!.id
    const viewport = [0, 32, 64, 96, 128, 160].map((x) => bucket([x, 0, 0], [2, 2, 1]))
    const half = viewport.map((one) => ({ ...one, cubeSize: 8, position: [one.position[0]! * 2, 32, 8] }))
    const answers = await Promise.all(Array.from({ length: 10 }, () => server.buckets(id, 'em', half)))
    expect(answers.map((answer) => indicesOf(answer))).toEqual(Array(10).fill({ missing: [], empty: [], failed: [] }))
    expect(boss.cutouts).toEqual(['col/exp/em/1/0:270/4:30/2:16/'])
    const empty = await server.buckets(id, 'fluo', [bucket([512, 32, 0]), bucket([0, 32, 0])])
    expect(indicesOf(empty)).toEqual({ missing: [0], empty: [0], failed: [] })
  })

  test('a busy server is asked again; one that cannot is a failed bucket, and nothing of it is kept', async () => {
    const id = (await server.list()).find(({ name }) => name === 'by_path')!.id
    await server.get('/data/triggers/reload/lab/by_path', { method: 'POST' })
    await settled(server)
    boss.fault = ({ path }) => (path.includes('cutout') ? new Response('', { status: 501 }) : undefined)
    const failed = await server.buckets(id, 'fluo', [bucket([0, 32, 0])])
    expect([failed.status, indicesOf(failed).failed]).toEqual([200, [0]])
    let times = 2
    boss.fault = ({ path }) => (path.includes('cutout') && times-- > 0 ? new Response('', { status: 502 }) : undefined)
    expect(indicesOf(await server.buckets(id, 'fluo', [bucket([0, 32, 0])]))).toEqual({ missing: [], empty: [], failed: [] })
  })

  test('secrets are in no list, data source, page or log, nor tokens that were given for them', async () => {
    const bearers = boss.asked.map(({ headers }) => headers.get('authorization')?.split(' ')[1] ?? '').filter((token) => token !== 'public')
    const pages = await Promise.all(
      [
        '/data/datasets',
        '/',
        ...['public', 'private', 'by_token', 'wrong_password', 'unreachable'].map((name) => `/data/datasets/lab/${name}`),
      ].map(async (path) => (await server.get(path)).text()),
    )
    for (const text of [...pages, server.log]) for (const secret of [...SECRETS, ...bearers]) expect(text.includes(secret)).toBe(false)
    expect(pages.join()).toContain('refuses the user name or password')
  })

  test('a channel that is removed makes its dataset unusable, with the reason', async () => {
    const id = (await server.list()).find(({ name }) => name === 'by_token')!.id
    await server.get('/data/triggers/reload/lab/by_token', { method: 'POST' })
    await settled(server)
    await Bun.sleep(2100)
    boss.removed.add('parts')
    expect(indicesOf(await server.buckets(id, 'parts', [bucket([0, 32, 0], [2, 2, 1])])).failed).toEqual([0])
    const entry = await until(
      async () => (await server.list()).find(({ name }) => name === 'by_token')!,
      ({ status }) => status === 'unusable',
    )
    expect(entry.reason).toMatch(/layer parts: the channel col\/exp\/parts is not at .*ask its owner whether it was removed/)
  })
})

test('a server that does not answer holds up neither start nor others', async () => {
  boss.fault = () => new Promise(() => {})
  const data = folderWith({ slow: place })
  const begin = Date.now()
  await using server = await RunningBinary.start(['--data', data, join(GOLDEN, 'data/wkw/rgb')])
  const list = await server.list()
  expect(Date.now() - begin).toBeLessThan(5000)
  expect(list.map(({ name, status }) => `${name} ${status}`).sort()).toEqual(['rgb ok', 'slow opening'])
})

describe('add', () => {
  test('takes boss:// sources, and says why one cannot be had', async () => {
    const data = emptyFolder()
    const added = await runBinary(['add', `boss://${boss.url}/col/exp/em`, '--data', data, '--organization', 'lab'])
    expect([added.code, added.stdout]).toEqual([0, `Added lab/em (boss, col/exp/em at ${boss.url})\n`])
    expect(JSON.parse(readFileSync(join(data, 'datasets.json'), 'utf8'))).toEqual({
      boss: { lab: { em: { domain: boss.url, collection: 'col', experiment: 'exp', channels: ['em'] } } },
      version: 1,
    })
    const wrong = await runBinary(['add', `boss://${boss.url}/col/exp/other`, '--data', data])
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/Channel other not found/)])
    expect((await runBinary(['add', 'bossdb://col', '--data', data])).stderr).toMatch(/names no experiment: it is written boss:/)
  })

  test('over HTTP it leads to no address of this machine', async () => {
    await using server = await RunningBinary.start(['--data', emptyFolder(), '--public', '--admin-token', 'admin-token'])
    const post = (config: unknown) =>
      server.get('/data/datasets', {
        method: 'POST',
        body: JSON.stringify({ boss: { lab: { far: config } } }),
        headers: { 'Content-Type': 'application/json', 'X-Auth-Token': 'admin-token' },
      })
    for (const config of [place, { ...place, ...USER }, { path: `bossdb://${boss.url}/col/exp` }]) {
      const answer = await post(config)
      expect([answer.ok, await answer.text()]).toEqual([false, expect.stringMatching(/not an address of the public internet/)])
    }
    expect(boss.asked).toEqual([])
  })
})

describe('open data', () => {
  /** A channel exported as Precomputed, in the place of Amazon's. */
  const bucketWith = (channels: readonly string[]): Promise<ObjectServer> => {
    const objects: Record<string, Uint8Array> = {}
    const folder = join(GOLDEN, 'data/precomputed/raw_uint8')
    for (const channel of channels) {
      for (const file of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (!file.isFile()) continue
        const path = join(file.parentPath, file.name)
        objects[`bossdb-open-data/col/exp/${channel}/${path.slice(folder.length + 1)}`] = readFileSync(path)
      }
    }
    return ObjectServer.start(objects).then((server) => server.answer(listing(server, 'bossdb-open-data')))
  }
  const start = (objects: ObjectServer, entry: unknown, args: readonly string[] = []) =>
    RunningBinary.start(['--data', folderWith({ fly: entry }), ...args], { env: { AWS_ENDPOINT_URL: objects.url } })

  test('an exported channel is read from the bucket, the others through the API, and it is said', async () => {
    await using objects = await bucketWith(['em'])
    const entry = { ...place, channels: ['em', 'cells'], source: 'open-data' }
    await using server = await start(objects, entry)
    const [fly] = await settled(server)
    expect(fly!.layers.map(({ name }) => name).sort()).toEqual(['cells', 'em'])
    const answer = await server.buckets(fly!.id, 'em', [bucket([0, 0, 0])])
    expect(indicesOf(answer).failed).toEqual([])
    expect(boss.cutouts).toEqual([])
    expect(objects.asked.some(({ key }) => /col\/exp\/em\/.*\d+-\d+_\d+-\d+_\d+-\d+$/.test(key))).toBe(true)
    await expectVoxels(server, 'fly', 'cells')
    const listed = await runBinary(['list', '--data', folderWith({ fly: entry })], { env: { AWS_ENDPOINT_URL: objects.url } })
    expect(listed.stdout).toMatch(/channel em is read from s3:\/\/bossdb-open-data\/col\/exp\/em/)
    expect(listed.stdout).toMatch(/channel cells read through the API at/)
  })

  test('without an API that answers, and without an account', async () => {
    await using objects = await bucketWith(['em'])
    await using server = await start(objects, { ...place, domain: 'http://127.0.0.1:1' }, ['--boss-open-data'])
    const [fly] = await settled(server)
    expect([fly!.status, fly!.layers.map(({ name }) => name)]).toEqual(['ok', ['em']])
  })

  test('what is not exported, or not wanted from there, is read through the API', async () => {
    await using objects = await bucketWith([])
    await using server = await start(objects, { ...place, channels: ['em'] }, ['--boss-open-data'])
    await settled(server)
    await expectVoxels(server, 'fly', 'em')
    await using there = await bucketWith(['em'])
    await using other = await start(there, { ...place, channels: ['em'], source: 'api' }, ['--boss-open-data'])
    await settled(other)
    await expectVoxels(other, 'fly', 'em')
    expect(there.asked).toEqual([])
  })
})
