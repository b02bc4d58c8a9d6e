/** Datasets as JSON: webKnossos's data source, valid in every era (protocol.md 4.3), and the list for people and scripts. */
import { type Box, boxToJson } from '../volume/box.ts'
import type { Axis, Dataset, Layer, VoxelSize } from '../volume/chunked-array.ts'
import { elementClassOf, largestIdOf } from '../volume/data-type.ts'
import { magLiteral, type Vec3 } from '../volume/vec.ts'
import type { CatalogueEntry } from './catalogue.ts'
import type { Contrast } from './contrasts.ts'
import { isRecord } from './entries.ts'
import { described } from './overrides.ts'

interface Making {
  readonly layer: string
  readonly mag: string
  readonly done: number
}

export type ListedDataset = ReturnType<typeof listedDataset>

/** `making`: mags being made just now, and how far. */
export function listedDataset(entry: CatalogueEntry, making: readonly Making[] = []) {
  const { id, organization, name, status, dataset } = entry
  const reason = status === 'unusable' ? { reason: entry.reason ?? 'unknown' } : {}
  if (!dataset) return { id, organization, name, status, ...reason, voxelSize: null, layers: [] }
  const layers = [
    ...dataset.layers.map((layer) => ({
      name: layer.name,
      category: layer.category,
      elementClass: elementClassOf(layer.dataType, layer.channels),
      boundingBox: boxToJson(layer.boundingBox),
      mags: layer.mags.map(({ factor }) => factor),
      computedMags: layer.mags.filter(({ isComputed }) => isComputed).map(({ factor }) => factor),
      making: making.filter((one) => one.layer === layer.name).map(({ mag, done }) => ({ mag, done: Number(done.toFixed(3)) })),
    })),
    ...dataset.broken.map(({ name: layer, status: why }) => ({ name: layer, status: why })),
  ]
  return { id, organization, name, status, ...reason, voxelSize: voxelSizeJson(dataset.voxelSize), layers }
}

const voxelSizeJson = ({ nm, source }: VoxelSize) => ({ factor: nm, unit: 'nanometer', source })

export interface DataSourceOptions {
  /** Where known, layers say between which values they are shown at first. */
  readonly contrastOf?: ((layer: Layer) => Contrast | undefined) | undefined
  /**
   * What becomes of ids beyond 2^53 − 1: webKnossos's envelope for version 15 and later, else the largest number JSON carries; or they
   * are left to who writes the JSON.
   */
  readonly bigIds?: 'envelope' | 'clamp' | 'bigint' | undefined
}

/** Where a mag is streamed from, below the dataset's Zarr URL. Core hands it on, and clients do not open a mag without one. */
export const magPath = (layer: string, factor: Vec3): string => `./${layer}/${magLiteral(factor)}`

export type Described = Pick<CatalogueEntry, 'organization' | 'name' | 'status' | 'reason' | 'dataset' | 'override'>

/** The data source, or `{id, status}` where there is none: only an unusable one may have a `status`. */
export function dataSourceOf(entry: Described, options: DataSourceOptions = {}) {
  const id = { team: entry.organization, name: entry.name }
  const dataset = entry.dataset && described(entry.dataset, entry.override)
  if (!dataset) return { id, status: entry.status === 'opening' ? 'The dataset is being opened.' : (entry.reason ?? 'unknown') }
  return { id, dataLayers: dataset.layers.map((layer) => layerJson(layer, options)), scale: dataset.voxelSize.nm, ...dataset.extra }
}

function layerJson(layer: Layer, { contrastOf, bigIds = 'clamp' }: DataSourceOptions) {
  const { name, category, mags, dataType, additionalAxes } = layer
  const segmentation =
    category === 'segmentation' ? { largestSegmentId: idJson(layer.largestSegmentId ?? largestIdOf(dataType), bigIds), mappings: [] } : {}
  const axes = additionalAxes?.length ? { additionalAxes: additionalAxes.map(axisJson) } : {}
  return {
    name,
    category,
    boundingBox: boxToJson(visible(layer.boundingBox)),
    elementClass: elementClassOf(dataType, layer.channels),
    dataFormat: 'wkw',
    numChannels: layer.channels,
    mags: mags.map(({ factor }) => ({ mag: factor, path: magPath(name, factor) })),
    wkwResolutions: mags.map(({ factor }) => ({ resolution: factor, cubeLength: 1024, path: magPath(name, factor) })),
    resolutions: mags.map(({ factor }) => factor),
    ...segmentation,
    ...axes,
    ...layer.extra,
    ...viewJson(layer, contrastOf?.(layer)),
  }
}

/** webKnossos has nothing below 0. What is stored there is read all the same when it is asked for. */
export const visible = ({ min, max }: Box): Box => ({ min: [Math.max(0, min[0]), Math.max(0, min[1]), Math.max(0, min[2])], max })

/** A dataset whose layers have stored what was measured: what comes back unchanged from webKnossos is no edit. */
export const withContrasts = (dataset: Dataset, contrastOf: (layer: Layer) => Contrast | undefined): Dataset => ({
  ...dataset,
  layers: dataset.layers.map((layer) => ({ ...layer, extra: { ...layer.extra, ...viewJson(layer, contrastOf(layer)) } })),
})

/** As webKnossos and other viewers are told of it: with what was changed about it there, and how its layers are shown at first. */
export const shownDataset = (
  entry: Pick<CatalogueEntry, 'override'>,
  dataset: Dataset,
  contrastOf: (layer: Layer) => Contrast | undefined,
) => withContrasts(described(dataset, entry.override), contrastOf)

/** What somebody stored about how a layer is shown wins over what was measured. */
function viewJson({ extra }: Layer, contrast: Contrast | undefined) {
  if (!contrast) return {}
  const stored = extra?.['defaultViewConfiguration']
  return { defaultViewConfiguration: { intensityRange: contrast, ...(isRecord(stored) && stored) } }
}

export const axisJson = ({ name, bounds }: Axis, index: number) => ({ name, bounds, index: index + 1 })

/** protocol.md 4.3: a plain number as long as it can be one. */
export function idJson(id: number | bigint, bigIds: 'envelope' | 'clamp' | 'bigint') {
  if (id <= Number.MAX_SAFE_INTEGER) return Number(id)
  if (bigIds === 'bigint') return BigInt(id)
  return bigIds === 'envelope' ? { customJsonEncoding: 'bigint', value: BigInt(id).toString() } : Number.MAX_SAFE_INTEGER
}
