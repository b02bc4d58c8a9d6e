/** Datasets as JSON: webKnossos's data source, valid in every era (protocol.md 4.3), and the list for people and scripts. */
import { boxToJson } from '../volume/box.ts'
import type { Layer, VoxelSize } from '../volume/chunked-array.ts'
import { elementClassOf, largestIdOf } from '../volume/data-type.ts'
import { magLiteral, type Vec3 } from '../volume/vec.ts'
import type { CatalogueEntry } from './catalogue.ts'

export function listedDataset(entry: CatalogueEntry) {
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
    })),
    ...dataset.broken.map(({ name: layer, status: why }) => ({ name: layer, status: why })),
  ]
  return { id, organization, name, status, ...reason, voxelSize: voxelSizeJson(dataset.voxelSize), layers }
}

const voxelSizeJson = ({ nm, source }: VoxelSize) => ({ factor: nm, unit: 'nanometer', source })

/** The data source, or `{id, status}` where there is none: only an unusable one may have a `status`. */
export function dataSourceOf(entry: CatalogueEntry) {
  const id = { team: entry.organization, name: entry.name }
  const { dataset } = entry
  if (!dataset) return { id, status: entry.status === 'opening' ? 'The dataset is being opened.' : (entry.reason ?? 'unknown') }
  return { id, dataLayers: dataset.layers.map(layerJson), scale: dataset.voxelSize.nm, ...dataset.extra }
}

/** Where a mag is streamed from, below the dataset's Zarr URL. Core hands it on, and clients do not open a mag without one. */
export const magPath = (layer: string, factor: Vec3): string => `./${layer}/${magLiteral(factor)}`

function layerJson(layer: Layer) {
  const { name, category, mags, dataType } = layer
  const segmentation =
    category === 'segmentation' ? { largestSegmentId: layer.largestSegmentId ?? largestIdOf(dataType), mappings: [] } : {}
  return {
    name,
    category,
    boundingBox: boxToJson(layer.boundingBox),
    elementClass: elementClassOf(dataType, layer.channels),
    dataFormat: 'wkw',
    numChannels: layer.channels,
    mags: mags.map(({ factor }) => ({ mag: factor, path: magPath(name, factor) })),
    wkwResolutions: mags.map(({ factor }) => ({ resolution: factor, cubeLength: 1024, path: magPath(name, factor) })),
    resolutions: mags.map(({ factor }) => factor),
    ...segmentation,
    ...layer.extra,
  }
}
