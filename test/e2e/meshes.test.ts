/** Meshes through the executable, as the pages of both eras ask for them; the oracle is what cloud-volume reads. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { loadDraco } from '../../codecs/draco.ts'
import { dracoTriangles } from '../../codecs/draco-header.ts'
import index from '../golden/meshes.json'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { copyMeshes, cornersOfStl, type MeshCase, statisticsOf } from '../support/meshes.ts'

const cases = index as unknown as readonly MeshCase[]
let server: RunningBinary
beforeAll(async () => {
  const data = emptyFolder()
  copyMeshes(data)
  server = await RunningBinary.start(['--data', data])
  await server.list()
}, 60_000)
afterAll(() => server.stop())

const post = (dataset: string, rest: string, body: unknown): Promise<Response> =>
  server.get(`/data/v9/datasets/meshes/${dataset}/layers/${dataset}/${rest}`, { method: 'POST', body: JSON.stringify(body) })
interface ChunkList {
  readonly lods: readonly {
    readonly chunks: readonly { byteOffset: number; byteSize: number; position: number[]; unmappedSegmentId: unknown }[]
    readonly transform: number[][]
  }[]
  readonly chunkScale: number[]
}
const idOf = (segment: string) =>
  Number.isSafeInteger(Number(segment)) ? Number(segment) : { customJsonEncoding: 'bigint', value: segment }

function expectSame(corners: Float32Array, expected: MeshCase['lods'][number]): void {
  const actual = statisticsOf(corners)
  expect(actual.triangles).toBe(expected.triangles)
  for (const key of ['min', 'max', 'mean'] as const)
    for (const d of [0, 1, 2]) expect(Math.abs(actual[key][d]! - expected[key][d]!)).toBeLessThan(0.01)
}

test.each(cases)("today's page: $dataset, segment $segment", async ({ dataset, segment, lods }) => {
  const listing = await server.get(`/data/v9/datasets/meshes/${dataset}/layers/${dataset}/meshes`)
  const [file] = (await listing.json()) as { name: string }[]
  expect(file).toMatchObject({ name: 'mesh', mappingName: null, formatVersion: 7 })
  const segmentId = idOf(segment)
  const list = (await (await post(dataset, 'meshes/chunks', { meshFileName: file!.name, segmentId })).json()) as ChunkList
  expect(list.lods.length).toBe(lods.length)
  expect(list.lods[0]!.chunks[0]!.unmappedSegmentId).toEqual(segmentId)
  const draco = await loadDraco()
  for (const [lod, { chunks, transform }] of list.lods.entries()) {
    const requests = chunks.map(({ byteOffset, byteSize }) => ({ byteOffset, byteSize, segmentId }))
    const bytes = await (await post(dataset, 'meshes/chunks/data', { meshFileName: file!.name, requests })).bytes()
    const all: number[] = []
    let at = 0
    for (const { byteSize, position } of chunks) {
      const part = bytes.subarray(at, (at += byteSize))
      const corners = new Float32Array(9 * dracoTriangles(part))
      draco.decode(part, new Uint8Array(corners.buffer))
      for (const [n, value] of corners.entries()) all.push(transform[n % 3]![n % 3]! * (value * list.chunkScale[n % 3]! + position[n % 3]!))
    }
    expect(at).toBe(bytes.length)
    expectSame(Float32Array.from(all), lods[lod]!)
  }
})

test.each(cases)('the first webknossos-connect: $dataset, segment $segment', async ({ dataset, segment, lods }) => {
  const segmentId = idOf(segment)
  const positions = (await (await post(dataset, 'meshes/chunks', { meshFile: 'mesh', segmentId })).json()) as number[][]
  const corners: number[] = []
  for (const position of positions) {
    const response = await post(dataset, 'meshes/chunks/data', { meshFile: 'mesh', segmentId, position })
    corners.push(...cornersOfStl(await response.bytes()))
  }
  expectSame(Float32Array.from(corners), lods[Math.min(2, lods.length - 1)]!)
})

test.each(cases)('the whole mesh as STL: $dataset, segment $segment', async ({ dataset, segment, lods }) => {
  for (const [lod, expected] of lods.entries()) {
    const response = await post(dataset, 'meshes/fullMesh.stl', { meshFileName: 'mesh', segmentId: idOf(segment), lod })
    expectSame(cornersOfStl(await response.bytes()), expected)
  }
})

test('what there is not, and what is asked wrongly', async () => {
  const status = async (rest: string, body: unknown) => (await post('sharded', rest, body)).status
  expect(await status('meshes/chunks', { meshFileName: 'mesh', segmentId: 8 })).toBe(404)
  expect(await status('meshes/chunks', { meshFileName: 'other', segmentId: 7 })).toBe(404)
  expect(await status('meshes/chunks', { meshFileName: 'mesh', segmentId: -7 })).toBe(400)
  expect(await status('meshes/chunks', { meshFileName: 'mesh', segmentId: { customJsonEncoding: 'bigint', value: '9'.repeat(20) } })).toBe(
    400,
  )
  const range = { byteOffset: 0, byteSize: 1e9, segmentId: 7 }
  expect(await status('meshes/chunks/data', { meshFileName: 'mesh', requests: [range] })).toBe(400)
  expect(await status('meshes/chunks/data', { meshFileName: 'mesh', requests: [{ ...range, segmentId: null }] })).toBe(400)
  expect(await status('meshes/chunks/data', { meshFile: 'mesh', segmentId: 7, position: [1, 2, 3] })).toBe(404)
  expect(await status('meshes/fullMesh.stl', { segmentId: 7 })).toBe(501)
  expect(await status('meshes/fullMesh.stl', { meshFileName: 'mesh', segmentId: 7, lod: 9 })).toBe(404)
})
