/**
 * Every route core or a browser asks of a datastore (protocol.md 2, 3 and 11, MUST and SHOULD) in every era: by name and by id, with every
 * prefix, the token in the query and in a header, and refused to who may not read. What the answers hold is tested elsewhere.
 */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { ERAS, type Era, KEY, TestCore } from '../support/core/core.ts'

const ORGANIZATION = 'sample_organization'
const ADMIN_TOKEN = 'the-admin-token-of-this-server'
const READER = 'the-token-of-a-reader'
const STRANGER = 'the-token-of-a-stranger'
const BOSS = 'the-token-of-an-administrator'
const BINARY = 'application/octet-stream'
const JSON_TYPE = 'application/json'

const bucket = [{ position: [0, 0, 0], mag: [1, 1, 1], cubeSize: 32 }]
const oldBucket = [{ position: [0, 0, 0], zoomStep: 0, cubeSize: 32, fourBit: false }]
const box = 'x=0&y=0&z=0&width=8&height=8&depth=8'

/** Below `/datasets/{D}`: method, path, body, type of the answer. */
const OF_A_DATASET: readonly (readonly [string, string, unknown, string])[] = [
  ['GET', '', undefined, JSON_TYPE],
  ['GET', '/readInboxDataSource', undefined, JSON_TYPE],
  ['POST', '/layers/color/data', bucket, BINARY],
  ['POST', '/layers/color/data', oldBucket, BINARY],
  ['GET', `/layers/color/data?${box}&mag=1-1-1`, undefined, BINARY],
  ['GET', `/layers/color/data?${box}&resolution=0`, undefined, BINARY],
  ['POST', '/layers/color/readData', { position: [0, 0, 0], cubeSize: [8, 8, 8], mag: [1, 1, 1] }, BINARY],
  ['GET', '/layers/color/mag1/x0/y0/z0/bucket.raw?cubeSize=32', undefined, BINARY],
  ['GET', `/layers/color/thumbnail.jpg?${box}&mag=1-1-1`, undefined, 'image/jpeg'],
  ['GET', '/layers/color/thumbnail.jpg?width=16&height=16&zoom=1&centerX=9&centerY=9&centerZ=9', undefined, 'image/jpeg'],
  ['GET', '/layers/color/thumbnail.jpg?width=16&height=16', undefined, 'image/jpeg'],
  ['GET', '/layers/color/histogram', undefined, JSON_TYPE],
  ['GET', '/layers/segmentation/findData', undefined, JSON_TYPE],
  ['GET', '/layers/segmentation/hasSegmentIndex', undefined, JSON_TYPE],
  ['GET', '/layers/segmentation/meshes', undefined, JSON_TYPE],
  ['GET', '/layers/segmentation/mappings', undefined, JSON_TYPE],
  ['GET', '/layers/segmentation/agglomerates', undefined, JSON_TYPE],
  ['GET', '/layers/segmentation/connectomes', undefined, JSON_TYPE],
]

/** Below `/data`, for who administrates the organization. */
const TO_ADMINISTRATE: readonly (readonly [string, string, unknown])[] = [
  ['GET', '/triggers/checkInboxBlocking', undefined],
  ['POST', `/triggers/checkInboxBlocking?organizationId=${ORGANIZATION}`, undefined],
  ['GET', `/triggers/reload/${ORGANIZATION}/{id}`, undefined],
  ['POST', `/triggers/reload/${ORGANIZATION}/cells`, undefined],
  ['POST', '/datasets/exploreRemote', { layerParameters: [{ remoteUri: '/nowhere' }], organizationId: ORGANIZATION }],
]

/** Below `/data`, for everybody. */
const FOR_ALL: readonly (readonly [string, string])[] = [
  ['GET', '/health'],
  ['POST', `/triggers/createOrganizationDirectory?organizationId=${ORGANIZATION}`],
  ['POST', '/triggers/newOrganizationFolder'],
  ['GET', '/triggers/checkNewOrganizationFolder'],
]

describe.each(Object.keys(ERAS) as Era[])('a core of era %s', (era) => {
  let core: TestCore
  let server: RunningBinary
  let id = ''
  /** Whatever was answered, to look for secrets in. */
  let said = ''
  const prefixes = ['/data', '/data/v5', `/data/v${Math.max(5, ERAS[era])}`]

  async function ask(method: string, path: string, body: unknown, token: string | undefined, how: 'query' | 'header' = 'query') {
    const inQuery = token !== undefined && how === 'query' ? `${path.includes('?') ? '&' : '?'}token=${token}` : ''
    const headers: Record<string, string> = { ...(token !== undefined && how === 'header' && { 'X-Auth-Token': token }) }
    if (body !== undefined) headers['Content-Type'] = JSON_TYPE
    const response = await server.get(`${path}${inQuery}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
    const text = Buffer.from(await response.arrayBuffer()).toString('latin1')
    said += `${text}\n${JSON.stringify([...response.headers])}\n`
    return { status: response.status, type: response.headers.get('Content-Type')?.split(';')[0], text, headers: response.headers }
  }

  beforeAll(async () => {
    core = new TestCore(era)
    core.grant(READER, '*')
    core.admins.add(BOSS)
    server = await RunningBinary.start(['--data', emptyFolder(), '--sample', '--admin-token', ADMIN_TOKEN, ...core.flags])
    await core.until('a bulk report', () => core.bulk.some(({ status }) => status === 200))
    id = (await server.list(ADMIN_TOKEN)).find(({ name }) => name === 'cells')!.id
  })
  afterAll(async () => {
    await server?.stop()
    await core?.stop()
  })

  test.each(OF_A_DATASET)('%s {D}%s', async (method, path, body, type) => {
    for (const prefix of prefixes) {
      for (const dataset of [`${ORGANIZATION}/cells`, id]) {
        const address = `${prefix}/datasets/${dataset}${path}`
        for (const how of ['query', 'header'] as const) {
          const answer = await ask(method, address, body, READER, how)
          expect([address, how, answer.status, answer.type]).toEqual([address, how, 200, type])
          expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
        }
        for (const token of [STRANGER, '', undefined]) {
          const { status, text } = await ask(method, address, body, token)
          expect([address, token, status]).toEqual([address, token, 403])
          expect(text).toStartWith('Token may be expired, consider reloading. ')
        }
      }
    }
  })

  test.each(TO_ADMINISTRATE)('%s %s', async (method, path, body) => {
    for (const prefix of prefixes) {
      const address = `${prefix}${path.replace('{id}', id)}`
      for (const token of [READER, STRANGER]) expect([address, (await ask(method, address, body, token)).status]).toEqual([address, 403])
      for (const how of ['query', 'header'] as const)
        expect([address, (await ask(method, address, body, BOSS, how)).status]).toEqual([address, 200])
    }
  })

  test.each(FOR_ALL)('%s %s', async (method, path) => {
    for (const prefix of prefixes) expect([path, (await ask(method, `${prefix}${path}`, undefined, undefined)).status]).toEqual([path, 200])
  })

  test('build information, and what a browser asks before it asks', async () => {
    const { status, text } = await ask('GET', '/api/buildinfo', undefined, undefined)
    expect([status, JSON.parse(text).webknossosDatastore.datastoreApiVersion]).toEqual([200, '2.0'])
    const preflight = await server.get(`/data/datasets/${id}/layers/color/data`, {
      method: 'OPTIONS',
      headers: { 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type,x-auth-token' },
    })
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Headers')]).toEqual([200, 'content-type,x-auth-token'])
  })

  test('core alone changes how a dataset is described and says what it has changed', async () => {
    for (const prefix of prefixes) {
      const address = `${prefix}/datasets/${id}`
      const dataSource = JSON.parse((await ask('GET', address, undefined, READER)).text).dataSource
      expect((await ask('PUT', address, dataSource, READER)).status).toBe(403)
      expect((await ask('PUT', address, dataSource, core.rpcToken)).status).toBe(200)
      // core calls it trouble, not a denial, that a token is nobody's who could write
      expect((await ask('DELETE', address, undefined, STRANGER)).status).toBe(400)
      expect((await ask('DELETE', address, undefined, core.rpcToken)).status).toBe(200)
    }
  })

  test('names nobody has and names that may not be read are answered alike', async () => {
    core.grant('one-who-reads-another', `${ORGANIZATION}/another`)
    const denied = await ask('POST', `/data/datasets/${ORGANIZATION}/cells/layers/color/data`, bucket, 'one-who-reads-another')
    const unknown = await ask('POST', `/data/datasets/${ORGANIZATION}/unknown/layers/color/data`, bucket, 'one-who-reads-another')
    expect([unknown.status, unknown.text]).toEqual([denied.status, denied.text])
  })

  // last: it looks at all of the above
  test('no secret is in the log, in metrics, in the page or in any answer', async () => {
    for (const path of ['/', '/metrics', '/openapi.json', '/data/datasets', '/data/nothing'])
      await ask('GET', path, undefined, ADMIN_TOKEN, 'header')
    await ask('GET', '/metrics', undefined, undefined)
    expect(said.length).toBeGreaterThan(100_000)
    for (const secret of [KEY, READER, STRANGER, BOSS, core.rpcToken]) {
      expect([secret, said.includes(secret)]).toEqual([secret, false])
      expect([secret, server.log.includes(secret)]).toEqual([secret, false])
    }
    expect(said).not.toContain(ADMIN_TOKEN)
  })
})
