/** Meshes written by igneous: cloud-volume reads the same corners, they enclose their voxels, and damage is told. */
import { afterAll, expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadDraco } from '../../../codecs/draco.ts'
import { dracoTriangles } from '../../../codecs/draco-header.ts'
import { sortEntries } from '../../../src/datasets/entries.ts'
import { mergeEntries } from '../../../src/datasets/merge.ts'
import { openDataset } from '../../../src/datasets/open.ts'
import { FileHandles } from '../../../src/stores/handles.ts'
import type { Layer } from '../../../src/volume/chunked-array.ts'
import { CorruptChunk } from '../../../src/volume/errors.ts'
import type { MeshSource } from '../../../src/volume/meshes.ts'
import index from '../../golden/meshes.json'
import { emptyFolder } from '../../support/binary.ts'
import { copyMeshes, type MeshCase, statisticsOf } from '../../support/meshes.ts'
import { makeResources, openPath, readBox } from '../../support/open.ts'
import { serveFolder } from '../../support/serve-folder.ts'

const cases = index as unknown as readonly MeshCase[]
const resources = await makeResources()
afterAll(() => resources.pool.close())
const folder = copyMeshes(emptyFolder())
const open = async (path: string): Promise<Layer & { meshes: MeshSource }> => {
  const { layers, notes } = await openPath(path, resources)
  if (!layers[0]?.meshes) throw new Error(`no meshes: ${notes}`)
  return layers[0] as Layer & { meshes: MeshSource }
}
const join9 = (parts: readonly Float32Array[]): Float32Array => Float32Array.from(parts.flatMap((part) => [...part]))

async function cornersOf(source: MeshSource, segment: bigint, lod: number): Promise<Float32Array> {
  const { fragments } = (await source.find(segment))!.lods[lod]!
  return join9(await Promise.all(fragments.map((one) => source.triangles(segment, lod, one, 1e6))))
}

/** What a webKnossos page makes of a fragment: protocol.md 5.2. */
async function pageCorners(source: MeshSource, segment: bigint, lod: number): Promise<Float32Array> {
  const draco = await loadDraco()
  const mesh = (await source.find(segment))!
  const { fragments, transform } = mesh.lods[lod]!
  const parts: Float32Array[] = []
  for (const fragment of fragments) {
    const bytes = await source.draco(segment, fragment)
    expect(bytes.length).toBe(fragment.byteSize)
    const corners = new Float32Array(9 * dracoTriangles(bytes))
    draco.decode(bytes, new Uint8Array(corners.buffer))
    parts.push(corners.map((value, n) => transform[n % 3]! * (mesh.chunkScale[n % 3]! * value + fragment.position[n % 3]!)))
  }
  return join9(parts)
}

function expectSame(actual: ReturnType<typeof statisticsOf>, expected: MeshCase['lods'][number]): void {
  expect(actual.triangles).toBe(expected.triangles)
  for (const key of ['min', 'max', 'mean'] as const)
    for (const d of [0, 1, 2]) expect(Math.abs(actual[key][d]! - expected[key][d]!)).toBeLessThan(0.01)
  for (const d of [0, 1, 2]) expect(actual.meanSquare[d]! / expected.meanSquare[d]!).toBeCloseTo(1, 5)
}

test('the golden meshes have several levels of detail and fragments', async () => {
  const { meshes } = await open(join(folder, 'sharded'))
  const { lods } = (await meshes.find(7n))!
  expect(lods.length).toBeGreaterThan(1)
  expect(lods[0]!.fragments.length).toBeGreaterThan(1)
})

test.each(cases)('cloud-volume reads it so, and so do we and the page: $dataset, segment $segment', async ({ dataset, segment, lods }) => {
  const { meshes } = await open(join(folder, dataset))
  expect((await meshes.find(BigInt(segment)))!.lods.length).toBe(lods.length)
  for (const [lod, expected] of lods.entries()) {
    expectSame(statisticsOf(await cornersOf(meshes, BigInt(segment), lod)), expected)
    expectSame(statisticsOf(await pageCorners(meshes, BigInt(segment), lod)), expected)
  }
})

test.each(cases)('the mesh encloses the voxels: $dataset, segment $segment', async ({ dataset, segment }) => {
  const layer = await open(join(folder, dataset))
  const { min, max } = layer.boundingBox
  const size = max.map((edge, d) => edge - min[d]!) as [number, number, number]
  const ids = new BigUint64Array((await readBox(layer, [1, 1, 1], min, size)).buffer)
  const [low, high] = [
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ]
  for (const [n, id] of ids.entries()) {
    if (id !== BigInt(segment)) continue
    const at = [n % size[0], Math.floor(n / size[0]) % size[1], Math.floor(n / size[0] / size[1])]
    for (const d of [0, 1, 2]) {
      const nm = (min[d]! + at[d]! + 0.5) * [8, 8, 20][d]!
      low[d] = Math.min(low[d]!, nm)
      high[d] = Math.max(high[d]!, nm)
    }
  }
  const corners = statisticsOf(await cornersOf(layer.meshes, BigInt(segment), 0))
  for (const d of [0, 1, 2]) {
    const voxel = [8, 8, 20][d]!
    // around the middles of the outermost voxels, and not further than a voxel from them
    expect(corners.min[d]!).toBeLessThanOrEqual(low[d]!)
    expect(corners.max[d]!).toBeGreaterThanOrEqual(high[d]!)
    expect(corners.min[d]!).toBeGreaterThan(low[d]! - voxel - 1)
    expect(corners.max[d]!).toBeLessThan(high[d]! + voxel + 1)
  }
})

test('a segment without a mesh has none', async () => {
  for (const dataset of ['legacy', 'multires', 'sharded']) {
    const { meshes } = await open(join(folder, dataset))
    expect(await meshes.find(8n)).toBeUndefined()
    expect(await meshes.find(2n ** 64n - 1n)).toBeUndefined()
  }
})

const claim = (at: number) => (bytes: Buffer) => {
  bytes.writeUInt32LE(0xffffffff, at)
  return bytes
}
test('from a web server they open with what opens the volume', async () => {
  await using server = await serveFolder(folder)
  server.answer(({ headers }) => (headers['authorization'] === `Basic ${btoa('u:p')}` ? undefined : new Response(null, { status: 401 })))
  const layers = { ids: { source: `http://u:p@127.0.0.1:${server.port}/sharded` } }
  const { datasets } = await mergeEntries([], sortEntries({ neuroglancer: { lab: { remote: { layers } } } }), '/nowhere', new FileHandles())
  const { layers: opened } = await openDataset('lab/remote@mesh', 'remote', datasets[0]!.descriptor!, resources, () => {})
  const expected = cases.find((one) => one.dataset === 'sharded')!
  expectSame(statisticsOf(await cornersOf(opened[0]!.meshes!, BigInt(expected.segment), 0)), expected.lods[0]!)
})

const damage: readonly [string, string, string, (bytes: Buffer) => Buffer | string, string][] = [
  ['a manifest that ends early', 'multires', '7.index', (bytes) => bytes.subarray(0, 100), 'needs'],
  ['a manifest of 4 billion levels', 'multires', '7.index', claim(24), '4294967295 levels'],
  ['a manifest of 4 billion fragments', 'multires', '7.index', claim(60), '4294967295 fragments'],
  ['fragments cut off', 'multires', '7', (bytes) => bytes.subarray(0, 1000), 'the file has 1000'],
  ['fragments that are no Draco', 'multires', '7', (bytes) => bytes.fill(60), 'do not begin as a Draco mesh'],
  ['a list that leads elsewhere', 'legacy', '7:0', () => '{"fragments":["../../info"]}', 'no name of a file beside it'],
  ['a list of what is not there', 'legacy', '7:0', () => '{"fragments":["nothing"]}', 'not there'],
  ['a list that is a web page', 'legacy', '7:0', () => '<html>', 'not JSON'],
]
test.each(damage)('%s is told with dataset, layer and segment', async (_, dataset, file, change, said) => {
  const path = join(copyMeshes(emptyFolder()), dataset)
  const key = join(path, 'mesh', file)
  writeFileSync(key, change(readFileSync(key)))
  const { meshes, name } = await open(path)
  const error = await cornersOf(meshes, 7n, 0).catch((thrown) => thrown)
  expect(error).toBeInstanceOf(CorruptChunk)
  expect(error.message).toContain(said)
  expect(error.details).toMatchObject({ dataset: `test/${name}`, layer: name, chunk: 'segment 7' })
})

test('a damaged Draco mesh never takes the decoder along', async () => {
  const draco = await loadDraco()
  const { meshes } = await open(join(folder, 'multires'))
  const fragment = (await meshes.find(7n))!.lods[0]!.fragments[0]!
  const good = await meshes.draco(7n, fragment)
  const target = new Uint8Array(36 * dracoTriangles(good))
  for (let at = 0; at < good.length; at += 7) {
    const bad = good.slice()
    bad[at]! ^= 0x55
    try {
      draco.decode(bad, target)
    } catch (error) {
      expect((error as Error).name).toBe('CodecError')
    }
    await Promise.resolve()
  }
  expect(draco.decode(good, target)).toBe(target.length)
})
