/** WKW: webKnossos's own format. A folder per layer, a folder per mag in it, cube files in that. Spec: formats.md 1. */
import type { Store } from '../../stores/store.ts'
import { type Box, boxAt, sizeOf, toMag, toMag1, unite } from '../../volume/box.ts'
import { type BrokenLayer, type ChunkedArray, type Dataset, type Layer, MAX_CHUNK_BYTES, type Mag } from '../../volume/chunked-array.ts'
import { sampleBytes } from '../../volume/data-type.ts'
import { CorruptChunk, messageOf, Unusable } from '../../volume/errors.ts'
import { equals, magLiteral, parseMag, product, type Vec3 } from '../../volume/vec.ts'
import { FailingArray } from '../failing-array.ts'
import type { Format, OpenContext } from '../format.ts'
import { looksLikeSegmentation, noLayers, presentLayers, uniqueName } from '../layer.ts'
import { WkwArray } from './array.ts'
import { cubeFiles } from './cube-files.ts'
import { HEADER_BYTES, parseHeader, type WkwHeader } from './header.ts'
import { boundingBoxOf, extraOf, largestSegmentIdOf, PROPERTIES_FILE, type PropertiesLayer, parseProperties } from './metadata.ts'

export const wkw: Format = {
  name: 'wkw',
  async open(store, options, context) {
    const document = await store.get(PROPERTIES_FILE)
    const opened = document ? await openListed(new TextDecoder().decode(document), store, context) : await openFound(store, context)
    const { layers, broken } = opened
    if (layers.length === 0) throw noLayers(broken, 'it has no layers')
    const voxelSize = options.scale ? { nm: options.scale, source: 'datasets.json' } : opened.voxelSize
    return { ...opened, voxelSize: voxelSize ?? { nm: [1, 1, 1], source: 'guessed: nothing says how large a voxel is' } }
  },
}

type Opened = Omit<Dataset, 'voxelSize'> & { readonly voxelSize: Dataset['voxelSize'] | undefined }

/** Layers as datasource-properties.json lists them. */
async function openListed(text: string, store: Store, context: OpenContext): Promise<Opened> {
  const { layers: listed, voxelSize, extra } = parseProperties(text)
  const opened = await Promise.all(listed.map((layer) => openLayer(layer, store, context)))
  return {
    layers: opened.flatMap(({ layers }) => layers),
    broken: opened.flatMap(({ broken }) => broken),
    notes: opened.flatMap(({ notes }) => notes),
    voxelSize,
    extra,
  }
}

interface OpenedLayer {
  readonly layers: Layer[]
  readonly broken: BrokenLayer[]
  readonly notes: string[]
}

async function openLayer(listed: PropertiesLayer, store: Store, context: OpenContext): Promise<OpenedLayer> {
  const { name, properties, problem } = listed
  const refuse = (status: string, leadsTo?: string): OpenedLayer => ({ layers: [], broken: [{ name, status, leadsTo }], notes: [] })
  if (!properties) return refuse(problem ?? 'its entry is not one')
  if ((properties.dataFormat ?? 'wkw') !== 'wkw') return refuse(`its data format ${properties.dataFormat} is not supported yet`)
  const boundingBox = boundingBoxOf(properties)
  const tried = await Promise.all(listed.mags.map(({ factor, path }) => tryMag(name, factor, path, boundingBox, store, context)))
  const notes = tried.flatMap(({ factor, problem: reason }) => (reason ? [`layer ${name}, mag ${magLiteral(factor)}: ${reason}`] : []))
  const first = tried.find(({ array }) => array)?.array
  if (!first) {
    const reasons = tried.map(({ factor, problem: reason }) => `mag ${magLiteral(factor)}: ${reason}`)
    return refuse(reasons.join('; '), tried.find(({ leadsTo }) => leadsTo)?.leadsTo)
  }
  const mags = tried
    .filter(({ missing }) => !missing)
    .map(({ factor, array, place, problem: reason }): Mag => {
      const alike = array && array.dataType === first.dataType && array.channels === first.channels
      const why =
        reason ??
        (alike
          ? undefined
          : `its voxels are ${array?.channels}×${array?.dataType}, those of other mags ${first.channels}×${first.dataType}`)
      if (why && !reason) notes.push(`layer ${name}, mag ${magLiteral(factor)}: ${why}`)
      const id = `${context.id}/${name}/${magLiteral(factor)}`
      return {
        factor,
        place,
        arrays: [alike ? array : new FailingArray(id, first.dataType, first.channels, toMag(boundingBox, factor), why ?? '')],
      }
    })
  const presented = presentLayers({
    name,
    category: properties.category === 'segmentation' ? 'segmentation' : 'color',
    boundingBox,
    mags: mags.sort((a, b) => product(a.factor) - product(b.factor)),
    largestSegmentId: largestSegmentIdOf(properties),
    extra: extraOf(properties),
  })
  return { ...presented, notes }
}

interface TriedMag {
  readonly factor: Vec3
  readonly array?: ChunkedArray
  readonly place?: Mag['place']
  readonly problem?: string
  /** Listed, but its folder is not there. */
  readonly missing?: boolean
  readonly leadsTo?: string
}

async function tryMag(
  layer: string,
  factor: Vec3,
  path: string | undefined,
  boundingBox: Box,
  store: Store,
  context: OpenContext,
): Promise<TriedMag> {
  try {
    const places = path === undefined ? await standardPlaces(layer, factor, store) : await statedPlaces(layer, path, store, context)
    for (const place of places) {
      const header = await readHeader(place.store, place.folder)
      if (header) {
        const array = await makeArray(place.store, place.folder, header, layer, factor, toMag(boundingBox, factor), context)
        return { factor, array, place: placeOf(place.store, place.folder) }
      }
    }
    return { factor, missing: true, problem: `no folder ${places.map(({ folder }) => folder).join(' or ')} with WKW files` }
  } catch (error) {
    return { factor, problem: messageOf(error), ...(error instanceof Unusable && error.leadsTo && { leadsTo: error.leadsTo }) }
  }
}

const placeOf = ({ url }: Store, folder: string): Mag['place'] => ({ dataFormat: 'wkw', uri: folder === '.' ? url : `${url}/${folder}` })

interface Place {
  readonly store: Store
  readonly folder: string
}

/** Both spellings of an isotropic mag occur (formats.md 1.1). */
async function standardPlaces(layer: string, factor: Vec3, store: Store): Promise<Place[]> {
  if (/[/\\]|^\.\.?$/.test(layer)) throw new Unusable(`a layer called ${JSON.stringify(layer)} has no folder`)
  const literal = magLiteral(factor)
  const folders = factor[0] === factor[1] && factor[1] === factor[2] ? [String(factor[0]), literal] : [literal]
  return folders.map((folder) => ({ store, folder: `${layer}/${folder}` }))
}

/** `mags[].path`: relative to the dataset or to the layer, or absolute. */
async function statedPlaces(layer: string, path: string, store: Store, context: OpenContext): Promise<Place[]> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path) && !path.startsWith('file://')) return [{ store: await context.storeAt(path), folder: '.' }]
  const local = path.replace(/^file:\/\//, '')
  if (local.startsWith('/') || /^[a-z]:[\\/]/i.test(local)) return [{ store: await context.storeAt(local), folder: '.' }]
  const plain = local.replace(/^\.\//, '')
  const fromDataset = { store, folder: plain }
  const fromLayer = { store, folder: `${layer}/${plain}` }
  return plain === layer || plain.startsWith(`${layer}/`) ? [fromDataset, fromLayer] : [fromLayer, fromDataset]
}

/** The header of a mag folder; where header.wkw is lost or damaged, that of any cube file. Undefined where there is no such folder. */
async function readHeader(store: Store, folder: string): Promise<WkwHeader | undefined> {
  const key = `${folder}/header.wkw`
  const bytes = await store.get(key, { start: 0, length: HEADER_BYTES })
  let damage: unknown
  if (bytes) {
    try {
      return parseHeader(bytes, key)
    } catch (error) {
      damage = error
    }
  }
  for await (const cube of cubeFiles(store, folder)) {
    const first = await store.get(cube.key, { start: 0, length: HEADER_BYTES })
    if (first) return { ...parseHeader(first, cube.key), dataOffset: 0 }
  }
  if (damage) throw damage
  return undefined
}

async function makeArray(
  store: Store,
  folder: string,
  header: WkwHeader,
  layer: string,
  factor: Vec3,
  box: Box,
  context: OpenContext,
): Promise<WkwArray> {
  const { blockLength, dataType, channels } = header
  const bytes = blockLength ** 3 * sampleBytes(dataType) * channels
  if (bytes > MAX_CHUNK_BYTES) {
    throw new CorruptChunk({
      file: `${folder}/header.wkw`,
      cause: `blocks of ${blockLength}³ voxels have ${bytes} bytes, at most ${MAX_CHUNK_BYTES} are read at once`,
    })
  }
  const { id, tables, buffers, pool } = context
  return new WkwArray({
    id: `${id}/${layer}/${magLiteral(factor)}`,
    store,
    folder,
    header,
    box,
    lz4: await pool.decoder({ codec: 'lz4' }),
    tables,
    buffers,
    changed: () => context.changed(),
  })
}

/** Layers of a folder without datasource-properties.json: whatever has `<layer>/<mag>/header.wkw`. */
async function openFound(store: Store, context: OpenContext): Promise<Opened> {
  const layers: Layer[] = []
  const broken: BrokenLayer[] = []
  const taken = new Set<string>()
  for (const { name, isFolder } of (await store.list?.('')) ?? []) {
    if (!isFolder || name.startsWith('.')) continue
    try {
      const found = await findMags(name, store, context)
      if (!found) continue
      const category = looksLikeSegmentation(name) ? 'segmentation' : 'color'
      const presented = presentLayers({ name: uniqueName(name, taken), category, ...found })
      layers.push(...presented.layers)
      broken.push(...presented.broken)
    } catch (error) {
      broken.push({ name, status: messageOf(error) })
    }
  }
  const rule = `no ${PROPERTIES_FILE}: layers and boxes are what the WKW files present say`
  return { layers, broken, notes: [rule], voxelSize: undefined }
}

async function findMags(layer: string, store: Store, context: OpenContext): Promise<{ mags: Mag[]; boundingBox: Box } | undefined> {
  const found: { factor: Vec3; folder: string; header: WkwHeader }[] = []
  for (const { name, isFolder } of (await store.list?.(layer)) ?? []) {
    const factor = isFolder ? parseMag(name) : undefined
    const folder = `${layer}/${name}`
    if (!factor || found.some((other) => equals(other.factor, factor)) || !(await store.stat(`${folder}/header.wkw`))) continue
    const header = await readHeader(store, folder)
    if (header) found.push({ factor, folder, header })
  }
  const finest = found.sort((a, b) => product(a.factor) - product(b.factor))[0]
  if (!finest) return undefined
  const boundingBox = await boxOfFiles(store, finest.folder, finest.header, finest.factor)
  const mags: Mag[] = []
  for (const { factor, folder, header } of found) {
    if (header.dataType !== finest.header.dataType || header.channels !== finest.header.channels) continue
    const array = await makeArray(store, folder, header, layer, factor, toMag(boundingBox, factor), context)
    mags.push({ factor, place: placeOf(store, folder), arrays: [array] })
  }
  return { mags, boundingBox }
}

/** The mag-1 box of the cube files that are there. */
async function boxOfFiles(store: Store, folder: string, { blockLength, fileLength }: WkwHeader, factor: Vec3): Promise<Box> {
  const edge = blockLength * fileLength
  let box: Box | undefined
  for await (const { x, y, z } of cubeFiles(store, folder)) {
    const cube = boxAt([x * edge, y * edge, z * edge], [edge, edge, edge])
    box = box ? unite(box, cube) : cube
  }
  if (!box) throw new Unusable(`${folder} has a header and no cube files, so nothing says how large it is`)
  const mag1Box = toMag1(box, factor)
  if (!sizeOf(mag1Box).every(Number.isSafeInteger)) throw new Unusable(`${folder}: its file names reach beyond any volume`)
  return mag1Box
}
