/** Precomputed datasets through the executable: the predecessor's list as it is, what it got wrong, and damage that stays where it is. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import index from '../golden/precomputed.json'
import { emptyFolder, indicesOf, RunningBinary, runBinary } from '../support/binary.ts'
import { GOLDEN, type GoldenCase, sha256 } from '../support/golden.ts'

const data = emptyFolder()
const elsewhere = emptyFolder()
let server: RunningBinary
const cases = index as unknown as readonly GoldenCase[]
const source = (name: string) => join(GOLDEN, 'data/precomputed', name)

beforeAll(async () => {
  cpSync(join(GOLDEN, 'data/precomputed'), join(data, 'precomputed'), { recursive: true })
  // a raw chunk cut off, one that is a web page, one of the wrong length, one that is empty; the rest as they were
  const broken = join(data, 'precomputed/broken')
  cpSync(source('raw_uint8'), broken, { recursive: true })
  const chunk = (name: string) => join(broken, '4_4_40', name)
  expect(readdirSync(join(broken, '4_4_40'))).toContain('3-19_5-17_7-15')
  writeFileSync(chunk('3-19_5-17_7-15'), readFileSync(chunk('3-19_5-17_7-15')).subarray(0, 1000))
  writeFileSync(chunk('19-22_5-17_7-15'), '<!DOCTYPE html><title>Sign in</title>')
  writeFileSync(chunk('3-19_17-22_7-15'), '')
  cpSync(source('cseg_uint32'), join(elsewhere, 'labels'), { recursive: true })
  cpSync(source('raw_uint8'), join(elsewhere, 'em'), { recursive: true })
  writeFileSync(
    join(data, 'datasets.json'),
    JSON.stringify({
      neuroglancer: {
        'Test Organization': {
          two_layers: {
            layers: {
              image: { source: join(elsewhere, 'em'), type: 'image' },
              ids: { source: `precomputed://file://${join(elsewhere, 'labels')}`, type: 'segmentation' },
            },
            credentials: { type: 'service_account', private_key: 'SECRET' },
          },
          one_wrong: {
            layers: {
              image: { source: join(elsewhere, 'em'), type: 'segmentation' },
              ids: { source: join(elsewhere, 'labels'), type: 'segmentation' },
              gone: { source: join(elsewhere, 'nothing'), type: 'image' },
            },
          },
          by_path: { path: join(elsewhere, 'labels'), scale: [5, 5, 50] },
        },
      },
    }),
  )
  server = await RunningBinary.start(['--data', data])
  await server.list()
}, 60_000)
afterAll(() => server.stop())

const bucket = (position: number[], mag = [1, 1, 1], cubeSize = 32) => ({ position, mag, cubeSize, fourBit: false })
const infoOf = async (path: string) => (await server.list()).find((one) => `${one.organization}/${one.name}` === path)!
const cuboid = (path: string, layer: string, [x, y, z]: readonly number[], [w, h, d]: readonly number[], mag: string) =>
  server.get(`/data/datasets/${path}/layers/${layer}/data?x=${x}&y=${y}&z=${z}&width=${w}&height=${h}&depth=${d}&mag=${mag}`)

test('every golden dataset comes out of the executable as the reference readers read it', async () => {
  for (const { dataset, layers, refused } of cases) {
    const entry = await infoOf(`precomputed/${dataset}`)
    expect([dataset, entry.status]).toEqual([dataset, refused ? 'unusable' : 'ok'])
    if (refused) expect(entry.reason).toContain(refused)
    else
      for (const { name, mag, topLeft, size, sha256: expected } of layers) {
        const mag1 = topLeft.map((at, d) => at * mag[d]!)
        const response = await cuboid(`precomputed/${dataset}`, name, mag1, size, mag.join('-'))
        expect([dataset, name, response.status, sha256(await response.bytes())]).toEqual([dataset, name, 200, expected])
      }
  }
}, 60_000)

describe('datasets.json of the predecessor', () => {
  test('layers by name, with credentials, which nobody is told', async () => {
    expect(await infoOf('Test Organization/two_layers')).toMatchObject({
      status: 'ok',
      layers: [
        { name: 'image', category: 'color', elementClass: 'uint8' },
        { name: 'ids', category: 'segmentation', elementClass: 'uint32' },
      ],
    })
    const listed = await (await server.get('/data/datasets')).text()
    const one = await (await server.get('/data/datasets/Test%20Organization/two_layers')).text()
    expect([listed, one].join()).not.toContain('SECRET')
  })

  test('a type that is not that of the info, and a layer that is not there, are told and take no other along', async () => {
    const { status, layers } = await infoOf('Test Organization/one_wrong')
    expect([status, layers]).toMatchObject([
      'ok',
      [
        { name: 'ids', elementClass: 'uint32' },
        { name: 'image', status: expect.stringContaining('calls it "segmentation", its info has type image') },
        { name: 'gone', status: expect.stringMatching(/^there is nothing at .*nothing$/) },
      ],
    ])
  })

  test('a path, with a voxel size of its own', async () => {
    expect(await infoOf('Test Organization/by_path')).toMatchObject({
      layers: [{ name: 'labels' }],
      voxelSize: { factor: [5, 5, 50], source: 'datasets.json' },
    })
  })
})

test('types it reported as unusable and served all the same', async () => {
  const classes = await Promise.all(['raw_int16', 'raw_float32'].map(async (name) => (await infoOf(`precomputed/${name}`)).layers[0]))
  expect(classes).toMatchObject([{ elementClass: 'int16' }, { elementClass: 'float' }])
})

test('a mag that is not there is not answered from another one of the same largest component', async () => {
  const mags = [
    [2, 1, 1],
    [2, 2, 1],
    [2, 2, 2],
    [4, 4, 2],
    [4, 4, 4],
  ]
  const response = await server.buckets(
    'precomputed/scales',
    'scales',
    mags.map((mag) => bucket([0, 0, 0], mag)),
  )
  expect([response.status, indicesOf(response).empty]).toEqual([200, [0, 2, 4]])
})

test('several chunk sizes: planes and cubes are the same voxels', async () => {
  const { layers } = cases.find(({ dataset }) => dataset === 'chunk_sizes')!
  const [w, h, d] = layers[0]!.size
  const planes: Uint8Array[] = []
  for (let z = 0; z < d; z++) planes.push(await (await cuboid('precomputed/chunk_sizes', 'chunk_sizes', [0, 0, z], [w, h, 1], '1')).bytes())
  expect(sha256(Buffer.concat(planes))).toBe(layers[0]!.sha256)
})

describe('below zero', () => {
  test('voxels are read, and only the box for webKnossos is cut, with a word about it', async () => {
    const { layers } = cases.find(({ dataset }) => dataset === 'compresso_uint8')!
    const [layer] = layers
    expect(layer!.topLeft[0]).toBe(-5)
    const response = await cuboid('precomputed/compresso_uint8', 'compresso_uint8', layer!.topLeft, layer!.size, '1')
    expect(sha256(await response.bytes())).toBe(layer!.sha256)
    const { dataSource } = (await (await server.get('/data/datasets/precomputed/compresso_uint8')).json()) as {
      dataSource: { dataLayers: { boundingBox: unknown }[] }
    }
    expect(dataSource.dataLayers[0]!.boundingBox).toEqual({ topLeft: [0, 2, 1], width: 32, height: 29, depth: 13 })
    expect((await infoOf('precomputed/compresso_uint8')).layers[0]).toMatchObject({ boundingBox: { topLeft: [-5, 2, 1], width: 37 } })
    await server.logged(/compresso_uint8: it begins at -5, 2, 1, .* x -5 to 0 cannot be seen/)
  })

  test('buckets outside the layer are empty, and the others of the request arrive', async () => {
    const response = await server.buckets('precomputed/raw_uint8', 'raw_uint8', [
      bucket([-32, -32, -32]),
      bucket([0, 0, 0]),
      bucket([32, 0, 0]),
      bucket([4096, 0, 0]),
      bucket([-(2 ** 30), 2 ** 30, 0]),
    ])
    expect([response.status, indicesOf(response)]).toEqual([200, { missing: [0, 2, 3, 4], empty: [0, 2, 3, 4], failed: [] }])
    expect((await response.bytes()).length).toBe(32 ** 3)
  })
})

describe('a chunk that cannot be read', () => {
  const path = 'precomputed/broken'
  // cut off, a web page, empty, whole
  const boxes = [
    bucket([4, 6, 7], [1, 1, 1], 1),
    bucket([20, 6, 7], [1, 1, 1], 1),
    bucket([4, 18, 7], [1, 1, 1], 1),
    bucket([20, 18, 7], [1, 1, 1], 1),
  ]

  test('is a failure, its neighbours arrive, and an empty one is empty', async () => {
    const response = await server.buckets(path, 'broken', boxes)
    expect([response.status, indicesOf(response)]).toEqual([200, { missing: [0, 1, 2], empty: [2], failed: [0, 1] }])
    expect((await response.bytes()).length).toBe(1)
    await server.logged(/broken.*3-19_5-17_7-15.*1000 bytes, a raw chunk of 16×12×8 voxels has 1536/)
  })

  test('is 422 as a cuboid', async () => {
    const response = await cuboid(path, 'broken', [4, 6, 7], [4, 4, 4], '1')
    expect(response.status).toBe(422)
    expect(await response.text()).not.toContain(data)
  })

  test('arrives as soon as it is whole again; nothing failed is kept', async () => {
    cpSync(join(source('raw_uint8'), '4_4_40/3-19_5-17_7-15'), join(data, path, '4_4_40/3-19_5-17_7-15'))
    const response = await server.buckets(path, 'broken', boxes.slice(0, 1))
    expect(indicesOf(response).failed).toEqual([])
    expect((await response.bytes()).length).toBe(1)
  })

  // root may read everything
  test.skipIf(process.getuid?.() === 0)('a file nobody may read is a failure, too', async () => {
    chmodSync(join(data, path, '4_4_40/19-22_17-22_7-15'), 0)
    expect(indicesOf(await server.buckets(path, 'broken', boxes.slice(3))).failed).toEqual([0])
  })

  test('a chunk that is not there is empty', async () => {
    const at = join(data, path, '4_4_40/3-19_5-17_15-16')
    renameSync(at, `${at}.away`)
    expect(indicesOf(await server.buckets(path, 'broken', [bucket([4, 6, 15], [1, 1, 1], 1)])).empty).toEqual([0])
  })
})

test('a wrong info is listed with the reason', async () => {
  const folder = emptyFolder()
  for (const [name, text] of [
    ['not_json', '{'],
    ['nothing', ''],
    ['list', '[]'],
  ] as const) {
    mkdirSync(join(folder, 'lab', name), { recursive: true })
    writeFileSync(join(folder, 'lab', name, 'info'), text)
  }
  await using other = await RunningBinary.start(['--data', folder])
  const reasons = Object.fromEntries((await other.list()).map(({ name, status, reason }) => [name, `${status}: ${reason}`]))
  expect(reasons).toEqual({
    not_json: expect.stringMatching(/^unusable: its info is not valid JSON/),
    nothing: expect.stringMatching(/^unusable: its info is not valid JSON/),
    list: expect.stringMatching(/^unusable: info at/),
  })
})

test('wkconnect add takes a folder with an info, and the layer is called as the folder', async () => {
  const folder = emptyFolder()
  const added = await runBinary(['add', join(elsewhere, 'labels'), '--name', 'mine', '--data', folder])
  expect([added.code, added.stdout]).toEqual([0, expect.stringContaining('Added sample_organization/mine (neuroglancer,')])
  const listed = await runBinary(['list', '--data', folder])
  expect(listed.stdout).toMatch(/✓ sample_organization\/mine.*\n\s+labels: 29×25×21 uint32 segmentation/)
  rmSync(folder, { recursive: true })
})
