/** Every document of the Zarr hierarchy, by format: v2 (with `zarr.json` beside it, so that readers of v3 find it, too) or v3. */
import type { CatalogueEntry } from '../datasets/catalogue.ts'
import type { Dataset, Layer, Mag } from '../volume/chunked-array.ts'
import { arrayV2, arrayV3 } from './array.ts'
import { type StreamedAs, streamedDataSource } from './data-source.ts'
import { magName } from './name.ts'
import { attributesV2, groupV3, labelsV2, labelsV3 } from './ngff.ts'
import { LABELS } from './path.ts'

/** A JSON document, or what is listed where the path is a folder. */
export type Document = { readonly json: unknown } | { readonly names: readonly string[] }

const GROUP_V2 = { json: { zarr_format: 2 } }

/**
 * `file` undefined: the listing. Undefined where there is no such document. The data source is there in webKnossos's order of axes only,
 * for it could not read colours whose channels lie apart.
 */
export function datasetDocument(entry: CatalogueEntry, dataset: Dataset, file: string | undefined, as: StreamedAs): Document | undefined {
  const isV2 = as.format === 'zarr'
  const hasSource = as.order === 'cxyz'
  if (file === undefined) {
    const documents = [...(hasSource ? ['datasource-properties.json'] : []), ...(isV2 ? ['.zgroup'] : [])]
    return { names: [...documents, ...dataset.layers.map(({ name }) => name)] }
  }
  if (hasSource && file === 'datasource-properties.json') return { json: streamedDataSource(entry, dataset, as) }
  return isV2 && file === '.zgroup' ? GROUP_V2 : undefined
}

export function layerDocument(
  layer: Layer,
  dataset: Dataset,
  file: string | undefined,
  { format, order }: StreamedAs,
): Document | undefined {
  const isV2 = format === 'zarr'
  const { nm } = dataset.voxelSize
  const labels = order === 'czyx' && layer.category === 'color' ? labelsOf(dataset) : []
  if (file === undefined) {
    const documents = [...(isV2 ? ['.zattrs', '.zgroup'] : []), 'zarr.json']
    return { names: [...documents, ...layer.mags.map(({ factor }) => magName(factor)), ...(labels.length > 0 ? [LABELS] : [])] }
  }
  if (file === 'zarr.json') return { json: groupV3(layer, nm, order, labels) }
  if (!isV2) return undefined
  return file === '.zattrs' ? { json: attributesV2(layer, nm, order) } : file === '.zgroup' ? GROUP_V2 : undefined
}

const labelsOf = ({ layers }: Dataset): Layer[] => layers.filter(({ category }) => category === 'segmentation')

/** The segmentations of a dataset, where OME-NGFF looks for those of an image. There is no such group where there are none. */
export function labelsDocument(image: Layer, dataset: Dataset, file: string | undefined, { format }: StreamedAs): Document | undefined {
  const labels = labelsOf(dataset)
  const isV2 = format === 'zarr'
  if (image.category !== 'color' || labels.length === 0) return undefined
  if (file === undefined) return { names: [...(isV2 ? ['.zattrs', '.zgroup'] : []), 'zarr.json', ...labels.map(({ name }) => name)] }
  if (file === 'zarr.json') return { json: labelsV3(labels) }
  if (!isV2) return undefined
  return file === '.zattrs' ? { json: labelsV2(labels) } : file === '.zgroup' ? GROUP_V2 : undefined
}

/** Chunks are not listed: there may be millions. */
export function magDocument(layer: Layer, mag: Mag, file: string | undefined, { format, order }: StreamedAs): Document | undefined {
  const isV2 = format === 'zarr'
  if (file === undefined) return { names: [...(isV2 ? ['.zarray'] : []), 'zarr.json'] }
  if (file === 'zarr.json') return { json: arrayV3(layer, mag, order) }
  return isV2 && file === '.zarray' ? { json: arrayV2(layer, mag, order) } : undefined
}
