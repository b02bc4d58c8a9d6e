/** From the names in a URL to an opened dataset and layer. */
import { type CatalogueEntry, layerOf, within } from '../datasets/catalogue.ts'
import type { Dataset, Layer } from '../volume/chunked-array.ts'
import { chain, type MaybePromise } from '../volume/maybe-promise.ts'
import type { DatasetParams } from './access.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'

/** How long a request waits for a dataset that is being opened. */
export const OPENING_MS = 10_000

export interface LayerParams extends DatasetParams {
  readonly layer: string
}

/** What is known but cannot be shown: 404 with the reason, unless that would be read as empty. */
export class CannotBeOpened extends HttpError {
  constructor(message: string) {
    super(404, message)
  }
}

export interface OpenLayer {
  readonly entry: CatalogueEntry
  readonly dataset: Dataset
  readonly layer: Layer
}

const find = ({ catalogue, virtual }: Context, { first, second }: DatasetParams): CatalogueEntry | undefined =>
  second === undefined ? (catalogue.byId(first) ?? virtual?.held(first)) : catalogue.byName(first, second)

const nameOf = ({ first, second }: DatasetParams): string =>
  second === undefined ? `with id ${first}` : `${second} of organization ${first}`

/**
 * The entry, opened or known to be unusable, for who may read it. Throws 403, 404 for a name nobody knows, 503 while the folders are
 * looked through.
 */
export async function findDataset(context: Context, params: DatasetParams, request: Request): Promise<CatalogueEntry> {
  await context.access.checkDataset(request, params)
  return opened(context, params)
}

async function opened(context: Context, params: DatasetParams): Promise<CatalogueEntry> {
  let entry = find(context, params)
  if (!entry) {
    const look = await context.catalogue.firstLook(OPENING_MS)
    entry = find(context, params)
    entry ??= await findByCore(context, params)
    if (!entry && !look) throw new HttpError(503, 'The data folder is still being looked through. Try again in a moment.')
  }
  if (!entry) throw new HttpError(404, `There is no dataset ${nameOf(params)}.`)
  if (entry.status === 'opening') await within(entry.opened, OPENING_MS)
  return entry
}

/** An id that core gave a dataset a moment ago, or one of a dataset only core knows. */
async function findByCore({ access, catalogue, virtual }: Context, { first, second }: DatasetParams): Promise<CatalogueEntry | undefined> {
  if (second !== undefined) {
    const id = await access.idOf({ organization: first, name: second }).catch(() => undefined)
    return id === undefined ? undefined : virtual?.find(id).catch(() => undefined)
  }
  const name = await access.nameOf(first).catch(() => undefined)
  if (!name) return undefined
  return catalogue.byName(name.organization, name.name) ?? virtual?.find(first).catch(() => undefined)
}

/** The id the catalogue knows a dataset by, for one that core may just have given it. */
export async function knownId(context: Context, id: string): Promise<string> {
  return (context.catalogue.byId(id) ?? (await findByCore(context, { first: id })))?.id ?? id
}

/**
 * Layer of an open dataset, at once where it is open and access is known. Throws 403, 404 with the reason, 503 while it is being
 * opened.
 */
export function findLayer(context: Context, params: LayerParams, request: Request): MaybePromise<OpenLayer> {
  return allowedLayer(context, params, context.access.checkDataset(request, params))
}

/** The same for whoever sees the page. */
export function findPicturedLayer(context: Context, params: LayerParams, request: Request): MaybePromise<OpenLayer> {
  return allowedLayer(context, params, context.access.checkPicture(request, params))
}

function allowedLayer(context: Context, params: LayerParams, check: MaybePromise<void>): MaybePromise<OpenLayer> {
  return chain(check, () => {
    const entry = find(context, params)
    return entry?.dataset ? layerIn(entry, params.layer) : opened(context, params).then((found) => layerIn(found, params.layer))
  })
}

/** Throws 503 while it is being opened, `CannotBeOpened`. */
export function openDatasetOf({ dataset, status, name, reason }: CatalogueEntry): Dataset {
  if (status === 'opening') throw new HttpError(503, `Dataset ${name} is still being opened. Try again in a moment.`)
  if (!dataset) throw new CannotBeOpened(`Dataset ${name} cannot be opened: ${reason}`)
  return dataset
}

function layerIn(entry: CatalogueEntry, name: string): OpenLayer {
  const dataset = openDatasetOf(entry)
  const layer = layerOf(dataset, name)
  if (layer) return { entry, dataset, layer }
  const broken = dataset.broken.find((one) => one.name === name)
  if (broken) throw new CannotBeOpened(`Layer ${name} of dataset ${entry.name} cannot be opened: ${broken.status}`)
  const names = dataset.layers.map((one) => one.name)
  throw new HttpError(404, `Dataset ${entry.name} has no layer ${name}; it has ${names.slice(0, 20).join(', ')}.`)
}
