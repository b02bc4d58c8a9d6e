/** Mags made of data that lie elsewhere, or that no single version covers: kept across restarts, and made anew when the data are others. */
import { describe, expect, test } from 'bun:test'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWkwMag } from '../../src/sample/write-wkw.ts'
import { emptyFolder, indicesOf, RunningBinary } from '../support/binary.ts'
import { BossServer, COLLECTION } from '../support/boss-server.ts'
import { ObjectServer } from '../support/object-server.ts'
import { serveFolder } from '../support/serve-folder.ts'
import { tinyTiff } from '../support/tiny-tiff.ts'

const EDGE = 128
const voxels = (value: number) => new Uint8Array(EDGE ** 3).fill(value)
const info = {
  '@type': 'neuroglancer_multiscale_volume',
  type: 'image',
  data_type: 'uint8',
  num_channels: 1,
  scales: [
    {
      key: '4_4_4',
      size: [EDGE, EDGE, EDGE],
      resolution: [4, 4, 4],
      voxel_offset: [0, 0, 0],
      chunk_sizes: [[EDGE, EDGE, EDGE]],
      encoding: 'raw',
    },
  ],
}
const CHUNK = `4_4_4/0-${EDGE}_0-${EDGE}_0-${EDGE}`

async function folderOfAll(): Promise<string> {
  const folder = emptyFolder()
  mkdirSync(join(folder, 'precomputed/4_4_4'), { recursive: true })
  writeFileSync(join(folder, 'precomputed/info'), JSON.stringify(info))
  writeFileSync(join(folder, 'precomputed', CHUNK), voxels(10))
  await writeWkwMag(join(folder, 'wkw/color/1'), voxels(10), [EDGE, EDGE, EDGE])
  const boundingBox = { topLeft: [0, 0, 0], width: EDGE, height: EDGE, depth: EDGE }
  const layer = { name: 'color', category: 'color', elementClass: 'uint8', dataFormat: 'wkw', boundingBox, mags: [{ mag: 1 }] }
  const properties = { id: { name: 'wkw', team: 'x' }, scale: [4, 4, 4], dataLayers: [layer] }
  writeFileSync(join(folder, 'wkw/datasource-properties.json'), JSON.stringify(properties))
  writeFileSync(join(folder, 'plane.tif'), tinyTiff(1200, 1100, 10))
  return folder
}

/** Starts a server on `data`, asks for a made mag of `far`, and says which values it has. */
async function ask(data: string, cache: string, work: (made: () => Promise<number[]>, server: RunningBinary) => Promise<void>) {
  await using server = await RunningBinary.start(['--data', data, '--cache-dir', cache, '--admin-token', 'admin'])
  const far = async () => (await server.list()).find(({ name }) => name === 'far')
  for (let tries = 0; tries < 100 && (await far())?.status !== 'ok'; tries++) await Bun.sleep(50)
  const layer = (await far())?.layers[0] as { name: string; computedMags: number[][] }
  // a coarse one: what costs little is not kept
  const mag = layer.computedMags.at(-1)!.join('-')
  const path = `/data/datasets/sample_organization/far/layers/${layer.name}/data?x=0&y=0&z=0&width=8&height=8&depth=1&mag=${mag}`
  await work(async () => {
    const response = await server.get(path)
    expect([response.status, indicesOf(response).failed]).toEqual([200, []])
    return [...new Set(await response.bytes())]
  }, server)
}

const reload = async (server: RunningBinary) => {
  const response = await server.get('/data/triggers/reload/sample_organization/far?token=admin', { method: 'POST' })
  expect(response.status).toBe(200)
}

async function lists(entry: unknown): Promise<{ data: string; cache: string }> {
  const data = emptyFolder()
  const [[backend, config]] = Object.entries(entry as Record<string, unknown>) as [[string, unknown]]
  writeFileSync(join(data, 'datasets.json'), JSON.stringify({ [backend]: { sample_organization: { far: config } } }))
  return { data, cache: emptyFolder() }
}

test('of a TIFF on a web server: kept while its ETag stays, made anew when it is another', async () => {
  await using objects = await serveFolder(await folderOfAll())
  const { data, cache } = await lists({ tiff: { path: `${objects.url}/plane.tif` } })
  await ask(data, cache, async (made) => expect(await made()).toEqual([10]))
  const [read] = [objects.bytesSent]
  await ask(data, cache, async (made) => expect(await made()).toEqual([10]))
  // opening reads the first block, of all pixels nothing is read
  expect(objects.bytesSent - read).toBeLessThan(read / 2)
  objects.objects.set('plane.tif', new Uint8Array(tinyTiff(1200, 1100, 20)))
  await ask(data, cache, async (made) => expect(await made()).toEqual([20]))
  objects.objects.set('plane.tif', new Uint8Array(tinyTiff(1200, 1100, 10)))
  await ask(data, cache, async (made) => expect(await made()).toEqual([10]))
}, 30_000)

test('of a TIFF whose server tells no versions apart: not kept', async () => {
  const file = new Uint8Array(tinyTiff(1200, 1100, 10))
  await using objects = await ObjectServer.start({ 'plane.tif': file })
  objects.answer(({ headers, method }) => {
    const [, from = '0', to = String(file.length - 1)] = /bytes=(\d+)-(\d+)/.exec(headers['range'] ?? '') ?? []
    const end = Math.min(Number(to), file.length - 1)
    const part = file.slice(Number(from), end + 1)
    if (method === 'HEAD') return new Response(null, { headers: { 'Content-Length': String(file.length), 'Accept-Ranges': 'bytes' } })
    return new Response(part, { status: 206, headers: { 'Content-Range': `bytes ${from}-${end}/${file.length}` } })
  })
  const { data, cache } = await lists({ tiff: { path: `${objects.url}/plane.tif` } })
  await ask(data, cache, async (made) => expect(await made()).toEqual([10]))
  file.fill(20, file.length - 1200 * 1100)
  await ask(data, cache, async (made) => expect(await made()).toEqual([20]))
}, 30_000)

describe.each(['a web server', 'this machine'] as const)('of Precomputed on %s', (where) => {
  test('kept under its info; what is written anew below the same info is seen after a reload, also by the next run', async () => {
    const folder = await folderOfAll()
    await using objects = await serveFolder(folder)
    const isFar = where === 'a web server'
    const at = isFar ? objects.url : folder
    const { data, cache } = await lists({ neuroglancer: { layers: { em: { source: `${at}/precomputed` } } } })
    const chunksRead = () => objects.asked.filter(({ key, method }) => key.endsWith(CHUNK) && method === 'GET').length
    const put = (value: number) => {
      if (isFar) objects.objects.set(`precomputed/${CHUNK}`, voxels(value))
      else writeFileSync(join(folder, 'precomputed', CHUNK), voxels(value))
    }
    await ask(data, cache, async (made) => expect(await made()).toEqual([10]))
    const read = chunksRead()
    put(20)
    await ask(data, cache, async (made, server) => {
      expect(await made()).toEqual([10])
      expect(chunksRead()).toBe(read)
      await reload(server)
      expect(await made()).toEqual([20])
    })
    await ask(data, cache, async (made) => expect(await made()).toEqual([20]))
    const other = { ...info, scales: [{ ...info.scales[0]!, resolution: [8, 8, 8] }] }
    put(30)
    if (isFar) objects.objects.set('precomputed/info', new TextEncoder().encode(JSON.stringify(other)))
    else writeFileSync(join(folder, 'precomputed/info'), JSON.stringify(other))
    await ask(data, cache, async (made) => expect(await made()).toEqual([30]))
  }, 30_000)
})

test('of WKW on a web server: kept, and a file written anew is seen after a reload', async () => {
  const folder = await folderOfAll()
  await using objects = await serveFolder(folder)
  const { data, cache } = await lists({ wkw: { path: `${objects.url}/wkw` } })
  await ask(data, cache, async (made) => expect(await made()).toEqual([10]))
  await writeWkwMag(join(folder, 'wkw/color/1'), voxels(20), [EDGE, EDGE, EDGE])
  const cube = 'wkw/color/1/z0/y0/x0.wkw'
  objects.objects.set(cube, new Uint8Array(readFileSync(join(folder, cube))))
  await ask(data, cache, async (made, server) => {
    expect(await made()).toEqual([10])
    await reload(server)
    expect(await made()).toEqual([20])
  })
  await ask(data, cache, async (made) => expect(await made()).toEqual([20]))
}, 30_000)

test('of a BossDB: kept under what it says of the channel', async () => {
  await using boss = new BossServer()
  const { data, cache } = await lists({ boss: { domain: boss.url, collection: COLLECTION, experiment: 'exp', channels: ['em'] } })
  let before: number[] = []
  await ask(data, cache, async (made) => {
    before = await made()
  })
  const fetched = boss.cutouts.length
  expect(fetched).toBeGreaterThan(0)
  await ask(data, cache, async (made, server) => {
    expect(await made()).toEqual(before)
    expect(boss.cutouts.length).toBe(fetched)
    await reload(server)
    expect(await made()).toEqual(before)
    expect(boss.cutouts.length).toBeGreaterThan(fetched)
  })
}, 30_000)
