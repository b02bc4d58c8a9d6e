/**
 * Virtual datasets: core keeps their data source, with an explicit path for every mag, and may give one to any datastore
 * (protocol.md 9.3). Only what the owner of this server allows to be read is opened, whatever the paths say.
 */
import {
  boundingBoxOf,
  extraOf,
  largestSegmentIdOf,
  PROPERTIES_FILE,
  type PropertiesLayer,
  parseProperties,
} from '../formats/wkw/metadata.ts'
import type { Readable, Stat, Store } from '../stores/store.ts'
import { type BrokenLayer, type Dataset, type Layer, type Mag, magOf } from '../volume/chunked-array.ts'
import { elementClassOf } from '../volume/data-type.ts'
import { messageOf, Unusable } from '../volume/errors.ts'
import { magLiteral, product } from '../volume/vec.ts'
import { openAddress, type Reach } from './address.ts'
import { isRecord } from './entries.ts'
import { type AddressedMag, parseMagPath } from './mag-path.ts'
import { openStore } from './open.ts'

/**
 * Opens a data source as core hands it out. `id`: organization/dataset@version. Throws `Unusable` where none of its layers can be
 * opened; a layer that cannot takes no other along.
 */
export async function openVirtual(id: string, name: string, dataSource: unknown, reach: Reach, changed: () => void): Promise<Dataset> {
  if (!isRecord(dataSource)) throw new Unusable('its data source is not an object')
  if (typeof dataSource['status'] === 'string') throw new Unusable(dataSource['status'])
  const { layers: listed, voxelSize, extra } = parseProperties(JSON.stringify(dataSource))
  const sources = new Map<string, Promise<Dataset>>()
  const openOnce = (address: string): Promise<Dataset> => {
    let opened = sources.get(address)
    if (!opened) sources.set(address, (opened = openAddress(address, `${id}/${sources.size}`, reach, changed)))
    return opened
  }
  const notes = ['a virtual dataset: webKnossos says where its mags lie']
  const isWkw: boolean[] = []
  const opened = await Promise.all(
    listed.map((layer, n): Promise<Layer | BrokenLayer | undefined> | undefined => {
      const mags = addressedMags(layer)
      isWkw[n] = mags === undefined
      return mags && openLayer(layer, mags, openOnce, notes).catch((error) => ({ name: layer.name, status: messageOf(error) }))
    }),
  )
  const dataLayers = dataSource['dataLayers'] as readonly unknown[]
  const wkw = await openWkw(id, name, { ...dataSource, dataLayers: dataLayers.filter((_, n) => isWkw[n]) }, reach, changed)
  const found = opened.filter((one) => one !== undefined)
  const layers = [...found.filter((one) => 'mags' in one), ...wkw.layers]
  const broken = [...found.filter((one) => 'status' in one), ...wkw.broken]
  if (layers.length === 0) throw new Unusable(broken.map((one) => `layer ${one.name}: ${one.status}`).join('; ') || 'it has no layers')
  const order = new Map(listed.map((layer, n) => [layer.name, n]))
  layers.sort((a, b) => (order.get(a.name) ?? listed.length) - (order.get(b.name) ?? listed.length))
  const size = voxelSize ?? { nm: [1, 1, 1] as const, source: 'guessed: nothing says how large a voxel is' }
  return { layers, broken, notes: [...notes, ...wkw.notes], voxelSize: size, extra }
}

/** Undefined for a layer of WKW folders. */
function addressedMags({ properties, mags }: PropertiesLayer): AddressedMag[] | undefined {
  const addressed = mags.map(({ path }) => (path === undefined ? undefined : parseMagPath(path, properties?.dataFormat)))
  return addressed.some((one) => one !== undefined) ? (addressed as AddressedMag[]) : undefined
}

/** One layer as it is stated, of mags picked out of what lies at their addresses. */
async function openLayer(
  { name, properties, mags: stated }: PropertiesLayer,
  addressed: readonly (AddressedMag | undefined)[],
  openOnce: (address: string) => Promise<Dataset>,
  notes: string[],
): Promise<Layer> {
  if (!properties) throw new Unusable('its entry is not one')
  let first: Layer | undefined
  const mags: Mag[] = []
  const problems: string[] = []
  for (const [n, { factor }] of stated.entries()) {
    const say = (why: string) => problems.push(`mag ${magLiteral(factor)}: ${why}`)
    const wanted = addressed[n]
    if (!wanted) {
      say('its path is of another kind than those of other mags')
      continue
    }
    try {
      const picked = pick(await openOnce(wanted.address), wanted.pick)
      if (!picked) say(`there is no such mag at ${wanted.address}`)
      else if (first && (picked.layer.dataType !== first.dataType || picked.layer.channels !== first.channels))
        say('its voxels are of another kind than those of other mags')
      else {
        first ??= picked.layer
        mags.push({ ...picked.mag, factor })
      }
    } catch (error) {
      say(messageOf(error))
    }
  }
  if (!first) throw new Unusable(problems.join('; '))
  const elementClass = elementClassOf(first.dataType, first.channels)
  const asked = properties['elementClass' as keyof typeof properties]
  if (asked !== undefined && asked !== elementClass)
    throw new Unusable(`its voxels are ${elementClass}, webKnossos takes them for ${asked}`)
  notes.push(...problems.map((problem) => `layer ${name}, ${problem}`))
  const layer = first
  const category = properties.category === 'segmentation' ? 'segmentation' : 'color'
  const shown = { name, category, boundingBox: boundingBoxOf(properties) } as const
  mags.sort((a, b) => product(a.factor) - product(b.factor))
  return {
    ...layer,
    ...shown,
    mags,
    largestSegmentId: largestSegmentIdOf(properties) ?? layer.largestSegmentId,
    extra: { ...layer.extra, ...extraOf(properties) },
    ...(layer.at && { at: (coordinates) => elsewhere(layer, coordinates, shown, mags) }),
  }
}

type Shown = Pick<Layer, 'name' | 'category' | 'boundingBox'>

/** The same at other coordinates; of all mags those that are stated. */
function elsewhere(layer: Layer, coordinates: Parameters<NonNullable<Layer['at']>>[0], shown: Shown, stated: readonly Mag[]) {
  const there = layer.at?.(coordinates)
  return (
    there && {
      ...there,
      ...shown,
      mags: there.mags.filter(({ factor }) => stated.some((mag) => magLiteral(mag.factor) === magLiteral(factor))),
    }
  )
}

function pick(dataset: Dataset, wanted: AddressedMag['pick']): { layer: Layer; mag: Mag } | undefined {
  for (const layer of dataset.layers) {
    const isWanted = 'path' in wanted || layer.name === wanted.layer
    const mag = 'path' in wanted ? layer.mags.find(({ place }) => place?.uri === wanted.path) : magOf(layer, wanted.factor)
    if (isWanted && mag) return { layer, mag }
  }
  return undefined
}

type WkwPart = Pick<Dataset, 'layers' | 'broken' | 'notes'>

/** The layers whose mags are WKW folders. */
async function openWkw(
  id: string,
  name: string,
  dataSource: Readonly<Record<string, unknown>> & { readonly dataLayers: readonly unknown[] },
  { resources, allowed }: Reach,
  changed: () => void,
): Promise<WkwPart> {
  if (dataSource.dataLayers.length === 0) return { layers: [], broken: [], notes: [] }
  const store = new OneDocument(new TextEncoder().encode(JSON.stringify(dataSource)))
  try {
    return await openStore({ id, name, store, format: 'wkw', options: {}, resources, allowed, isTrusted: false, changed })
  } catch (error) {
    return { layers: [], broken: [{ name: 'of WKW', status: messageOf(error) }], notes: [] }
  }
}

/** Only the data source itself has a key: paths relative to it lead nowhere. */
class OneDocument implements Store {
  readonly url = 'virtual'
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  async stat(key: string): Promise<Stat | undefined> {
    return key === PROPERTIES_FILE ? { size: this.#bytes.length, version: '' } : undefined
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return key === PROPERTIES_FILE ? this.#bytes : undefined
  }

  open(): Readable | undefined {
    return undefined
  }

  async list(): Promise<[]> {
    return []
  }
}
