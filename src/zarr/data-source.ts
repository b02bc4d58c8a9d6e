/** The data source as a client is to stream it: every mag leads to its Zarr array (protocol.md 6.3). */
import type { CatalogueEntry } from '../datasets/catalogue.ts'
import { magPath, visible } from '../datasets/data-source.ts'
import { boxToJson } from '../volume/box.ts'
import type { Dataset, Layer } from '../volume/chunked-array.ts'
import { elementClassOf, largestIdOf } from '../volume/data-type.ts'
import type { AxisOrder } from './axis-order.ts'

export interface StreamedAs {
  readonly format: 'zarr' | 'zarr3'
  readonly order: AxisOrder
  /** Every mag has the planes of the finest. */
  readonly allPlanes: boolean
  /** Of the API, as the URL states it; undefined without one. */
  readonly version: number | undefined
}

/** Attachments are left out: nothing leads to them here. */
const HANDED_ON = ['defaultViewConfiguration', 'adminViewConfiguration', 'coordinateTransformations'] as const

export function streamedDataSource(entry: CatalogueEntry, dataset: Dataset, streamed: StreamedAs) {
  return {
    id: { team: entry.organization, name: entry.name },
    dataLayers: dataset.layers.map((layer) => layerJson(layer, streamed)),
    scale: scaleOf(dataset, streamed),
    ...pick(dataset.extra, ['defaultViewConfiguration']),
  }
}

/** Readers of before version 7 know the bare triple only, and all of today take it as well (protocol.md 4.2). */
const scaleOf = ({ voxelSize: { nm } }: Dataset, { version }: StreamedAs) =>
  version === undefined || version < 7 ? nm : { factor: nm, unit: 'nanometer' }

const pick = (from: Readonly<Record<string, unknown>> = {}, keys: readonly string[]) =>
  Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]))

function layerJson(layer: Layer, { format, version }: StreamedAs) {
  const { name, category, mags, dataType, channels, additionalAxes = [], extra = {} } = layer
  const first = additionalAxes.length + 1
  const axisOrder = { c: 0, x: first, y: first + 1, z: first + 2 }
  return {
    name,
    category,
    boundingBox: boxToJson(visible(layer.boundingBox)),
    elementClass: elementClassOf(dataType, channels),
    dataFormat: format,
    numChannels: channels,
    mags: mags.map(({ factor }) => ({ mag: factor, path: magPath(name, factor), axisOrder })),
    resolutions: mags.map(({ factor }) => factor),
    ...(additionalAxes.length > 0 && { additionalAxes: additionalAxes.map((axis, n) => ({ ...axis, index: n + 1 })) }),
    ...pick(extra, HANDED_ON),
    ...(category === 'segmentation' && {
      ...largestId(layer.largestSegmentId ?? largestIdOf(dataType), version),
      mappings: extra['mappings'] ?? [],
    }),
  }
}

/** An envelope since version 15; before, a plain number where a number can carry it. */
function largestId(id: number | bigint, version: number | undefined) {
  if (version === undefined || version >= 15) return { largestSegmentId: { customJsonEncoding: 'bigint', value: String(id) } }
  return id <= Number.MAX_SAFE_INTEGER ? { largestSegmentId: Number(id) } : {}
}
