/**
 * Stored meshes, as today's page wants them (Draco, protocol.md 5.2) and as that of the first webknossos-connect did (binary STL, 5.1). The
 * name of the mesh file's field tells them apart.
 */
import { type Static, Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { encodeStl } from '../render/stl.ts'
import { type MeshFragment, type MeshLod, type MeshSource, MeshTooLarge, type SegmentMesh } from '../volume/meshes.ts'
import { JsonBody } from './body.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { COMMON, json } from './headers.ts'
import { findLayer, type LayerParams } from './lookup.ts'
import { describe } from './openapi.ts'
import { layerPaths } from './paths.ts'

/** Ids beyond 2^53 come in an envelope. */
const Envelope = Type.Object({ customJsonEncoding: Type.Literal('bigint'), value: Type.String({ pattern: '^\\d{1,20}$' }) })
const SegmentId = Type.Union([Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), Envelope])
const OptionalName = Type.Optional(Type.Union([Type.String(), Type.Null()]))
const open = { additionalProperties: true }
const Chunks = new JsonBody(Type.Object({ meshFileName: OptionalName, meshFile: OptionalName, segmentId: SegmentId }, open))
const Range = Type.Object(
  {
    byteOffset: Type.Integer({ minimum: 0 }),
    byteSize: Type.Integer({ minimum: 0 }),
    segmentId: Type.Optional(Type.Union([SegmentId, Type.Null()])),
  },
  open,
)
const Position = Type.Tuple([Type.Number(), Type.Number(), Type.Number()])
const ChunkData = new JsonBody(
  Type.Union([
    Type.Object({ meshFileName: Type.String(), requests: Type.Array(Range, { minItems: 1, maxItems: 4096 }) }, open),
    Type.Object({ meshFile: Type.String(), segmentId: SegmentId, position: Position }, open),
  ]),
)
const FullMesh = new JsonBody(
  Type.Object(
    {
      meshFileName: OptionalName,
      segmentId: SegmentId,
      lod: Type.Optional(Type.Union([Type.Integer({ minimum: 0, maximum: 64 }), Type.Null()])),
    },
    open,
  ),
)

/** Of one answer. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024
/** Those of an answer in STL; decoding holds twice that for a moment. */
const MAX_TRIANGLES = 4_000_000
/** The first webknossos-connect showed this level of detail, or the coarsest before it. */
const CONNECTOR_LOD = 2

interface Wanted {
  readonly source: MeshSource
  readonly segment: bigint
  readonly mesh: SegmentMesh
}

export const meshRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  const layerOf = async (params: unknown, request: Request) => (await findLayer(context, params as LayerParams, request)).layer
  const needMeshes = async (params: unknown, request: Request) => {
    const { name, meshes } = await layerOf(params, request)
    if (!meshes) throw new HttpError(404, `Layer ${name} has no mesh.`)
  }
  const want = async (params: unknown, request: Request, name: string, id: Static<typeof SegmentId>): Promise<Wanted> => {
    const { meshes: source, name: layer } = await layerOf(params, request)
    if (source?.name !== name) throw new HttpError(404, `Layer ${layer} has no mesh file ${JSON.stringify(name.slice(0, 200))}.`)
    const segment = typeof id === 'number' ? BigInt(id) : BigInt(id.value)
    if (segment >= 2n ** 64n) throw new HttpError(400, `${segment} is no 64-bit segment id.`)
    const mesh = await source.find(segment, request.signal)
    if (!mesh) throw new HttpError(404, `Segment ${segment} has no mesh in mesh file ${name} of layer ${layer}.`)
    return { source, segment, mesh }
  }
  for (const path of layerPaths('meshes'))
    app.get(
      path,
      async ({ params, request }) => {
        const { meshes } = await layerOf(params, request)
        return json(meshes ? [{ name: meshes.name, meshFileName: meshes.name, mappingName: null, formatVersion: 7 }] : [])
      },
      { detail: describe('Mesh files of the layer') },
    )
  for (const path of layerPaths('meshes/chunks'))
    app.post(
      path,
      async ({ params, request }) => {
        await needMeshes(params, request)
        const body = await Chunks.read(request)
        const isToday = typeof body.meshFileName === 'string'
        const wanted = await want(params, request, body.meshFileName ?? body.meshFile ?? '', body.segmentId)
        return json(isToday ? chunkList(wanted) : connectorLod(wanted).fragments.map(({ corner }) => corner))
      },
      { parse: 'none', detail: describe('Parts of a segment’s mesh') },
    )
  for (const path of layerPaths('meshes/chunks/data'))
    app.post(
      path,
      async ({ params, request }) => {
        await needMeshes(params, request)
        const body = await ChunkData.read(request)
        if ('position' in body) {
          const wanted = await want(params, request, body.meshFile, body.segmentId)
          const fragment = connectorLod(wanted).fragments.find(({ corner }) => corner.every((at, d) => at === body.position[d]))
          if (!fragment) throw new HttpError(404, `Segment ${wanted.segment} has no part of its mesh at ${body.position.join(', ')}.`)
          return stl(wanted, Math.min(CONNECTOR_LOD, wanted.mesh.lods.length - 1), [fragment], request.signal)
        }
        const ids = new Set(body.requests.map(({ segmentId }) => JSON.stringify(segmentId ?? null)))
        const id = body.requests[0]!.segmentId
        if (ids.size > 1 || id === undefined || id === null)
          throw new HttpError(400, 'All requests of a call have to name the same segmentId.')
        return concatenated(await want(params, request, body.meshFileName, id), body.requests, request.signal)
      },
      { parse: 'none', detail: describe('Parts of a segment’s mesh: Draco, or STL for the older client') },
    )
  for (const path of layerPaths('meshes/fullMesh.stl'))
    app.post(
      path,
      async ({ params, request }) => {
        if (!(await layerOf(params, request)).meshes)
          throw new HttpError(501, 'The layer has no meshes, and none are computed by this server.')
        const body = await FullMesh.read(request)
        if (typeof body.meshFileName !== 'string') throw new HttpError(501, 'Meshes are not computed by this server; name a meshFileName.')
        const wanted = await want(params, request, body.meshFileName, body.segmentId)
        const lod = body.lod ?? 0
        const fragments = wanted.mesh.lods[lod]?.fragments
        if (!fragments) throw new HttpError(404, `Segment ${wanted.segment} has ${wanted.mesh.lods.length} levels of detail, none ${lod}.`)
        return stl(wanted, lod, fragments, request.signal)
      },
      { parse: 'none', detail: describe('The mesh of a segment, as binary STL in nm') },
    )
  return app
}

const connectorLod = ({ mesh }: Wanted): MeshLod => mesh.lods[Math.min(CONNECTOR_LOD, mesh.lods.length - 1)]!

const idOnWire = (segment: bigint) =>
  segment <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(segment) : { customJsonEncoding: 'bigint', value: String(segment) }

/** The shape of today and, with the same numbers, that of the readers until 2025. */
function chunkList({ mesh, segment }: Wanted) {
  const id = idOnWire(segment)
  const lods = mesh.lods.map(({ transform: [x, y, z], fragments }, level) => ({
    scale: 2 ** level,
    vertexOffset: [0, 0, 0],
    chunkShape: [1, 1, 1],
    chunks: fragments.map(({ position, byteOffset, byteSize }) => ({ position, byteOffset, byteSize, unmappedSegmentId: id })),
    transform: diagonal(x, y, z),
  }))
  return {
    meshFormat: 'draco',
    lods: lods.map(({ chunks, transform }) => ({ chunks, transform: transform.slice(0, 3) })),
    transform: diagonal(1, 1, 1),
    chunks: { chunkShape: [1, 1, 1], gridOrigin: [0, 0, 0], lods },
    chunkScale: mesh.chunkScale,
  }
}

const diagonal = (x: number, y: number, z: number) => [
  [x, 0, 0, 0],
  [0, y, 0, 0],
  [0, 0, z, 0],
  [0, 0, 0, 1],
]

/** Only what the list of chunks names is read; the page cuts the answer by the lengths it was told. */
async function concatenated({ source, segment, mesh }: Wanted, ranges: readonly Static<typeof Range>[], signal: AbortSignal) {
  const known = new Map(mesh.lods.flatMap(({ fragments }) => fragments.map((one) => [`${one.byteOffset}+${one.byteSize}`, one] as const)))
  const asked = ranges.map(({ byteOffset, byteSize }) => {
    const fragment = known.get(`${byteOffset}+${byteSize}`)
    if (!fragment) throw new HttpError(400, `The mesh of segment ${segment} has no part of ${byteSize} bytes at ${byteOffset}.`)
    return fragment
  })
  const total = asked.reduce((sum, { byteSize }) => sum + byteSize, 0)
  if (total > MAX_ANSWER_BYTES) throw new HttpError(413, `${total} bytes of meshes, at most ${MAX_ANSWER_BYTES} are sent at once.`)
  const bytes = new Uint8Array(total)
  let at = 0
  for (const fragment of asked) {
    bytes.set(await source.draco(segment, fragment, signal), at)
    at += fragment.byteSize
  }
  return binary(bytes)
}

async function stl({ source, segment }: Wanted, lod: number, fragments: readonly MeshFragment[], signal: AbortSignal) {
  const parts: Float32Array[] = []
  let left = MAX_TRIANGLES
  try {
    for (const fragment of fragments) {
      const corners = await source.triangles(segment, lod, fragment, left, signal)
      left -= corners.length / 9
      parts.push(corners)
    }
  } catch (error) {
    if (!(error instanceof MeshTooLarge)) throw error
    throw new HttpError(413, `The mesh of segment ${segment} has more than ${MAX_TRIANGLES} triangles; ask for a coarser lod.`)
  }
  return binary(encodeStl(parts))
}

const binary = (bytes: Uint8Array<ArrayBuffer>): Response =>
  new Response(bytes, { headers: { ...COMMON, 'Content-Type': 'application/octet-stream' } })
