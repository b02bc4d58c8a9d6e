/** Mags that are not stored, through the executable: what is served of a file with one mag, and what stays on disk. */
import { beforeAll, describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWkwMag } from '../../src/sample/write-wkw.ts'
import { emptyFolder, indicesOf, RunningBinary, runBinary } from '../support/binary.ts'
import { seededRandom } from '../support/random.ts'
import { tinyTiff } from '../support/tiny-tiff.ts'

type Edges = readonly [number, number, number]

/** Halved by a rule, with nothing shared with the code under test. */
function halve(voxels: ArrayLike<number>, size: Edges, step: Edges, rule: (values: number[]) => number): { voxels: number[]; size: Edges } {
  const made = size.map((edge, d) => Math.ceil(edge / step[d]!)) as unknown as Edges
  const out: number[] = []
  for (let z = 0; z < made[2]; z++)
    for (let y = 0; y < made[1]; y++)
      for (let x = 0; x < made[0]; x++) {
        const values: number[] = []
        // along y, then x, then z
        for (let k = z * step[2]; k < Math.min(size[2], (z + 1) * step[2]); k++)
          for (let i = x * step[0]; i < Math.min(size[0], (x + 1) * step[0]); i++)
            for (let j = y * step[1]; j < Math.min(size[1], (y + 1) * step[1]); j++) values.push(voxels[i + size[0] * (j + size[1] * k)]!)
        out.push(rule(values))
      }
  return { voxels: out, size: made }
}

const mean = (values: number[]): number => {
  const exact = values.reduce((sum, value) => sum + value, 0) / values.length
  return exact % 1 === 0.5 ? 2 * Math.round(exact / 2) : Math.round(exact)
}

const mode = (values: number[]): number => {
  const counts = values.map((value) => values.filter((other) => other === value).length)
  return values[counts.indexOf(Math.max(...counts))]!
}

const PLANE: Edges = [1200, 1100, 1]
const VOLUME: Edges = [150, 130, 70]
const folder = emptyFolder()
let pixels: Uint8Array
let labels: Uint32Array

beforeAll(async () => {
  const random = seededRandom('mags')
  const noise = Uint8Array.from({ length: 4099 }, () => random(256))
  pixels = Uint8Array.from({ length: PLANE[0] * PLANE[1] }, (_, i) => noise[i % 4099]! ^ (i >> 13))
  const file = tinyTiff(PLANE[0], PLANE[1])
  file.set(pixels, file.length - pixels.length)
  writeFileSync(join(folder, 'plane.tif'), file)
  labels = Uint32Array.from({ length: VOLUME[0] * VOLUME[1] * VOLUME[2] }, (_, i) => (noise[Math.floor(i / 3) % 4099]! % 3) * 1_000_000_007)
  await writeWkwMag(join(folder, 'cells/segmentation/1'), labels, VOLUME)
  const boundingBox = { topLeft: [0, 0, 0], width: VOLUME[0], height: VOLUME[1], depth: VOLUME[2] }
  const layer = {
    name: 'segmentation',
    category: 'segmentation',
    elementClass: 'uint32',
    dataFormat: 'wkw',
    boundingBox,
    mags: [{ mag: 1 }],
  }
  writeFileSync(
    join(folder, 'cells/datasource-properties.json'),
    JSON.stringify({ id: { name: 'cells', team: 'x' }, scale: [4, 4, 8], dataLayers: [layer] }),
  )
})

const cuboid = (server: RunningBinary, path: string, size: Edges, mag: Edges): Promise<Response> =>
  server.get(
    `/data/datasets/sample_organization/${path}/data?x=0&y=0&z=0&width=${size[0]}&height=${size[1]}&depth=${size[2]}&mag=${mag.join('-')}`,
  )

const records = (cache: string): string[] =>
  (readdirSync(cache, { recursive: true }) as string[]).filter((name) => name.endsWith('.wkcache')).map((name) => join(cache, name))

/** Everything made of the plane that fits one cuboid, and whether it is right. */
async function checkPlane(server: RunningBinary): Promise<void> {
  let now: { voxels: ArrayLike<number>; size: Edges } = { voxels: pixels, size: PLANE }
  for (let factor = 2; factor <= 64; factor *= 2) {
    now = halve(now.voxels, now.size, [2, 2, 1], mean)
    if (factor < 4) continue
    const response = await cuboid(server, 'plane/layers/plane', now.size, [factor, factor, 1])
    expect([factor, response.status, Bun.hash(await response.bytes())]).toEqual([factor, 200, Bun.hash(Uint8Array.from(now.voxels))])
  }
}

describe('served', () => {
  test('a plane and a segmentation at mags nobody stored, listed like stored ones', async () => {
    await using server = await RunningBinary.start(['--data', folder])
    await checkPlane(server)
    let now: { voxels: ArrayLike<number>; size: Edges } = { voxels: labels, size: VOLUME }
    for (const [step, mag] of [
      [
        [2, 2, 1],
        [2, 2, 1],
      ],
      [
        [2, 2, 2],
        [4, 4, 2],
      ],
      [
        [2, 2, 2],
        [8, 8, 4],
      ],
    ] as const) {
      now = halve(now.voxels, now.size, step, mode)
      const response = await cuboid(server, 'cells/layers/segmentation', now.size, mag)
      expect([mag, Bun.hash(await response.bytes())]).toEqual([mag, Bun.hash(Uint32Array.from(now.voxels))])
    }
    const listed = await server.list()
    const plane = listed.find(({ name }) => name === 'plane')!.layers[0] as unknown as { mags: number[][]; computedMags: number[][] }
    expect([plane.mags.length, plane.computedMags.length, plane.computedMags[0]]).toEqual([7, 6, [2, 2, 1]])
    const { dataSource } = (await (await server.get('/data/datasets/sample_organization/cells')).json()) as {
      dataSource: { dataLayers: { mags: { mag: number[] }[] }[] }
    }
    expect(dataSource.dataLayers[0]!.mags.map(({ mag }) => mag)).toEqual([
      [1, 1, 1],
      [2, 2, 1],
      [4, 4, 2],
      [8, 8, 4],
    ])
    expect(await server.logged(/computed 2-2-1/)).toContain('plane: 1200×1100×1 uint8 color, mags 1-1-1, computed 2-2-1 4-4-1')
    const outside = indicesOf(
      await server.buckets('sample_organization/plane', 'plane', [{ position: [0, 0, 32], mag: [4, 4, 1], cubeSize: 32 }]),
    )
    expect([outside.empty, outside.failed]).toEqual([[0], []])
  })

  test('--stored-mags-only leaves it at what is stored', async () => {
    await using server = await RunningBinary.start(['--data', folder, '--stored-mags-only'])
    expect((await server.list()).find(({ name }) => name === 'plane')!.layers[0]!.mags).toEqual([[1, 1, 1]])
    expect((await cuboid(server, 'plane/layers/plane', [300, 275, 1], [4, 4, 1])).status).toBe(404)
  })
})

describe('the cache folder', () => {
  test('is used by the next start, made anew where it is damaged, and never shows a changed file as it was', async () => {
    const cache = emptyFolder()
    const own = emptyFolder()
    const file = join(own, 'plane.tif')
    writeFileSync(file, readFileSync(join(folder, 'plane.tif')))
    const start = () => RunningBinary.start(['--data', own, '--cache-dir', cache])
    {
      await using server = await start()
      await checkPlane(server)
    }
    const kept = records(cache)
    const times = kept.map((name) => statSync(name).ino)
    expect(kept.length).toBeGreaterThan(0)
    {
      await using server = await start()
      await checkPlane(server)
    }
    expect(records(cache).map((name) => statSync(name).ino)).toEqual(times)
    for (const name of kept) {
      const bytes = readFileSync(name)
      bytes[bytes.length >> 1]! ^= 0xff
      writeFileSync(name, bytes)
    }
    {
      await using server = await start()
      await checkPlane(server)
    }
    // the same file in place, with other pixels
    const bytes = readFileSync(file)
    bytes.fill(77, bytes.length - pixels.length)
    await Bun.sleep(20)
    writeFileSync(file, bytes)
    await using server = await start()
    const response = await cuboid(server, 'plane/layers/plane', [300, 275, 1], [4, 4, 1])
    expect([...new Set(await response.bytes())]).toEqual([77])
  }, 30_000)

  test('holds no more than it may', async () => {
    const cache = emptyFolder()
    await using server = await RunningBinary.start(['--data', folder, '--cache-dir', cache, '--disk-cache', '400kB'])
    await checkPlane(server)
    const held = records(cache).reduce((sum, name) => sum + statSync(name).size, 0)
    expect([held > 0, held <= 400 * 1024]).toEqual([true, true])
  }, 30_000)

  test('pyramid fills it, and then a server makes nothing', async () => {
    const cache = emptyFolder()
    const before = readFileSync(join(folder, 'plane.tif'))
    const { code, stdout, stderr } = await runBinary(['pyramid', join(folder, 'plane.tif'), '--cache-dir', cache])
    expect([code, stderr, stdout]).toEqual([0, '', expect.stringMatching(/layer plane, mag 4-4-1: made, [\d.]+ s\n/)])
    const kept = records(cache)
    expect(kept.length).toBeGreaterThan(3)
    const times = kept.map((name) => statSync(name).ino)
    await using server = await RunningBinary.start([join(folder, 'plane.tif'), '--cache-dir', cache])
    await checkPlane(server)
    expect(records(cache)).toEqual(kept)
    expect(records(cache).map((name) => statSync(name).ino)).toEqual(times)
    expect(readFileSync(join(folder, 'plane.tif')).equals(before)).toBe(true)
    expect(await runBinary(['pyramid', join(folder, 'nowhere.tif')])).toMatchObject({ code: 2 })
  }, 30_000)
})

test('inspect says what is in a file', async () => {
  const { code, stdout } = await runBinary(['inspect', join(folder, 'plane.tif')])
  expect(code).toBe(0)
  for (const words of [
    '1 page',
    '1200×1100 pixels of 1×uint8, strips of 1100 rows, uncompressed',
    'voxel size: 1 × 1 × 1 nm, from guessed',
    'mag 1-1-1, stored in chunks of',
    'mags 2-2-1, 4-4-1',
  ])
    expect(stdout).toContain(words)
})
