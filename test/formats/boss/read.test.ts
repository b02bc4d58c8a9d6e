/** Experiments opened and read from the double with the real parts: every voxel of every level, type and time, and every fault. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { ChunkCache } from '../../../src/cache/chunk-cache.ts'
import { openDataset, type Resources } from '../../../src/datasets/open.ts'
import { toMag } from '../../../src/volume/box.ts'
import { type Dataset, type Layer, magOf, wireBytes } from '../../../src/volume/chunked-array.ts'
import { cutout } from '../../../src/volume/cutout.ts'
import type { DataError } from '../../../src/volume/errors.ts'
import { Pace } from '../../../src/volume/pace.ts'
import type { Vec3 } from '../../../src/volume/vec.ts'
import { BossServer, COLLECTION, CUTOUTS } from '../../support/boss-server.ts'
import { sha256 } from '../../support/golden.ts'
import { makeResources, readBox } from '../../support/open.ts'
import { remoteStores } from '../../support/remote.ts'

let server: BossServer
let resources: Resources
let changes = 0
beforeEach(async () => {
  server = new BossServer()
  changes = 0
  resources = await makeResources(remoteStores({ client: { firstByteMs: 1000, totalMs: 3000 } }))
})
afterEach(async () => {
  resources.pool.close()
  await server[Symbol.asyncDispose]()
})

let opened = 0
const open = (more: Readonly<Record<string, unknown>> = {}): Promise<Dataset> => {
  const config = { domain: server.url, collection: COLLECTION, experiment: 'exp', ...more }
  const descriptor = { format: 'boss' as const, folder: server.url, root: server.url, config }
  return openDataset(`test/boss@${++opened}`, 'boss', descriptor, resources, () => changes++)
}
const layerOf = ({ layers }: Dataset, name: string): Layer => layers.find((layer) => layer.name === name)!
const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => {
      throw new Error('did not fail')
    },
    (error) => error,
  )
const volumes = (channel: string) => CUTOUTS.filter((one) => one.volume && one.channel === channel)
const size = ({ low, high }: { low: number[]; high: number[] }) => high.map((edge, d) => edge - low[d]!) as unknown as Vec3

describe('an experiment', () => {
  test('has the layers, mags, voxel size and reasons its server states', async () => {
    const { layers, broken, voxelSize, notes } = await open()
    expect(voxelSize).toEqual({ nm: [4, 4, 40], source: 'BossDB' })
    expect(
      layers.map(({ name, category, dataType, mags }) => [name, category, dataType, ...mags.map(({ factor }) => factor.join('-'))]),
    ).toEqual([
      ['em', 'color', 'uint8', '1-1-1', '2-2-1', '4-4-1'],
      ['fluo', 'color', 'uint16', '1-1-1'],
      ['cells', 'segmentation', 'uint64', '1-1-1'],
      ['parts', 'segmentation', 'uint32', '2-2-1', '4-4-1'],
    ])
    for (const { boundingBox } of layers) expect(boundingBox).toEqual({ min: [0, 8, 2], max: [540, 60, 21] })
    expect(broken).toEqual([{ name: 'huge', status: expect.stringContaining('image of uint64') }])
    expect(notes.join('\n')).toMatch(
      /cells is being downsampled.*IN_PROGRESS.*\n.*channels em, fluo, cells, parts read through the API at/s,
    )
  })

  test.each(['em', 'fluo', 'cells', 'parts'])('every voxel of %s at every level is what was stored', async (name) => {
    const layer = layerOf(await open({ channels: [name] }), name)
    for (const volume of volumes(name).filter(({ kind }) => kind === '')) {
      const factor = [2 ** volume.resolution, 2 ** volume.resolution, 1] as const
      const bytes = await readBox(layer, factor, volume.low as unknown as Vec3, size(volume))
      expect([name, volume.resolution, sha256(bytes)]).toEqual([name, volume.resolution, volume.sha256])
    }
  })

  test('iso: the hierarchy of near-cubes', async () => {
    const layer = layerOf(await open({ channels: ['em'], iso: true }), 'em')
    expect(layer.mags.map(({ factor }) => factor.join('-'))).toEqual(['1-1-1', '2-2-1', '4-4-2'])
    const volume = volumes('em').find(({ kind }) => kind === 'iso')!
    expect(sha256(await readBox(layer, [4, 4, 2], volume.low as unknown as Vec3, size(volume)))).toBe(volume.sha256)
  })

  test('time samples are an axis, each read for itself', async () => {
    const layer = layerOf(await open({ experiment: 'film' }), 'movie')
    expect(layer.additionalAxes).toEqual([{ name: 't', bounds: [0, 3] }])
    for (const [time, volume] of volumes('movie').entries()) {
      const at = layer.at!([{ name: 't', value: time }])!
      expect(sha256(await readBox(at, [1, 1, 1], volume.low as unknown as Vec3, size(volume)))).toBe(volume.sha256)
    }
    expect(layer.at!([{ name: 't', value: 3 }])).toBeUndefined()
    expect(layer.at!([{ name: 't', value: 0 }])).toBe(layer)
    expect(new Set([0, 1, 2].map((value) => layer.at!([{ name: 't', value }])!.mags[0]!.arrays[0]!.id)).size).toBe(3)
    expect(server.cutouts.every((path) => /\/\d:\d\/$/.test(path))).toBe(true)
  })

  test('whose channels are only listed', async () => {
    server.namesChannels = false
    expect((await open()).layers.map(({ name }) => name)).toEqual(['em', 'fluo', 'cells', 'parts'])
  })

  test('read by the other version, through a path of a proxy', async () => {
    expect((await open({ domain: `${server.url}/latest`, channels: ['em'] })).layers).toHaveLength(1)
    expect(server.asked.every(({ path }) => path.startsWith('/latest/'))).toBe(true)
  })
})

describe('cutouts', () => {
  const bucketsOf = (layer: Layer, cache: ChunkCache, positions: readonly Vec3[]) =>
    Promise.all(
      positions.map(async (min) => {
        const target = new Uint8Array(32 ** 3 * wireBytes(layer))
        const box = { min, max: min.map((edge) => edge + 32) as unknown as Vec3 }
        const found = await cutout(magOf(layer, [1, 1, 1])!, box, toMag(layer.boundingBox, [1, 1, 1]), target, {
          chunks: cache,
          pace: new Pace(),
        })
        return found
      }),
    )
  const viewport: Vec3[] = [0, 32, 64, 96, 128, 160].map((x) => [x, 0, 0])

  test('six buckets inside a cuboid are one, and ten viewports at the same time, too', async () => {
    // buckets are 32 high, cuboids 16: two layers of them
    const layer = layerOf(await open({ channels: ['em'] }), 'em')
    const cache = new ChunkCache(256 * 1024 * 1024)
    await Promise.all(Array.from({ length: 10 }, () => bucketsOf(layer, cache, viewport)))
    expect(server.cutouts).toEqual(['col/exp/em/0/0:512/8:60/2:16/', 'col/exp/em/0/0:512/8:60/16:21/'])
    await bucketsOf(layer, cache, viewport)
    expect(server.cutouts).toHaveLength(2)
    expect(server.asked.at(-1)!.headers.get('accept')).toBe('application/blosc')
  })

  test('of an empty cuboid: empty, and not asked for again', async () => {
    const layer = layerOf(await open({ channels: ['fluo'] }), 'fluo')
    const cache = new ChunkCache(256 * 1024 * 1024)
    expect(await bucketsOf(layer, cache, [[512, 0, 0]])).toEqual([false])
    const asked = server.cutouts.length
    expect(await bucketsOf(layer, cache, [[512, 32, 0]])).toEqual([false])
    expect(server.cutouts).toHaveLength(asked)
    expect(await bucketsOf(layer, cache, [[480, 0, 0]])).toEqual([true])
  })

  test('at most four at a time', async () => {
    server.fault = async ({ path }) => void (path.includes('cutout') && (await Bun.sleep(100)))
    const layer = layerOf(await open({ experiment: 'film' }), 'movie')
    server.mostRunning = 0
    const times = [0, 1, 2].map((value) => layer.at!([{ name: 't', value }])!)
    await Promise.all(times.flatMap((at) => [0, 512].map((x) => readBox(at, [1, 1, 1], [x, 8, 2], [20, 20, 19]))))
    expect(server.cutouts).toHaveLength(12)
    expect(server.mostRunning).toBe(4)
  })
})

describe('trouble', () => {
  const read = async (config = {}) => {
    const layer = layerOf(await open({ channels: ['em'], ...config }), 'em')
    return () => readBox(layer, [1, 1, 1], [0, 8, 2], [32, 32, 8])
  }

  test.each([
    ['a busy server', () => new Response('bad gateway', { status: 502 })],
    ['too many requests', () => new Response('{"detail":"throttled"}', { status: 429, headers: { 'Retry-After': '0' } })],
  ])('%s is asked again', async (_, answer) => {
    const work = await read()
    let times = 2
    server.fault = ({ path }) => (path.includes('cutout') && times-- > 0 ? answer() : undefined)
    expect((await work()).some((byte) => byte !== 0)).toBe(true)
    expect(server.cutouts).toHaveLength(3)
  })

  test.each<[string, () => Response | Promise<Response>, RegExp, number]>([
    ['an internal error', () => new Response('', { status: 501 }), /status 501/, 503],
    [
      'a web page',
      () => new Response('<p>Sign in</p>', { headers: { 'Content-Type': 'text/html' } }),
      /a cutout was asked for, the answer is text\/html/,
      503,
    ],
    [
      'other bytes',
      () => new Response('not a container at all', { headers: { 'Content-Type': 'application/blosc' } }),
      /Blosc: version/,
      422,
    ],
    ['no bytes', () => new Response('', { headers: { 'Content-Type': 'application/blosc' } }), /Blosc: 0 bytes/, 422],
    [
      'refused arguments',
      () => Response.json({ status: 400, code: 1001, message: 'Incorrect cutout arguments' }, { status: 400 }),
      /status 400 .*Incorrect cutout arguments/,
      422,
    ],
    [
      'more than was asked for',
      () => new Response(new Uint8Array(9_000_000), { headers: { 'Content-Type': 'application/blosc' } }),
      /9000000 bytes, at most/,
      422,
    ],
  ])('%s is a failure with its reason, and nothing is kept of it', async (_, answer, reason, status) => {
    const work = await read()
    server.fault = ({ path }) => (path.includes('cutout') ? answer() : undefined)
    const error = await failure(work())
    expect([(error as DataError).status, error.message]).toEqual([status, expect.stringMatching(reason)])
    server.fault = () => undefined
    expect((await work()).some((byte) => byte !== 0)).toBe(true)
  })

  test('a cuboid of the wrong number of voxels', async () => {
    const work = await read()
    server.fault = async ({ path }) =>
      path.includes('0:512/')
        ? fetch(`${server.url}/v1/cutout/col/exp/em/0/0:10/8:60/2:16/`, { headers: { Authorization: 'Token public' } })
        : undefined
    expect((await failure(work())).message).toMatch(/decompresses to 7280 bytes instead of 372736/)
  })

  test('a channel that is removed while it is read: a failure with the fix, and the dataset is opened anew', async () => {
    const work = await read()
    server.removed.add('em')
    const error = await failure(work())
    expect(error.message).toMatch(/the channel col\/exp\/em is not at .*Channel em not found.*ask its owner whether it was removed/)
    // not for what was opened this very moment: it would be opened again and again
    expect(changes).toBe(0)
    await Bun.sleep(2100)
    await failure(work())
    expect(changes).toBe(1)
  })

  test('a server that never answers: a failure in time', async () => {
    const work = await read()
    server.fault = ({ path }) => (path.includes('cutout') ? new Promise(() => {}) : undefined)
    const begin = performance.now()
    expect((await failure(work())).message).toMatch(/no answer within 3 s/)
    expect(performance.now() - begin).toBeLessThan(5000)
  })
})

describe('cannot be opened', () => {
  test.each<[string, Readonly<Record<string, unknown>>, RegExp]>([
    [
      'an unknown collection',
      { collection: 'other' },
      /the experiment other\/exp is not at .*Collection other not found.*: correct the names in its entry/,
    ],
    ['an unknown experiment', { experiment: 'other' }, /col\/other is not at .*Experiment other not found/],
    ['an unknown channel', { channels: ['other'] }, /layer other: the channel col\/exp\/other is not at .*Channel other not found/],
    ['an unknown token', { token: 'wr0ng' }, /refuses the token .*: correct it in its entry of datasets.json/],
    ['a wrong password', { username: 'someone', password: 'wr0ng' }, /refuses the user name or password of "someone": correct/],
    [
      'a domain nobody answers at',
      { domain: 'http://127.0.0.1:1' },
      /127.0.0.1:1\/v1 cannot be asked for the experiment col\/exp \(.*the connection is refused.*\): is its domain right/,
    ],
    ['a domain that is none', { domain: 'api.bossdb.io' }, /is not a URL such as https:\/\/api.bossdb.io/],
    ['an entry without a collection', { collection: undefined }, /its entry in datasets.json: .*collection/],
  ])('%s', async (_, config, reason) => {
    const error = await failure(open(config))
    expect(error.message).toMatch(reason)
    expect(error.message).not.toContain('wr0ng')
  })

  test('one wrong channel does not take the others along', async () => {
    const { layers, broken } = await open({ channels: ['em', 'other'] })
    expect([layers.map(({ name }) => name), broken.map(({ name }) => name)]).toEqual([['em'], ['other']])
  })

  test('what is private, with the public token', async () => {
    server.isPublic = false
    expect((await failure(open())).message).toMatch(/wants an account for .*: add a token, or username and password, to its entry/)
  })

  test('what the account may not read', async () => {
    server.fault = () =>
      Response.json({ status: 403, code: 3001, message: 'This user does not have the required permissions' }, { status: 403 })
    expect((await failure(open())).message).toMatch(/may not be read at .*required permissions.*: ask its owner for permission/)
  })

  test('a web page in place of an API', async () => {
    server.fault = () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } })
    expect((await failure(open())).message).toMatch(/answers with what is no JSON: is it the API of a BossDB\?/)
  })
})
