/** Voxels: buckets for viewers, cuboids for everybody else (protocol.md 2.2 to 2.4, 2.8). */
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import type { Coordinate, Layer, Mag } from '../volume/chunked-array.ts'
import { layerAt } from '../volume/coordinates.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { multiply, type Vec3 } from '../volume/vec.ts'
import { JsonBody } from './body.ts'
import { type BucketAnswer, BucketRequests, Coordinates, magOfZoomStep, Position, readBuckets } from './buckets.ts'
import type { Context } from './context.ts'
import { type CuboidRequest, readCuboid } from './cuboid.ts'
import { HttpError } from './errors.ts'
import { findLayer, type LayerParams, type OpenLayer } from './lookup.ts'
import { describe } from './openapi.ts'
import { layerPaths, type Query } from './paths.ts'
import { boolean, coordinates, findMag, integer, mag as magOfQuery, single } from './query.ts'
import { signalFor } from './request-signal.ts'
import { voxelResponse } from './voxel-response.ts'

const CUBOID = ['x', 'y', 'z', 'width', 'height', 'depth', 'mag', 'halfByte', 'additionalCoordinates'] as const

export const dataRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const path of layerPaths('data')) {
    app.post(path, ({ params, request }) => answerBuckets(context, params as unknown as LayerParams, request), {
      parse: 'none',
      detail: describe('Buckets of 32³ voxels, one behind the other; what is missing is listed in the headers', { body: BucketRequests }),
    })
    app.get(path, ({ params, query, request }) => answerCuboid(context, params as unknown as LayerParams, query, request), {
      detail: describe('One cuboid of voxels, zero where nothing is stored', { query: CUBOID }),
    })
  }
  for (const path of layerPaths('readData')) {
    app.post(path, ({ params, request }) => answerReadData(context, params as unknown as LayerParams, request), {
      parse: 'none',
      detail: describe('One cuboid of voxels, as a cuboid by GET', { body: ReadData }),
    })
  }
  for (const path of layerPaths(':mag/:x/:y/:z/bucket.raw')) {
    app.get(path, ({ params, query, request }) => answerKnossos(context, params as unknown as KnossosParams, query, request), {
      detail: describe('A Knossos cube; path like mag2/x1/y0/z3', { query: ['cubeSize'] }),
    })
  }
  return app
}

const whereOf = ({ entry, layer }: OpenLayer): string => `${entry.organization}/${entry.name}, layer ${layer.name}`

/** So many that their client may leave before all are read, also from here. */
const MANY_BUCKETS = 64

const bucketRequests = new JsonBody(BucketRequests)

/** Throws what finding the layer, reading the body and `readBuckets` throw, and `Busy`. */
export async function answerBuckets(context: Context, params: LayerParams, request: Request): Promise<Response> {
  let open = findLayer(context, params, request)
  let isLate = open instanceof Promise
  if (open instanceof Promise) open = await open
  const requests = await bucketRequests.read(request)
  const { gate } = context
  gate.enter()
  let answer: MaybePromise<BucketAnswer>
  try {
    const turn = gate.turn()
    if (turn) await turn
    isLate ||= turn !== undefined
    answer = readBuckets(
      open.layer,
      requests,
      () => whereOf(open as OpenLayer),
      context,
      signalFor(context.deadlines, open.entry.isRemote, request, requests.length > MANY_BUCKETS),
    )
    isLate ||= answer instanceof Promise
    if (answer instanceof Promise) answer = await answer
  } finally {
    gate.leave()
  }
  const { buckets } = context.metrics
  buckets.data.value += requests.length - answer.empty.length - answer.failed.length
  buckets.empty.value += answer.empty.length
  buckets.failure.value += answer.failed.length
  return voxelResponse(answer.bytes, answer.buffer, context.answers, answer.empty, answer.failed, isLate)
}

async function answerCuboid(context: Context, params: LayerParams, query: Query, request: Request): Promise<Response> {
  const position: Vec3 = [integer(query, 'x'), integer(query, 'y'), integer(query, 'z')]
  const size: Vec3 = [integer(query, 'width'), integer(query, 'height'), integer(query, 'depth')]
  const halfByte = boolean(query, 'halfByte')
  const at = coordinates(query)
  const open = await findLayer(context, params, request)
  return answer(context, open, at, (layer) => ({ mag: askedMag(layer, query), position, size, halfByte }), request)
}

const ReadData = Type.Object({
  position: Position,
  cubeSize: Position,
  mag: Position,
  additionalCoordinates: Type.Optional(Coordinates),
})
const readDataBody = new JsonBody(ReadData)

async function answerReadData(context: Context, params: LayerParams, request: Request): Promise<Response> {
  const open = await findLayer(context, params, request)
  const { position, cubeSize: size, mag, additionalCoordinates } = await readDataBody.read(request)
  return answer(
    context,
    open,
    single(additionalCoordinates),
    (layer) => ({ mag: findMag(layer, mag), position, size, halfByte: false }),
    request,
  )
}

interface KnossosParams extends LayerParams, Record<'mag' | 'x' | 'y' | 'z', string> {}

/** Numbers with their names in front: mag2/x1/y0/z3. Positions count cubes. */
async function answerKnossos(context: Context, params: KnossosParams, query: Query, request: Request): Promise<Response> {
  const part = (name: 'mag' | 'x' | 'y' | 'z'): number => {
    const digits = new RegExp(`^${name}(-?\\d{1,9})$`).exec(params[name])?.[1]
    if (digits === undefined)
      throw new HttpError(400, `A Knossos cube is at mag2/x1/y0/z3, got ${JSON.stringify(params[name])} for ${name}.`)
    return Number(digits)
  }
  const [n, x, y, z] = [part('mag'), part('x'), part('y'), part('z')]
  const edge = integer(query, 'cubeSize')
  const open = await findLayer(context, params, request)
  const factor: Vec3 = [n, n, n]
  const position = multiply(multiply([x, y, z], [edge, edge, edge]), factor)
  return answer(
    context,
    open,
    undefined,
    (layer) => ({ mag: findMag(layer, factor), position, size: [edge, edge, edge], halfByte: false }),
    request,
  )
}

function answer(
  context: Context,
  open: OpenLayer,
  at: readonly Coordinate[] | undefined,
  cuboid: (layer: Layer) => CuboidRequest,
  request: Request,
): Promise<Response> {
  const layer = layerAt(open.layer, at)
  const asked = cuboid(layer ?? open.layer)
  return readCuboid(
    layer ?? open.layer,
    { ...asked, isRemote: open.entry.isRemote, isThere: layer !== undefined },
    whereOf(open),
    context,
    request.signal,
  )
}

/** `mag=2-2-1`, or the older `resolution=1`, the exponent of its largest component. */
function askedMag(layer: Layer, query: Query): Mag {
  const { mag: literal, resolution } = query
  if (literal === undefined && resolution !== undefined && /^\d{1,2}$/.test(resolution)) {
    const mag = magOfZoomStep(layer, Number(resolution))
    if (mag) return mag
    throw new HttpError(404, `Layer ${layer.name} has no mag for resolution ${resolution}.`)
  }
  return magOfQuery(layer, query)
}
