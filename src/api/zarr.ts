/** Zarr v2 and v3 for everybody who reads it (protocol.md 6). Paths are taken apart by us: an id is one part, a name two. */
import { Elysia } from 'elysia'
import type { CatalogueEntry } from '../datasets/catalogue.ts'
import { withContrasts } from '../datasets/data-source.ts'
import { renderListing } from '../viewer/listing.ts'
import { type Dataset, magOf } from '../volume/chunked-array.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { parseMag } from '../volume/vec.ts'
import type { StreamedAs } from '../zarr/data-source.ts'
import { type Document, datasetDocument, layerDocument, magDocument } from '../zarr/documents.ts'
import { parseZarrPath, type ZarrPath } from '../zarr/path.ts'
import { bytesResponse } from './bytes-response.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { CannotBeOpened, findDataset, findLayer, type LayerParams, openDatasetOf } from './lookup.ts'
import { readZarrChunk } from './zarr-chunk.ts'

/** A document without the intensities that are still being measured is better than none. */
const CONTRAST_MS = 500

const ROUTES = [
  ['/zarr/', 'zarr'],
  ['/zarr3_experimental/', 'zarr3'],
] as const

export const zarrRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const [route, format] of ROUTES) {
    const handle = ({ request, params }: { request: Request; params: Readonly<Record<string, string | undefined>> }) => {
      const { version } = params
      const as = { format, version: version === undefined ? undefined : Number(version.slice(1)) }
      return answer(context, pathBelow(request.url, route), as, request)
    }
    app.get(`${route}*`, handle)
    app.head(`${route}*`, handle)
  }
  return app
}

/** As it was sent: taken apart first and decoded then, so that an encoded slash stays in its part. */
function pathBelow(url: string, route: string): string {
  const start = url.indexOf(route, url.indexOf('//') + 2) + route.length
  const query = url.indexOf('?', start)
  return query < 0 ? url.slice(start) : url.slice(start, query)
}

function answer(context: Context, path: string, as: StreamedAs, request: Request): MaybePromise<Response> {
  const place = parseZarrPath(path)
  if (!place) throw nothingAt(path)
  if (place.layer === undefined) return answerDataset(context, place, as, request, path)
  if (place.mag !== undefined && place.file !== undefined && place.file !== '.zarray' && place.file !== 'zarr.json')
    return answerChunk(context, place as ChunkPath, request)
  return answerLayer(context, place as LayerParams & ZarrPath, as, request, path)
}

const nothingAt = (path: string) => new HttpError(404, `There is nothing at ${path}.`)

type ChunkPath = LayerParams & { readonly mag: string; readonly file: string }

/** Answers at once where everything is at hand. */
async function answerChunk(context: Context, place: ChunkPath, request: Request): Promise<Response> {
  let open: MaybePromise<Awaited<ReturnType<typeof findLayer>>>
  try {
    open = findLayer(context, place, request)
    if (open instanceof Promise) open = await open
  } catch (error) {
    // 404 would be read as zeros
    throw error instanceof CannotBeOpened ? new HttpError(422, error.message) : error
  }
  const { entry, layer } = open
  const factor = parseMag(place.mag)
  const mag = factor && magOf(layer, factor)
  if (!mag) throw new HttpError(404, `Layer ${layer.name} has no mag ${place.mag}.`)
  const where = () => `${entry.organization}/${entry.name}, layer ${layer.name}`
  const send = (bytes: Uint8Array) => bytesResponse(request, bytes, 'application/octet-stream', entry.versionedId)
  let response = readZarrChunk({ layer, mag, key: place.file }, where, context, send)
  if (response instanceof Promise) response = await response
  if (!response) throw new HttpError(404, `Nothing is stored at ${place.file}.`)
  return response
}

async function answerDataset(context: Context, { first, second, file }: ZarrPath, as: StreamedAs, request: Request, path: string) {
  const entry = await findDataset(context, second === undefined ? { first } : { first, second }, request)
  const dataset = await withViews(context, entry, openDatasetOf(entry))
  return send(datasetDocument(entry, dataset, file, as), entry, path, request)
}

async function answerLayer(context: Context, place: LayerParams & ZarrPath, as: StreamedAs, request: Request, path: string) {
  const { entry, dataset, layer } = await findLayer(context, place, request)
  if (place.mag === undefined) {
    const seen = await withViews(context, entry, dataset)
    const shown = seen.layers.find(({ name }) => name === layer.name) ?? layer
    return send(layerDocument(shown, seen, place.file, as), entry, path, request)
  }
  const factor = parseMag(place.mag)
  const mag = factor && magOf(layer, factor)
  return send(mag && magDocument(layer, mag, place.file, as), entry, path, request)
}

/** With the intensities that were measured: a viewer that is told nothing shows most 16-bit images black. */
async function withViews({ contrasts }: Context, entry: CatalogueEntry, dataset: Dataset): Promise<Dataset> {
  await contrasts.settle([entry], CONTRAST_MS)
  return withContrasts(dataset, (layer) => contrasts.of(entry, layer))
}

function send(document: Document | undefined, { versionedId }: CatalogueEntry, path: string, request: Request): Response {
  if (!document) throw nothingAt(path)
  const encode = (text: string) => new TextEncoder().encode(text)
  if ('json' in document) return bytesResponse(request, encode(JSON.stringify(document.json)), 'application/json', versionedId)
  return bytesResponse(request, encode(renderListing(path, document.names)), 'text/html; charset=utf-8', versionedId)
}
