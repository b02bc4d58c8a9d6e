/**
 * What lies at an address somebody typed into "Add remote dataset" of webKnossos (protocol.md 2.11): the layers of all of them as one
 * data source with a path for every mag, from which `openVirtual` opens it again, and a report for the person.
 */
import { uniqueName } from '../formats/layer.ts'
import { boxToJson } from '../volume/box.ts'
import type { Dataset, Layer } from '../volume/chunked-array.ts'
import { elementClassOf } from '../volume/data-type.ts'
import { messageOf } from '../volume/errors.ts'
import type { Vec3 } from '../volume/vec.ts'
import { openAddress, type Reach } from './address.ts'
import { axisJson, idJson, visible } from './data-source.ts'
import { PRECOMPUTED, pathOf } from './mag-path.ts'

export interface Address {
  readonly uri: string
  /** Nanometres; wins over what the files say. */
  readonly voxelSize?: Vec3 | undefined
}

/** Plain data. Without a data source nothing was found, and the report says why. */
export interface Explored {
  readonly dataSource?: Readonly<Record<string, unknown>>
  readonly report: string
}

export async function explore(addresses: readonly Address[], organization: string, options: Reach): Promise<Explored> {
  const report: string[] = []
  const layers: Record<string, unknown>[] = []
  const taken = new Set<string>()
  let scale: Vec3 | undefined
  for (const { uri, voxelSize } of addresses) {
    try {
      const dataset = await openAt(uri, options)
      for (const layer of dataset.layers) layers.push(layerJson(uri, layer, uniqueName(layer.name, taken)))
      scale ??= voxelSize ?? dataset.voxelSize.nm
      report.push(`${uri}: ${dataset.layers.map(({ name, mags }) => `layer ${name} with ${mags.length} mags`).join(', ')}`)
      report.push(...dataset.notes.map((note) => `${uri}: ${note}`))
      report.push(...dataset.broken.map(({ name, status }) => `${uri}: layer ${name} is left out: ${status}`))
    } catch (error) {
      report.push(`${uri}: ${messageOf(error)}`)
    }
  }
  if (layers.length === 0 || !scale) return { report: report.join('\n') }
  const dataSource = { id: { team: organization, name: '' }, dataLayers: layers, scale: { factor: scale, unit: 'nanometer' } }
  return { dataSource, report: report.join('\n') }
}

async function openAt(uri: string, options: Reach): Promise<Dataset> {
  const id = `explored/${crypto.randomUUID()}`
  try {
    return await openAddress(uri, id, options, () => {})
  } finally {
    options.resources.tables.drop(`${id}/`)
  }
}

function layerJson(address: string, layer: Layer, name: string): Record<string, unknown> {
  const { category, boundingBox, dataType, channels, largestSegmentId, extra } = layer
  const mags = layer.mags.map((mag) => ({ mag: mag.factor, path: pathOf(address, layer, mag) }))
  // of what only this server reads webKnossos knows no format
  const isPrecomputed = layer.mags.some(({ place }) => place?.dataFormat === PRECOMPUTED)
  const axes = layer.additionalAxes?.length ? { additionalAxes: layer.additionalAxes.map(axisJson) } : {}
  const ids = category === 'segmentation' && largestSegmentId !== undefined ? { largestSegmentId: idJson(largestSegmentId, 'clamp') } : {}
  return {
    name,
    category,
    boundingBox: boxToJson(visible(boundingBox)),
    elementClass: elementClassOf(dataType, channels),
    dataFormat: isPrecomputed ? PRECOMPUTED : 'wkw',
    mags,
    ...ids,
    ...axes,
    ...extra,
  }
}
