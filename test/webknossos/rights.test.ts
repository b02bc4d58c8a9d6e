/** How long core's answers hold, and whose they are. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { CoreClient } from '../../src/webknossos/client.ts'
import { DatasetIds } from '../../src/webknossos/ids.ts'
import { Rights } from '../../src/webknossos/rights.ts'
import { VersionOfCore } from '../../src/webknossos/version.ts'
import { DATASTORE, KEY, TestCore } from '../support/core/core.ts'

const MINUTE = 60_000
const DATASET = { organization: 'sample_organization', name: 'one' }

let core: TestCore
let now: number
let rights: Rights
let ids: DatasetIds

beforeEach(() => {
  core = new TestCore('v15')
  core.rows.add({ id: { team: DATASET.organization, name: DATASET.name }, dataLayers: [], scale: [1, 1, 1] }, DATASTORE)
  core.grant('reader', '*')
  now = 0
  const client = new CoreClient({ url: `${core.url}/`, datastore: DATASTORE, key: KEY })
  rights = new Rights(client, new VersionOfCore(client), () => now)
  ids = new DatasetIds(
    client,
    () => {},
    () => now,
  )
})
afterEach(() => core.stop())

const checks = () => core.to('POST', /validateUserAccess$/).length
const ask = (token: string) =>
  rights.ask(rights.keyOf(token, 'read one'), token, async () => ({
    question: { mode: 'read', id: await ids.idOf(DATASET) },
    isKnown: true,
  }))

test.each(['reader', 'stranger'])('the answer for a %s holds for two minutes', async (token) => {
  const key = rights.keyOf(token, 'read one')
  const answer = await ask(token)
  expect(answer.granted).toBe(token === 'reader')
  now = 2 * MINUTE - 1
  expect(rights.held(key)?.answer).toEqual(answer)
  now = 2 * MINUTE
  expect(rights.held(key)).toBeUndefined()
})

test('no answer is held for another token, another request, or one that only looks alike', async () => {
  await ask('reader')
  for (const [token, what] of [
    ['reade', 'read one'],
    ['reader', 'write one'],
    ['reader read', 'one'],
    ['', 'reader read one'],
  ] as const)
    expect([token, what, rights.held(rights.keyOf(token, what))]).toEqual([token, what, undefined])
  expect(rights.keyOf('x'.repeat(8000), 'a').length).toBeLessThan(100)
  expect(rights.keyOf('x'.repeat(8000), 'a')).not.toBe(rights.keyOf('x'.repeat(8000), 'b'))
})

test('one question for all who ask at the same time', async () => {
  core.lagMs = 30
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask('reader')))
  expect(answers.every(({ granted }) => granted)).toBe(true)
  expect(checks()).toBe(1)
})

test.each([
  ['status 500', 500],
  ['status 404', 404],
  ['status 403, as for a wrong key', 403],
])('%s is no answer, and is not held', async (_, status) => {
  await ask('warm the ids')
  core.failing = status
  await expect(ask('reader')).rejects.toThrow()
  expect(rights.held(rights.keyOf('reader', 'read one'))).toBeUndefined()
  core.failing = undefined
  expect((await ask('reader')).granted).toBe(true)
})

test('an answer without a boolean granted is none', async () => {
  const odd = Bun.serve({
    port: 0,
    fetch: (request) =>
      Response.json(
        request.url.includes('buildinfo') ? { webknossos: {}, httpApiVersioning: { currentApiVersion: 15 } } : { granted: 'true' },
      ),
  })
  const client = new CoreClient({ url: odd.url.href, datastore: DATASTORE, key: KEY })
  const asked = new Rights(client, new VersionOfCore(client)).ask('k', 'secret token', () => ({
    question: { mode: 'core' },
    isKnown: true,
  }))
  const error = await asked.catch((one) => one)
  expect(error).toBeInstanceOf(Error)
  expect(error.message).not.toMatch(/secret token|very-secret/)
  await odd.stop(true)
})

test('what core does not have is denied in the words of core, and only briefly', async () => {
  const key = rights.keyOf('reader', 'read two')
  const find = async () => ({ question: { mode: 'read', id: undefined } as const, isKnown: false })
  expect(await rights.ask(key, 'reader', find)).toEqual({ granted: false, message: 'No read access on dataset' })
  now = 5000
  expect(rights.held(key)).toBeUndefined()
})

test('ids hold for five minutes, and while core is away; that there is none for seconds', async () => {
  const count = () => core.to('GET', /findDatasetId$/).length
  const { id } = core.rows.byName(DATASET.organization, DATASET.name)!
  expect([await ids.idOf(DATASET), await ids.nameOf(id)]).toEqual([id, DATASET])
  now = 5 * MINUTE - 1
  await ids.idOf(DATASET)
  expect(count()).toBe(1)
  now = 5 * MINUTE
  await ids.idOf(DATASET)
  expect(count()).toBe(2)
  const other = { organization: DATASET.organization, name: 'late' }
  expect(await ids.idOf(other)).toBeUndefined()
  core.rows.add({ id: { team: other.organization, name: other.name }, dataLayers: [] }, DATASTORE)
  expect(await ids.idOf(other)).toBeUndefined()
  now += 4000
  expect(await ids.idOf(other)).toBe(core.rows.byName(other.organization, 'late')!.id)
  ids.forget(id)
  core.failing = 503
  await expect(ids.idOf(DATASET)).rejects.toThrow('503')
  now += 6 * MINUTE
  expect(await ids.idOf(other)).toBe(core.rows.byName(other.organization, 'late')!.id)
})
