/**
 * What lies at an address somebody typed into "Add remote dataset" of webKnossos (protocol.md 2.11): the layers of all of them as one
 * data source with a path for every mag, from which `openVirtual` opens it again, and a report for the person.
 */
import { realpath, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { uniqueName } from '../formats/layer.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { boxToJson } from '../volume/box.ts'
import type { Dataset, Layer } from '../volume/chunked-array.ts'
import { elementClassOf } from '../volume/data-type.ts'
import { messageOf, Unusable } from '../volume/errors.ts'
import type { Vec3 } from '../volume/vec.ts'
import { idJson } from './data-source.ts'
import { kindOf, listFolder } from './folders.ts'
import type { Descriptor } from './found.ts'
import { openDataset, type Resources } from './open.ts'

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

export interface ExploreOptions {
  readonly resources: Resources
  /** Folders that may be looked into. */
  readonly allowed: AllowedFolders
}

export async function explore(addresses: readonly Address[], organization: string, options: ExploreOptions): Promise<Explored> {
  const report: string[] = []
  const layers: Record<string, unknown>[] = []
  const taken = new Set<string>()
  let scale: Vec3 | undefined
  for (const { uri, voxelSize } of addresses) {
    try {
      const dataset = await openAt(uri, options)
      const found = dataset.layers.filter(hasPlaces)
      for (const layer of found) layers.push(layerJson(layer, uniqueName(layer.name, taken)))
      scale ??= voxelSize ?? dataset.voxelSize.nm
      report.push(
        `${uri}: ${found.map(({ name, mags }) => `layer ${name} with ${mags.length} mags`).join(', ') || 'no layer that can be added'}`,
      )
      report.push(...dataset.broken.map(({ name, status }) => `${uri}: layer ${name} is left out: ${status}`))
    } catch (error) {
      report.push(`${uri}: ${messageOf(error)}`)
    }
  }
  if (layers.length === 0 || !scale) return { report: report.join('\n') }
  const dataSource = { id: { team: organization, name: '' }, dataLayers: layers, scale: { factor: scale, unit: 'nanometer' } }
  return { dataSource, report: report.join('\n') }
}

async function openAt(uri: string, options: ExploreOptions): Promise<Dataset> {
  const descriptor = await locate(uri, options)
  const id = `explored/${crypto.randomUUID()}`
  try {
    return await openDataset(id, 'explored', descriptor, options.resources, () => {})
  } finally {
    options.resources.tables.drop(`${id}/`)
  }
}

/** Throws `Unusable` for what is not there and for what may not be read in the same words: an answer must not tell which it is. */
async function locate(uri: string, { resources, allowed }: ExploreOptions): Promise<Descriptor> {
  const path = localPath(uri)
  if (path === undefined) throw new Unusable('only folders of this server can be explored: file:///… or an absolute path')
  const { patience } = resources.handles
  const folder = await patience.wait(path, path, () => realpath(path).catch(() => undefined))
  if (folder === undefined || !allowed.includes(folder))
    throw new Unusable('there is nothing here that may be read; --allow-path allows more folders')
  if (!(await stat(folder)).isDirectory())
    throw new Unusable('this is a file; files are listed in datasets.json, or put into the data folder')
  const kind = await kindOf(folder, await listFolder(folder, allowed, patience), allowed, patience)
  if (kind !== 'properties' && kind !== 'wkw') {
    const what =
      kind === undefined
        ? 'no dataset'
        : { precomputed: 'Precomputed data', 'precomputed-layers': 'Precomputed data', images: 'images' }[kind]
    throw new Unusable(`${what}, not a folder of WKW layers; only those can be added this way`)
  }
  return { format: 'wkw', folder, root: folder }
}

function localPath(uri: string): string | undefined {
  if (uri.startsWith('/') && !uri.includes('\0')) return uri
  if (!uri.startsWith('file://')) return undefined
  try {
    return fileURLToPath(uri)
  } catch {
    return undefined
  }
}

/** A channel of an array with several, or a mag that only this server can put together, has no address others could read it from. */
const hasPlaces = ({ mags }: Layer): boolean => mags.some(({ place, channel }) => place && channel === undefined)

function layerJson(layer: Layer, name: string): Record<string, unknown> {
  const { category, boundingBox, dataType, channels, largestSegmentId, extra } = layer
  const mags = layer.mags.flatMap(({ factor, place }) => (place ? [{ mag: factor, path: place.uri }] : []))
  const ids = category === 'segmentation' && largestSegmentId !== undefined ? { largestSegmentId: idJson(largestSegmentId, 'clamp') } : {}
  return {
    name,
    category,
    boundingBox: boxToJson(boundingBox),
    elementClass: elementClassOf(dataType, channels),
    dataFormat: layer.mags.find(({ place }) => place)?.place?.dataFormat,
    mags,
    ...ids,
    ...extra,
  }
}
