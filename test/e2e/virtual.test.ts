/** "Add remote dataset" of webKnossos, from its question to the buckets: only core knows the dataset and where its mags lie. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { dataSourceProblems } from '../support/core/bodies.ts'
import { ERAS, type Era, TestCore } from '../support/core/core.ts'
import type { Row } from '../support/core/rows.ts'
import { GOLDEN } from '../support/golden.ts'
import { ObjectServer } from '../support/object-server.ts'

const ORGANIZATION = 'sample_organization'
const BUCKET = JSON.stringify([{ position: [0, 0, 0], mag: [1, 1, 1], cubeSize: 32, fourBit: false }])

interface Explored {
  readonly dataSource?: { readonly id: object; readonly dataLayers: readonly { readonly name: string }[] }
  readonly report: string
}

describe.each(['v10', 'v16'] as const satisfies readonly Era[])('a core of era %s', (era) => {
  let core: TestCore
  let server: RunningBinary
  let far: ObjectServer
  const data = emptyFolder()

  const send = (path: string, body: string, token: string) =>
    server.get(`${path}?token=${token}`, { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })
  const bucket = (dataset: string, layer: string, token = 'reader') => send(`/data/datasets/${dataset}/layers/${layer}/data`, BUCKET, token)
  const explore = async (...uris: string[]): Promise<Explored> => {
    const asked = { layerParameters: uris.map((remoteUri) => ({ remoteUri })), organizationId: ORGANIZATION }
    return (await send('/data/datasets/exploreRemote', JSON.stringify(asked), 'boss')).json() as Promise<Explored>
  }
  /** As core does when the form is sent. */
  const keep = (name: string, { dataSource }: Explored): Row =>
    core.rows.add({ ...dataSource, id: { team: ORGANIZATION, name } }, core.rows.all()[0]!.dataStore)

  beforeAll(async () => {
    for (const [from, to] of [
      ['tiff/rgb', 'rgb'],
      ['precomputed/scales', 'scales'],
      ['wkw/uint16_lz4', 'wkw'],
    ] as const)
      cpSync(join(GOLDEN, 'data', from), join(data, ORGANIZATION, to), { recursive: true })
    const files = ['precomputed/scales', 'tiff/rgb', 'wkw/uint16_lz4'].flatMap((folder) =>
      readdirSync(join(GOLDEN, 'data', folder), { recursive: true, withFileTypes: true }).flatMap((file) =>
        file.isFile() ? [join(file.parentPath, file.name)] : [],
      ),
    )
    far = await ObjectServer.start(Object.fromEntries(files.map((file) => [relative(join(GOLDEN, 'data'), file), readFileSync(file)])))
    core = new TestCore(era)
    core.grant('reader', '*')
    core.admins.add('boss')
    server = await RunningBinary.start(['--data', data, '--threads', '2', '--allow-remote', far.url, ...core.flags])
    await core.until('a bulk report', () => core.bulk.some(({ status }) => status === 200))
  })
  afterAll(async () => {
    await server?.stop()
    await core?.stop()
    await far?.[Symbol.asyncDispose]()
  })

  test.each(['rgb', 'scales', 'wkw'])(
    '%s of this machine: the data source is one core takes, and has the voxels of the files',
    async (name) => {
      const explored = await explore(join(data, ORGANIZATION, name))
      expect(explored.report).toContain('layer')
      const row = keep(`${name} virtual`, explored)
      expect(dataSourceProblems(row.dataSource, ERAS[era])).toEqual([])
      const own = core.rows.byName(ORGANIZATION, name)!
      for (const { name: layer } of explored.dataSource!.dataLayers) {
        const [virtual, real] = await Promise.all([bucket(row.id, layer), bucket(own.id, layer)])
        expect([virtual.status, real.status]).toEqual([200, 200])
        const [a, b] = await Promise.all([virtual.arrayBuffer(), real.arrayBuffer()])
        expect(Buffer.from(a).equals(Buffer.from(b))).toBe(true)
        expect(a.byteLength).toBeGreaterThan(0)
        const byName = await bucket(`${ORGANIZATION}/${encodeURIComponent(row.name)}`, layer)
        expect(Buffer.from(await byName.arrayBuffer()).equals(Buffer.from(a))).toBe(true)
      }
    },
  )

  test('a Precomputed volume, a TIFF and a WKW dataset far away become the layers of one', async () => {
    const places = ['precomputed/scales', 'tiff/rgb/color.tif', 'wkw/uint16_lz4']
    const explored = await explore(...places.map((place) => `${far.url}/${place}`))
    const row = keep('far', explored)
    expect(dataSourceProblems(row.dataSource, ERAS[era])).toEqual([])
    const layers = explored.dataSource!.dataLayers.map(({ name }) => name)
    const own = (['scales', 'rgb', 'wkw'] as const).map((name) => core.rows.byName(ORGANIZATION, name)!)
    expect(layers).toHaveLength(3)
    for (const [n, layer] of layers.entries()) {
      const [real] = (own[n]!.dataSource['dataLayers'] as { name: string }[]).map(({ name }) => name)
      const [a, b] = await Promise.all([bucket(row.id, layer), bucket(own[n]!.id, real!)])
      expect([a.status, b.status]).toEqual([200, 200])
      expect(Buffer.from(await a.arrayBuffer()).equals(Buffer.from(await b.arrayBuffer()))).toBe(true)
    }
  })

  test('is shown to nobody who may not read it', async () => {
    const row = keep('private', await explore(join(data, ORGANIZATION, 'rgb')))
    expect((await bucket(row.id, 'rgb', 'stranger')).status).toBe(403)
  })

  test('leads nowhere the owner has not allowed, and the reason is told', async () => {
    const explored = await explore(join(data, ORGANIZATION, 'wkw'))
    const text = JSON.stringify(explored.dataSource).replaceAll(`${data}/`, '/etc/')
    const row = keep('outside', { dataSource: JSON.parse(text), report: '' })
    const answer = await bucket(row.id, 'color')
    expect(answer.status).toBe(404)
    expect(await answer.text()).toMatch(/cannot be opened/)
  })

  test('is another as soon as core says that it has changed', async () => {
    const rgb = await explore(join(data, ORGANIZATION, 'rgb'))
    const row = keep('changing', rgb)
    const layer = rgb.dataSource!.dataLayers[0]!.name
    expect((await bucket(row.id, layer)).status).toBe(200)
    row.dataSource = JSON.parse(JSON.stringify(row.dataSource).replaceAll(`"name":"${layer}"`, '"name":"renamed"'))
    expect((await server.get(`/data/datasets/${row.id}?token=boss`, { method: 'DELETE' })).status).toBe(200)
    expect((await bucket(row.id, 'renamed')).status).toBe(200)
    expect((await bucket(row.id, layer)).status).toBe(404)
  })
})
