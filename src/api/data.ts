/** Voxels: buckets for viewers, cuboids for everybody else (protocol.md 2.2, 2.3). */
import { Elysia } from 'elysia'
import { type Layer, type Mag, magOf } from '../volume/chunked-array.ts'
import { magLiteral, parseMag } from '../volume/vec.ts'
import { JsonBody } from './body.ts'
import { BucketRequests, magOfZoomStep, readBuckets } from './buckets.ts'
import type { Context } from './context.ts'
import { readCuboid } from './cuboid.ts'
import { HttpError } from './errors.ts'
import { findLayer, type LayerParams, type OpenLayer } from './lookup.ts'
import { voxelResponse } from './voxel-response.ts'

const PATHS = ['/datasets/:first/layers/:layer/data', '/datasets/:first/:second/layers/:layer/data'] as const

export const dataRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const path of PATHS) {
    app.post(path, ({ params, request }) => answerBuckets(context, params as unknown as LayerParams, request), { parse: 'none' })
    app.get(path, ({ params, query, request }) => answerCuboid(context, params as unknown as LayerParams, query, request))
  }
  return app
}

const whereOf = ({ entry, layer }: OpenLayer): string => `${entry.organization}/${entry.name}, layer ${layer.name}`

const bucketRequests = new JsonBody(BucketRequests)

async function answerBuckets(context: Context, params: LayerParams, request: Request): Promise<Response> {
  let open = findLayer(context, params, request)
  if (open instanceof Promise) open = await open
  const requests = await bucketRequests.read(request)
  // a local disk has limits of its own, and a signal costs as much as a bucket from it
  const deadline = open.entry.isRemote ? context.deadlines.signal() : undefined
  let answer = readBuckets(open.layer, requests, () => whereOf(open as OpenLayer), context, deadline)
  if (answer instanceof Promise) answer = await answer
  return voxelResponse(answer.bytes, answer.buffer, context.answers, answer.empty, answer.failed)
}

async function answerCuboid(
  context: Context,
  params: LayerParams,
  query: Readonly<Record<string, string | undefined>>,
  request: Request,
): Promise<Response> {
  const integer = (name: string): number => {
    const text = query[name]
    if (text === undefined || !/^-?\d{1,15}$/.test(text))
      throw new HttpError(400, `Query parameter ${name} must be a whole number, got ${JSON.stringify(text ?? null)}.`)
    return Number(text)
  }
  const position = [integer('x'), integer('y'), integer('z')] as const
  const size = [integer('width'), integer('height'), integer('depth')] as const
  const open = await findLayer(context, params, request)
  const mag = askedMag(open.layer, query)
  return readCuboid(open.layer, { mag, position, size, halfByte: query['halfByte'] === 'true' }, whereOf(open), context, request.signal)
}

/** `mag=2-2-1`, or the older `resolution=1`, the exponent of its largest component. */
function askedMag(layer: Layer, query: Readonly<Record<string, string | undefined>>): Mag {
  const { mag: literal, resolution } = query
  if (literal === undefined && resolution !== undefined && /^\d{1,2}$/.test(resolution)) {
    const mag = magOfZoomStep(layer, Number(resolution))
    if (mag) return mag
    throw new HttpError(404, `Layer ${layer.name} has no mag for resolution ${resolution}.`)
  }
  const factor = parseMag(literal ?? '')
  if (!factor) throw new HttpError(400, `Query parameter mag must be like 2-2-1, got ${JSON.stringify(literal ?? null)}.`)
  const mag = magOf(layer, factor)
  if (mag) return mag
  throw new HttpError(
    404,
    `Layer ${layer.name} has no mag ${magLiteral(factor)}; it has ${layer.mags.map((one) => magLiteral(one.factor)).join(', ')}.`,
  )
}
