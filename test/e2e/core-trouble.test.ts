/** What goes wrong between the executable and core, and what changes while both run. */
import { afterEach, describe, expect, test } from 'bun:test'
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary, runBinary } from '../support/binary.ts'
import { type Era, KEY, TestCore } from '../support/core/core.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

const ORGANIZATION = 'sample_organization'
const DENIED = /^Token may be expired, consider reloading\. Access forbidden: /

let core: TestCore
let server: RunningBinary
let data: string

async function start(era: Era, args: readonly string[] = [], names: readonly string[] = ['one', 'two']): Promise<void> {
  core = new TestCore(era)
  core.grant('reader', '*')
  core.admins.add('boss')
  data = emptyFolder()
  for (const name of names) writeTinyTiff(join(data, ORGANIZATION, name, 'v.tif'), 32, 32)
  server = await RunningBinary.start(['--data', data, '--admin-token', 'admin', ...core.flags, ...args])
}

const reported = () => core.until('a bulk report', () => core.bulk.some(({ status }) => status === 200))
const read = (dataset: string, token: string) =>
  server.get(`/data/datasets/${dataset}/layers/v/data?token=${token}&x=0&y=0&z=0&width=8&height=8&depth=1&mag=1`)
const trigger = (path: string) => server.get(`/data/triggers/${path}?token=boss`, { method: 'POST' })
const row = (name: string) => core.rows.byName(ORGANIZATION, name)
const isUsable = (name: string) => row(name)?.isUsable

afterEach(async () => {
  await server?.stop()
  await core?.stop()
})

describe.each(['C2', 'v15'] as const)('core of era %s', (era) => {
  test('an outage: who was let in stays, others get 400 with the text, and all is reported when it is back', async () => {
    await start(era)
    await reported()
    expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(200)
    await core.stop()
    expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(200)
    const other = await read(`${ORGANIZATION}/two`, 'reader')
    expect([other.status, await other.json()]).toEqual([
      400,
      { messages: [{ error: 'Failed to check data access, token may be expired, consider reloading.' }] },
    ])
    // a change nobody hears of now
    writeTinyTiff(join(data, ORGANIZATION, 'three', 'v.tif'), 32, 32)
    await server.logged(/three is new/)
    await server.logged(/DOES NOT ANSWER/)
    const before = core.asked.length
    core.start()
    await core.until('the new dataset in core', () => isUsable('three') === true, 25_000)
    expect(core.asked.slice(before).filter(({ method, path }) => method === 'PUT' && path.endsWith('/datasources')).length).toBeGreaterThan(
      0,
    )
    expect((await read(`${ORGANIZATION}/two`, 'reader')).status).toBe(200)
    expect(server.log.match(/DOES NOT ANSWER/g)).toHaveLength(1)
  }, 40_000)

  test('a failing core grants nothing, and nothing it said then is kept', async () => {
    await start(era)
    await reported()
    core.failing = 500
    expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(400)
    core.failing = undefined
    expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(200)
  })

  test('a dataset that is added, changed or removed is told once', async () => {
    await start(era)
    await reported()
    const count = () => [core.bulk.filter(({ status }) => status === 200).length, core.single.length]
    writeTinyTiff(join(data, ORGANIZATION, 'new', 'v.tif'), 32, 32)
    await trigger('checkInboxBlocking')
    expect([isUsable('new'), ...count()]).toEqual([true, 1, 1])
    writeTinyTiff(join(data, ORGANIZATION, 'new', 'v.tif'), 64, 16)
    await trigger(`reload/${ORGANIZATION}/new`)
    await trigger('checkInboxBlocking')
    expect([
      (row('new')!.dataSource as { dataLayers: { boundingBox: { width: number } }[] }).dataLayers[0]!.boundingBox.width,
      ...count(),
    ]).toEqual([64, 1, 2])
    rmSync(join(data, ORGANIZATION, 'new'), { recursive: true })
    await trigger('checkInboxBlocking')
    expect([isUsable('new'), isUsable('one'), ...count()]).toEqual([false, true, 2, 2])
    renameSync(join(data, ORGANIZATION, 'two'), join(data, ORGANIZATION, 'zwei'))
    await trigger('checkInboxBlocking')
    expect([isUsable('two'), isUsable('zwei'), ...count()]).toEqual([false, true, 3, 2])
    await trigger('checkInboxBlocking')
    expect(count()).toEqual([3, 2])
  })

  test('the last dataset that is removed is told singly: an empty report would wipe everything', async () => {
    await start(era, [], ['one'])
    await reported()
    core.rows.add({ id: { team: ORGANIZATION, name: 'of an earlier run' }, dataLayers: [], scale: [1, 1, 1] }, 'connect')
    rmSync(join(data, ORGANIZATION, 'one'), { recursive: true })
    await trigger('checkInboxBlocking')
    await core.until('one is gone', () => isUsable('one') === false)
    expect(isUsable('of an earlier run')).toBe(true)
    for (const { body } of core.bulk) expect((body as unknown[]).length).toBeGreaterThan(0)
  })

  test('a list that breaks or vanishes, and a data folder that is empty at start, take nothing away from core', async () => {
    await start(era)
    const list = join(data, 'datasets.json')
    writeTinyTiff(join(emptyFolder(), 'x', 'v.tif'), 32, 32)
    const elsewhere = join(emptyFolder(), 'far')
    writeTinyTiff(join(elsewhere, 'v.tif'), 32, 32)
    writeFileSync(list, JSON.stringify({ tiff: { [ORGANIZATION]: { far: { path: elsewhere } } } }))
    await trigger('checkInboxBlocking')
    await core.until('far is there', () => isUsable('far') === true)
    const bulks = core.bulk.length
    writeFileSync(list, '{"tiff": {')
    await trigger('checkInboxBlocking')
    rmSync(list)
    await trigger('checkInboxBlocking')
    rmSync(join(data, ORGANIZATION, 'two'), { recursive: true })
    await trigger('checkInboxBlocking')
    expect([isUsable('far'), core.bulk.length - bulks]).toEqual([true, 0])
    writeFileSync(list, JSON.stringify({ tiff: {} }))
    await trigger('checkInboxBlocking')
    await core.until('both are gone', () => isUsable('far') === false && isUsable('two') === false)
    await server.stop()
    rmSync(join(data, ORGANIZATION), { recursive: true })
    const before = core.asked.length
    server = await RunningBinary.start(['--data', data, ...core.flags])
    await core.until('a status report', () => core.asked.slice(before).some(({ path }) => path.endsWith('/status')))
    await Bun.sleep(500)
    expect(core.asked.slice(before).filter(({ method }) => method === 'PUT')).toEqual([])
  }, 20_000)
})

test('a core that is upgraded under us is asked in its new words at once', async () => {
  await start('C2')
  await reported()
  expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(200)
  await core.stop()
  core.start('v15')
  expect((await read(`${ORGANIZATION}/two`, 'reader')).status).toBe(200)
  expect(core.to('POST', /validateUserAccess$/).at(-1)!.body).toMatchObject({ resourceType: 'dataset' })
  // a new token of core itself is asked about, not taken for the old one
  expect((await server.get(`/data/datasets/${row('one')!.id}?token=${core.rpcToken}`, { method: 'DELETE' })).status).toBe(200)
  expect((await server.get(`/data/datasets/${row('one')!.id}?token=reader`, { method: 'DELETE' })).status).toBe(400)
})

test('core calls back while a report is open, and is answered', async () => {
  await start('v15')
  await reported()
  writeTinyTiff(join(data, ORGANIZATION, 'one', 'v.tif'), 64, 64)
  await trigger('checkInboxBlocking')
  expect(core.callbacks).toEqual([200])
  expect(core.single.map(({ status }) => status)).toEqual([200])
})

test('a core that hangs: 400 within ten seconds', async () => {
  await start('v15')
  await reported()
  core.lagMs = 60_000
  const begin = performance.now()
  expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(400)
  expect(performance.now() - begin).toBeLessThan(12_000)
  expect((await server.get('/data/health')).status).toBe(200)
}, 20_000)

test('a wrong key: loud, once, with the fix, and neither key nor tokens anywhere', async () => {
  await start('v15', ['--datastore-key', 'not-the-key'])
  const log = await server.logged(/REFUSES THE NAME OR THE KEY/)
  expect(log).toMatch(/--datastore-key.*wkconnect doctor/s)
  const refused = await read(`${ORGANIZATION}/one`, 'reader')
  expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining('Failed to check data access')])
  expect(server.log.match(/REFUSES/g)).toHaveLength(1)
  const page = await (await server.get('/?token=admin')).text()
  expect(page).toContain('refuses the name or the key')
  for (const secret of ['not-the-key', KEY, 'reader']) expect(server.log + page).not.toContain(secret)
})

test('a right that is revoked holds for what was asked before it, and no token has that of another', async () => {
  await start('v15')
  await reported()
  expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(200)
  core.grant('reader')
  const two = await read(`${ORGANIZATION}/two`, 'reader')
  expect([two.status, await two.text()]).toEqual([403, expect.stringMatching(DENIED)])
  expect((await read(`${ORGANIZATION}/one`, 'other')).status).toBe(403)
  expect((await read(`${ORGANIZATION}/one`, 'reader')).status).toBe(200)
  row('one')!.isPublic = true
  expect((await read(`${ORGANIZATION}/one`, '')).status).toBe(200)
})

test('names that only look alike are asked about each on its own; odd ones and long tokens are denied', async () => {
  await start('C2')
  await reported()
  const names = () => core.to('POST', /validateUserAccess$/).map(({ body }) => (body as { resourceId: object }).resourceId)
  for (const path of ['a%2Fb/c', 'a/b%2Fc']) expect((await read(path, 'stranger')).status).toBe(403)
  expect(names().slice(-2)).toEqual([
    { team: 'a/b', name: 'c' },
    { team: 'a', name: 'b/c' },
  ])
  for (const path of [
    `${ORGANIZATION}/..%2Fone`,
    `${ORGANIZATION}/%C3%A4%20%E2%98%83`,
    `${ORGANIZATION}/__proto__`,
    '%00/x',
    'x'.repeat(24),
  ])
    expect([path, (await read(path, 'stranger')).status]).toEqual([path, 403])
  for (const token of ['t'.repeat(7000), '%00%0d%0a', '%zz', 'a&token=reader', '%7B%7D'])
    expect([token.length, (await read(`${ORGANIZATION}/one`, token)).status]).toEqual([token.length, 403])
  expect(core.asked.map(({ query }) => query['token'])).toContain('t'.repeat(7000))
})

test('a dataset core does not take: its card says why', async () => {
  core = new TestCore('v15')
  core.rows.add({ id: { team: ORGANIZATION, name: 'taken' }, dataLayers: [{ name: 'other' }], scale: [1, 1, 1] }, 'localhost')
  data = emptyFolder()
  for (const path of [`${ORGANIZATION}/taken`, 'nobody/x', `${ORGANIZATION}/fine`]) writeTinyTiff(join(data, path, 'v.tif'), 32, 32)
  server = await RunningBinary.start(['--data', data, '--admin-token', 'admin', ...core.flags])
  await server.logged(/taken: .*another datastore/)
  const page = await (await server.get('/?token=admin')).text()
  expect(page).toMatch(/Connected to webKnossos .* 2 datasets did not arrive there/)
  expect(page).toMatch(/nobody\/<\/span>x<[\s\S]*no organization &quot;nobody&quot;/)
  expect(page).toMatch(/taken<[\s\S]*belongs to (the|another) datastore/)
  expect(page).toMatch(/fine<[\s\S]{0,300}in webKnossos/)
  expect((await server.get('/')).status).toBe(403)
  expect((await server.get('/data/datasets?token=reader')).status).toBe(403)
})

describe('adding datasets over HTTP', () => {
  const add = (body: unknown, token = 'boss', type = 'application/json') =>
    server.get(`/data/datasets?token=${token}`, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': type } })

  test.each(['C2', 'v15'] as const)('%s: with the rights of core, all or none, reported before it is answered', async (era) => {
    await start(era)
    await reported()
    mkdirSync(join(data, 'apart'))
    const entry = (name: string) => ({ tiff: { [ORGANIZATION]: { [name]: { path: `${ORGANIZATION}/one`, scale: [4, 4, 40] } } } })
    expect((await add(entry('copy'), 'reader')).status).toBe(403)
    const added = await add(entry('copy'))
    expect([added.status, await added.text(), isUsable('copy')]).toEqual([200, '', true])
    const bulks = core.bulk.length
    const both = { tiff: { [ORGANIZATION]: { good: { path: `${ORGANIZATION}/one` }, bad: { path: 'nothing' } } } }
    const failed = await add(both)
    expect([failed.status, await failed.text(), row('good')]).toEqual([400, expect.stringContaining('bad'), undefined])
    await trigger('checkInboxBlocking')
    expect([row('good'), core.single.length, core.bulk.length]).toEqual([undefined, 1, bulks])
    expect((await add(entry('x'), 'boss', 'multipart/form-data; boundary=x')).status).toBe(501)
    core.failing = 500
    expect((await add(entry('late'))).status).toBe(400)
    core.failing = undefined
    await trigger('checkInboxBlocking')
    expect((await server.list('admin')).map(({ name }) => name)).not.toContain('late')
  })
})

describe('editing a description', () => {
  const put = (id: string, body: unknown, token: string) =>
    server.get(`/data/datasets/${id}?token=${token}`, {
      method: 'PUT',
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' },
    })

  test('by core only; it survives a restart, is reported once, and reset takes it back', async () => {
    await start('v15')
    await reported()
    const { id, dataSource } = row('one')!
    const layer = (dataSource as { dataLayers: Record<string, unknown>[] }).dataLayers[0]!
    const edited = {
      ...dataSource,
      scale: { factor: [0.5, 0.5, 1], unit: 'micrometer' },
      dataLayers: [
        { ...layer, category: 'segmentation', largestSegmentId: 7, elementClass: 'uint64', adminViewConfiguration: { color: [1, 2, 3] } },
      ],
    }
    expect((await put(id, edited, 'boss')).status).toBe(403)
    expect((await put('0'.repeat(24), edited, core.rpcToken)).status).toBe(404)
    expect((await put(id, { ...edited, dataLayers: 7 }, core.rpcToken)).status).toBe(400)
    const saved = await put(id, edited, core.rpcToken)
    expect([saved.status, await saved.text()]).toEqual([200, ''])
    const shown = { category: 'segmentation', largestSegmentId: 7, elementClass: 'uint8', adminViewConfiguration: { color: [1, 2, 3] } }
    await core.until('the edited report', () => JSON.stringify(row('one')!.dataSource['scale']) === '[500,500,1000]')
    expect(row('one')!.dataSource).toMatchObject({ dataLayers: [shown] })
    await core.until('its single report', () => core.single.length === 1)
    await trigger('checkInboxBlocking')
    expect([core.single.length, core.bulk.filter(({ status }) => status === 200).length]).toEqual([1, 1])
    await server.stop()
    server = await RunningBinary.start(['--data', data, ...core.flags])
    const dataset = (await (await server.get(`/data/datasets/${ORGANIZATION}/one?token=reader`)).json()) as { dataSource: unknown }
    expect(dataset.dataSource).toMatchObject({ scale: [500, 500, 1000], dataLayers: [shown] })
    const { stdout, code } = await runBinary(['reset', 'one', '--data', data])
    expect([code, stdout]).toEqual([0, expect.stringContaining(`${ORGANIZATION}/one`)])
    await core.until('the own description again', () => (row('one')!.dataSource as typeof edited).dataLayers[0]!.category === 'color')
  }, 20_000)

  test('where nothing can be written core is told so, and --state takes it', async () => {
    const state = emptyFolder()
    await start('v15', ['--state', state])
    await reported()
    const { id, dataSource } = row('one')!
    chmodSync(data, 0o500)
    expect((await put(id, { ...dataSource, scale: [7, 7, 7] }, core.rpcToken)).status).toBe(200)
    expect(await Bun.file(join(state, 'overrides.json')).json()).toEqual({ version: 1, [ORGANIZATION]: { one: { scale: [7, 7, 7] } } })
    chmodSync(data, 0o700)
  })
})
