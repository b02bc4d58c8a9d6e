/** The executable connected to a core of each era: reports, rights, ids, and the old and new ways to ask for a dataset. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { DATASTORE, ERAS, type Era, KEY, TestCore } from '../support/core/core.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

/** Each keeps what core has answered to it. */
const THREADS = 1

const ORGANIZATION = 'sample_organization'
const BUCKET = [{ position: [0, 0, 0], mag: [1, 1, 1], cubeSize: 32, fourBit: false }]

async function dataFolder(): Promise<string> {
  const data = emptyFolder()
  for (const name of ['one', 'two with blank.v1']) writeTinyTiff(join(data, ORGANIZATION, name, 'one.tif'), 32, 32)
  await Bun.write(join(data, ORGANIZATION, 'broken', 'one.tif'), 'II*\0garbage')
  return data
}

describe.each(Object.keys(ERAS) as Era[])('a core of era %s', (era) => {
  let core: TestCore
  let server: RunningBinary
  const post = (dataset: string, token: string, header = false) =>
    server.get(`/data/datasets/${dataset}/layers/one/data${header ? '' : `?token=${token}`}`, {
      method: 'POST',
      body: JSON.stringify(BUCKET),
      headers: { 'Content-Type': 'application/json', ...(header ? { 'X-Auth-Token': token } : {}) },
    })

  beforeAll(async () => {
    core = new TestCore(era)
    core.grant('reader', `${ORGANIZATION}/one`)
    core.grant('reader of all', '*')
    server = await RunningBinary.start(['--data', await dataFolder(), '--admin-token', 'admin', ...core.flags])
    await core.until('a bulk report', () => core.bulk.some(({ status }) => status === 200))
  })
  afterAll(async () => {
    await server?.stop()
    await core?.stop()
  })

  test('is told the status and all datasets in one call, the broken one as unusable with a reason', () => {
    expect(core.to('PATCH', /\/status$/).map(({ body, status }) => [status, body])).toEqual([[200, { ok: true, url: server.url }]])
    expect(core.bulk.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(core.single).toHaveLength(0)
    expect(
      core.asked
        .filter(({ path }) => path.includes('/datastores/'))
        .every(({ path, query }) => path.includes(DATASTORE) && query['key'] === KEY),
    ).toBe(true)
    expect(core.rows.all().map(({ name, isUsable }) => [name, isUsable])).toEqual(
      expect.arrayContaining([
        ['one', true],
        ['two with blank.v1', true],
        ['broken', false],
      ]),
    )
    expect(Object.keys(core.rows.byName(ORGANIZATION, 'broken')!.dataSource).sort()).toEqual(['id', 'status'])
  })

  test('decides who reads, asked by name in old words and by id in new ones', async () => {
    const granted = await post(`${ORGANIZATION}/one`, 'reader')
    expect([granted.status, (await granted.arrayBuffer()).byteLength]).toEqual([200, 32 ** 3])
    expect((await post(`${ORGANIZATION}/one`, 'reader', true)).status).toBe(200)
    const denied = await post(`${ORGANIZATION}/one`, 'stranger')
    expect([denied.status, denied.headers.get('content-type'), await denied.text()]).toEqual([
      403,
      expect.stringContaining('text/plain'),
      'Token may be expired, consider reloading. Access forbidden: No read access on dataset',
    ])
    const body = core.to('POST', /validateUserAccess$/).at(-1)!.body
    const id = core.rows.byName(ORGANIZATION, 'one')!.id
    expect(body).toEqual(
      ERAS[era] >= 10
        ? { resourceId: id, resourceType: 'dataset', mode: 'read' }
        : { resourceId: { team: ORGANIZATION, name: 'one' }, resourceType: 'datasource', mode: 'read' },
    )
  })

  test('is asked once by each thread for the same token and dataset, whatever the answer', async () => {
    const count = () => core.to('POST', /validateUserAccess$/).length
    await post(`${ORGANIZATION}/one`, 'reader')
    await post(`${ORGANIZATION}/one`, 'stranger')
    const before = count()
    for (let n = 0; n < 3; n++) await Promise.all([post(`${ORGANIZATION}/one`, 'reader'), post(`${ORGANIZATION}/one`, 'stranger')])
    expect(count()).toBeLessThanOrEqual(before + 2 * (THREADS - 1))
    await Promise.all(Array.from({ length: 8 }, () => post(`${ORGANIZATION}/one`, 'reader of all')))
    const asked = count()
    expect(asked).toBeGreaterThan(before)
    expect(asked).toBeLessThanOrEqual(before + 2 * (THREADS - 1) + THREADS)
  })

  test('a name nobody has is answered like one that may not be read, also to who may read all', async () => {
    const [unknown, denied] = await Promise.all([post(`${ORGANIZATION}/nothing`, 'stranger'), post(`${ORGANIZATION}/one`, 'stranger')])
    expect([unknown.status, await unknown.text()]).toEqual([denied.status, await denied.text()])
    expect((await post(`${ORGANIZATION}/nothing`, 'reader of all')).status).toBe(403)
    expect((await post('f'.repeat(24), 'reader of all')).status).toBe(403)
  })

  test('a name with a blank and a dot', async () => {
    expect((await server.get(`/data/v9/datasets/${ORGANIZATION}/two%20with%20blank.v1?token=reader%20of%20all`)).status).toBe(200)
    expect((await server.get(`/data/datasets/${ORGANIZATION}/two%20with%20blank.v1?token=reader`)).status).toBe(403)
  })

  test('the id of the dataset works', async () => {
    // an old core has given none: then our own
    const own = (await server.list('admin')).find(({ name }) => name === 'one')!.id
    const id = ERAS[era] >= 10 ? core.rows.byName(ORGANIZATION, 'one')!.id : own
    expect(own).toBe(id)
    expect((await post(id, 'reader')).status).toBe(200)
    expect((await post(id, 'stranger')).status).toBe(403)
  })

  test('decides the same for Zarr: documents and chunks, by query and header, before and after a reload', async () => {
    const id = ERAS[era] >= 10 ? core.rows.byName(ORGANIZATION, 'one')!.id : `${ORGANIZATION}/one`
    const files = ['datasource-properties.json', 'one/.zattrs', 'one/1/.zarray', 'one/1/0.0.0.0'].map((file) => `zarr/${id}/${file}`)
    const read = (path: string, init: RequestInit = {}) => server.get(`/data/${ERAS[era] >= 5 ? `v${ERAS[era]}/` : ''}${path}`, init)
    for (const path of [...files, `zarr3_experimental/${id}/one/1/zarr.json`, `zarr-zyx/${id}/one/1/0.0.0.0`]) {
      for (const method of ['GET', 'HEAD']) {
        const answers = await Promise.all([
          read(`${path}?token=reader`, { method }),
          read(path, { method, headers: { 'X-Auth-Token': 'reader' } }),
          read(`${path}?token=stranger`, { method }),
          read(path, { method }),
        ])
        expect([path, method, ...answers.map(({ status }) => status)]).toEqual([path, method, 200, 200, 403, 403])
        expect(answers.map(({ headers }) => headers.get('Access-Control-Allow-Origin'))).toEqual(['*', '*', '*', '*'])
      }
    }
    // the query wins, as a sharing token in it has to
    const chunk = files.at(-1)!
    expect((await read(`${chunk}?token=stranger`, { headers: { 'X-Auth-Token': 'reader' } })).status).toBe(403)
    const etag = (await read(`${chunk}?token=reader`)).headers.get('ETag')!
    const again = () => read(`${chunk}?token=reader`, { headers: { 'If-None-Match': etag } })
    expect((await again()).status).toBe(304)
    expect((await server.get(`/data/triggers/reload/${ORGANIZATION}/one?token=${core.rpcToken}`, { method: 'POST' })).status).toBe(200)
    expect([(await again()).status, (await read(`${chunk}?token=stranger`)).status]).toEqual([200, 403])
  })

  test('only who administrates looks again and reloads, and core itself', async () => {
    const ask = async (path: string, token: string) =>
      (await server.get(`/data/triggers/${path}?token=${token}`, { method: 'POST' })).status
    core.admins.add('boss')
    expect([await ask('checkInboxBlocking', 'reader'), await ask('checkInboxBlocking', 'boss')]).toEqual([403, 200])
    expect([await ask(`reload/${ORGANIZATION}/one`, 'reader'), await ask(`reload/${ORGANIZATION}/one`, 'boss')]).toEqual([403, 200])
    const asked = core.to('POST', /validateUserAccess$/).filter(({ body }) => (body as { mode: string }).mode === 'administrate')
    expect(asked.map(({ body }) => (body as { resourceId?: unknown }).resourceId).slice(-1)).toEqual([
      ERAS[era] >= 10 ? ORGANIZATION : { team: '', name: '' },
    ])
    expect(await ask('checkInboxBlocking', core.rpcToken)).toBe(200)
  })

  test('nothing is told twice', async () => {
    await server.get('/data/triggers/checkInboxBlocking?token=boss', { method: 'POST' })
    expect(core.bulk.filter(({ status }) => status === 200).length).toBe(1)
    // intensities that took longer than a report waits for are told afterwards, once
    const told = core.single.map(({ body }) => JSON.stringify(body))
    expect(new Set(told).size).toBe(told.length)
    expect(told.length).toBeLessThanOrEqual(1)
  })

  test('neither the key nor a token is in the log', () => {
    for (const secret of [KEY, 'reader', 'stranger', core.rpcToken]) expect(server.log).not.toContain(secret)
  })
})
