/** Datasets as JSON: webKnossos's data source, valid in every era (protocol.md 4.3), and the list for people and scripts. */

import { boxToJson } from '../volume/box.ts'
import type { Layer, VoxelSize } from '../volume/chunked-array.ts'
import { elementClassOf, largestIdOf } from '../volume/data-type.ts'
import { magLiteral } from '../volume/vec.ts'
import type { CatalogueEntry } from './catalogue.ts'

interface Making {
  readonly layer: string
  readonly mag: string
  readonly done: number
}

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

/** The data source, or `{id, status}` where there is none: only an unusable one may have a `status`. */
export function dataSourceOf(entry: CatalogueEntry) {
  const id = { team: entry.organization, name: entry.name }
  const { dataset } = entry
  if (!dataset) return { id, status: entry.status === 'opening' ? 'The dataset is being opened.' : (entry.reason ?? 'unknown') }
  return { id, dataLayers: dataset.layers.map(layerJson), scale: dataset.voxelSize.nm, ...dataset.extra }
}

function layerJson(layer: Layer) {
  const { name, category, mags, dataType } = layer
  const path = (mag: string) => `./${name}/${mag}`
  const segmentation =
    category === 'segmentation' ? { largestSegmentId: layer.largestSegmentId ?? largestIdOf(dataType), mappings: [] } : {}
  return {
    name,
    category,
    boundingBox: boxToJson(layer.boundingBox),
    elementClass: elementClassOf(dataType, layer.channels),
    dataFormat: 'wkw',
    numChannels: layer.channels,
    mags: mags.map(({ factor }) => ({ mag: factor, path: path(magLiteral(factor)) })),
    wkwResolutions: mags.map(({ factor }) => ({ resolution: factor, cubeLength: 1024, path: path(magLiteral(factor)) })),
    resolutions: mags.map(({ factor }) => factor),
    ...segmentation,
    ...layer.extra,
  }
}
