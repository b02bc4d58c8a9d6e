/** Zarr v2 and v3 for everybody who reads it (protocol.md 6). Paths are taken apart by us: an id is one part, a name two. */
import { Elysia } from 'elysia'
import { type CatalogueEntry, layerOf } from '../datasets/catalogue.ts'
import { shownDataset } from '../datasets/data-source.ts'
import { renderListing } from '../viewer/listing.ts'
import { type Dataset, type Layer, magOf } from '../volume/chunked-array.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { parseMag, type Vec3 } from '../volume/vec.ts'
import type { StreamedAs } from '../zarr/data-source.ts'
import { type Document, datasetDocument, labelsDocument, layerDocument, magDocument } from '../zarr/documents.ts'
import { parseZarrPath, type ZarrPath } from '../zarr/path.ts'
import { type Level, levelsOf, withAllPlanes } from '../zarr/planes.ts'
import { bytesResponse } from './bytes-response.ts'
import type { Context } from './context.ts'
import { CONTRAST_MS } from './datasets.ts'
import { HttpError } from './errors.ts'
import { CannotBeOpened, findDataset, findLayer, type LayerParams, openDatasetOf } from './lookup.ts'
import { describe } from './openapi.ts'
import type { VersionParams } from './paths.ts'
import { signalFor } from './request-signal.ts'
import { readZarrChunk } from './zarr-chunk.ts'

interface Route extends Pick<StreamedAs, 'format' | 'order'>, Partial<Pick<StreamedAs, 'allPlanes'>> {
  readonly route: string
  readonly what: string
}

const ROUTES: readonly Route[] = [
  { route: '/zarr/', format: 'zarr', order: 'cxyz', what: 'Zarr v2, and v3 by zarr.json; axes c, x, y, z, column-major' },
  { route: '/zarr3_experimental/', format: 'zarr3', order: 'cxyz', what: 'Zarr v3; axes c, x, y, z, column-major' },
  { route: '/zarr-zyx/', format: 'zarr', order: 'czyx', what: 'Zarr v2, and v3 by zarr.json; axes c, z, y, x, row-major' },
  { route: '/zarr3-zyx/', format: 'zarr3', order: 'czyx', what: 'Zarr v3; axes c, z, y, x, row-major' },
  { route: '/zarr-planes/', format: 'zarr', order: 'czyx', allPlanes: true, what: 'Zarr like zarr-zyx, every mag with all planes' },
]

export const zarrRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const one of ROUTES) {
    const answerHere = zarrAnswer(context, prefix, one)
    const handle = ({ request, params }: { request: Request; params: VersionParams }) => answerHere(params, request)
    const detail = describe(`A dataset as ${one.what}: documents, listings and chunks`)
    app.get(`${one.route}*`, handle, { detail })
    app.head(`${one.route}*`, handle, { detail })
  }
  return app
}

/** The same routes for whoever calls them without the framework: patterns and what answers them. */
export const zarrHandlers = (context: Context, prefix: string) =>
  ROUTES.map((one) => [`${prefix}${one.route}*`, zarrAnswer(context, prefix, one)] as const)

function zarrAnswer(context: Context, prefix: string, { route, format, order, allPlanes = false }: Route) {
  const depth = (prefix + route).split('/').length - 1
  return ({ version }: VersionParams, request: Request): MaybePromise<Response> => {
    const as = { format, order, allPlanes, version: version === undefined ? undefined : Number(version.slice(1)) }
    return answer(context, pathBelow(request.url, depth), as, request)
  }
}

/** The path below a route, as it was sent: it is taken apart first and decoded then, so that an encoded slash stays in its part. */
function pathBelow(url: string, depth: number): string {
  let start = url.indexOf('//') + 2
  for (let part = 0; part < depth; part++) start = url.indexOf('/', start) + 1
  const query = url.indexOf('?', start)
  return query < 0 ? url.slice(start) : url.slice(start, query)
}

function answer(context: Context, path: string, as: StreamedAs, request: Request): MaybePromise<Response> {
  const place = parseZarrPath(path, as.order === 'czyx')
  if (!place) throw nothingAt(path)
  if (place.layer === undefined && place.image !== undefined) return answerLabels(context, place, as, request, path)
  if (place.layer === undefined) return answerDataset(context, place, as, request, path)
  if (place.mag !== undefined && place.file !== undefined && place.file !== '.zarray' && place.file !== 'zarr.json')
    return answerChunk(context, place as ChunkPath, as, request)
  return answerLayer(context, place as LayerParams & ZarrPath, as, request, path)
}

const nothingAt = (path: string) => new HttpError(404, `There is nothing at ${path}.`)

type ChunkPath = LayerParams & { readonly mag: string; readonly file: string }

/** Answers at once where everything is at hand. */
async function answerChunk(context: Context, place: ChunkPath, { order, allPlanes }: StreamedAs, request: Request): Promise<Response> {
  let open: MaybePromise<Awaited<ReturnType<typeof findLayer>>>
  let isLate = false
  try {
    open = findLayer(context, place, request)
    isLate = open instanceof Promise
    if (open instanceof Promise) open = await open
  } catch (error) {
    // 404 would be read as zeros
    throw error instanceof CannotBeOpened ? new HttpError(422, error.message) : error
  }
  const { entry, layer } = open
  const factor = parseMag(place.mag)
  const level = factor && levelOf(layer, factor, allPlanes)
  if (!level) throw new HttpError(404, `Layer ${layer.name} has no mag ${place.mag}.`)
  const where = () => `${entry.organization}/${entry.name}, layer ${layer.name}`
  const send = (bytes: Uint8Array) => bytesResponse(request, bytes, 'application/octet-stream', entry.versionedId, isLate)
  const chunk = { layer, mag: level.mag, each: level.each, order, key: place.file }
  const { gate } = context
  gate.enter()
  let response: MaybePromise<Response | undefined>
  try {
    const turn = gate.turn()
    isLate ||= turn !== undefined
    if (turn) await turn
    response = readZarrChunk(chunk, where, context, send, signalFor(context.deadlines, entry.isRemote, request))
    isLate ||= response instanceof Promise
    if (response instanceof Promise) response = await response
  } finally {
    gate.leave()
  }
  if (!response) throw new HttpError(404, `Nothing is stored at ${place.file}.`)
  return response
}

/** Which mag is read under a name, and how many planes of the array each of its is. */
function levelOf(layer: Layer, factor: Vec3, allPlanes: boolean): Pick<Level, 'mag' | 'each'> | undefined {
  if (allPlanes) return levelsOf(layer).find((level) => level.factor.every((one, d) => one === factor[d]))
  const mag = magOf(layer, factor)
  return mag && { mag, each: 1 }
}

async function answerDataset(context: Context, { first, second, file }: ZarrPath, as: StreamedAs, request: Request, path: string) {
  const entry = await findDataset(context, second === undefined ? { first } : { first, second }, request)
  const dataset = await shown(context, entry, openDatasetOf(entry), file)
  return send(datasetDocument(entry, dataset, file, as), entry, path, request)
}

async function answerLabels(context: Context, place: ZarrPath, as: StreamedAs, request: Request, path: string) {
  const { entry, dataset, layer } = await findLayer(context, { ...place, layer: place.image! }, request)
  return send(labelsDocument(layer, dataset, place.file, as), entry, path, request)
}

async function answerLayer(context: Context, place: LayerParams & ZarrPath, as: StreamedAs, request: Request, path: string) {
  const { entry, dataset: opened, layer: found } = await findLayer(context, place, request)
  const { file, mag: literal } = place
  const stored = await shown(context, entry, opened, literal === undefined ? file : undefined)
  const dataset = as.allPlanes ? { ...stored, layers: stored.layers.map(withAllPlanes) } : stored
  const layer = layerOf(dataset, found.name)
  if (literal === undefined) return send(layer && layerDocument(layer, dataset, file, as), entry, path, request)
  const factor = parseMag(literal)
  const mag = layer && factor && magOf(layer, factor)
  return send(mag && magDocument(layer, mag, file, as), entry, path, request)
}

/** Only documents that say how a layer is shown are worth waiting for that to be measured. */
async function shown(context: Context, entry: CatalogueEntry, dataset: Dataset, file: string | undefined): Promise<Dataset> {
  if (file !== undefined && file !== '.zgroup') await context.contrasts.settle([entry], CONTRAST_MS)
  return shownDataset(entry, dataset, (layer) => context.contrasts.of(entry, layer))
}

function send(document: Document | undefined, { versionedId }: CatalogueEntry, path: string, request: Request): Response {
  if (!document) throw nothingAt(path)
  const encode = (text: string) => new TextEncoder().encode(text)
  if ('json' in document) return bytesResponse(request, encode(JSON.stringify(document.json)), 'application/json', versionedId)
  return bytesResponse(request, encode(renderListing(path, document.names)), 'text/html; charset=utf-8', versionedId)
}
