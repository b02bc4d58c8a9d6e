/** Which series the pages of a file make, and how large a voxel is. */
import type { Store } from '../../stores/store.ts'
import type { VoxelSize } from '../../volume/chunked-array.ts'
import { OutsideAllowed, Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { CoalescedFile } from './coalesce.ts'
import { type Ifd, Tag } from './ifd.ts'
import { ifdAt } from './levels.ts'
import { type Page, type PageOptions, readPage } from './page.ts'
import { type Kind, Pages, walkKinds } from './pages.ts'
import { TiffReader } from './reader.ts'
import { bytesOfPlane, contiguousPlanes } from './series/contiguous.ts'
import { imageJSeries, parseImageJ } from './series/imagej.ts'
import { isOme, type Ome, parseOme } from './series/ome.ts'
import { isPlainName, omeSeries } from './series/ome-series.ts'
import { aperioSeries, baseKind, breakNotes, plainSeries } from './series/plain.ts'
import type { Series } from './series/series.ts'
import { parseShaped, shapedSeries } from './series/shaped.ts'
import { refuseVendors } from './vendors.ts'

export interface Described {
  readonly series: Series
  /** Behind the layer's name where a file has several. */
  readonly suffix?: string | undefined
  /** Pages at full size and those that may be smaller copies; undefined where these are in sub-IFDs only. */
  readonly base?: Kind | undefined
  readonly others: readonly Kind[]
  /** Bytes from one plane to the next where they have no directories. */
  readonly planeBytes: number
}

export interface FileSeries {
  /** Undefined for a companion file, which has no pages of its own. */
  readonly pages: Pages | undefined
  readonly all: readonly Described[]
  readonly notes: readonly string[]
}

export interface SeriesOptions extends PageOptions {
  readonly axes?: string | undefined
}

export const DESCRIPTION_TAGS = [
  Tag.ImageDescription,
  Tag.Software,
  Tag.XResolution,
  Tag.YResolution,
  Tag.ImageJMetadataCounts,
  Tag.ImageJMetadata,
]

export async function openReader(store: Store, key: string): Promise<TiffReader> {
  const file = await store.open(key)
  if (!file) throw new Unusable(`${key} is not there any more`)
  return TiffReader.open(new CoalescedFile(file))
}

/** Throws `Unusable` for what cannot be shown rightly, `CorruptChunk` for what is damaged. */
export async function readSeries(store: Store, key: string, options: SeriesOptions): Promise<FileSeries> {
  if (/\.companion\.ome$/i.test(key)) return companionSeries(store, key, undefined, options)
  const reader = await openReader(store, key)
  const pages = new Pages(reader)
  const kinds = await walkKinds(pages)
  const first = await reader.load(await ifdAt(pages, 0), DESCRIPTION_TAGS)
  const description = first.text(Tag.ImageDescription) ?? ''
  const notes: string[] = []
  if (isOme(description)) {
    const ome = parseOme(description)
    if (ome.companion !== undefined && ome.images.length === 0) {
      const described = await ofCompanion(ome.companion, store, key, pages, options)
      if (!('failed' in described)) return described
      notes.push(described.failed)
    }
    if (ome.images.length > 0) return { pages, ...(await describeOme(ome, store, key, pages, options)) }
  } else refuseVendors(first, description)
  const one = await describe(pages, kinds, first, description, options)
  return { pages, all: [one], notes: [...notes, ...breakNotes(pages)] }
}

async function describe(pages: Pages, kinds: readonly Kind[], first: Ifd, description: string, options: SeriesOptions): Promise<Described> {
  const { reader } = pages
  const { axes } = options
  const imageJ = parseImageJ(description)
  const page = imageJ ? await readPage(reader, first, options) : await readable(reader, first, options)
  const shaped = imageJ || !page ? undefined : parseShaped(description, page)
  if (page && (imageJ || shaped)) {
    const images = imageJ?.images ?? shaped!.planes
    const isContiguous = pages.count === 1 && images > 1
    const planes = isContiguous ? await contiguousPlanes(reader, first, page, images) : pages.count
    const alike = kinds[0]!.pages.length === pages.count
    if (imageJ && alike)
      return {
        series: imageJSeries(imageJ, first, planes, isContiguous, resolution(first), axes),
        others: [],
        planeBytes: bytesOfPlane(page),
      }
    // several series in one file have descriptions of their own: then only the first counts, and only its pages
    if (shaped && (isContiguous || kinds[0]!.pages.length >= Math.min(shaped.planes, pages.count)))
      return { series: shapedSeries(shaped, planes, isContiguous, axes), others: [], planeBytes: bytesOfPlane(page) }
  }
  const base = baseKind(kinds)
  const others = kinds.filter((kind) => kind !== base)
  if (description.startsWith('Aperio')) {
    // the thumbnail is cut into strips; of label and macro that is not said everywhere
    const levels = others.filter(({ isTiled }) => isTiled)
    return { series: aperioSeries(description, base), base, others: levels, planeBytes: 0 }
  }
  return { series: plainSeries(base, axes), base, others, planeBytes: 0 }
}

/** Undefined where the first page cannot be decoded: others may. */
async function readable(reader: TiffReader, ifd: Ifd, options: PageOptions): Promise<Page | undefined> {
  try {
    return await readPage(reader, ifd, options)
  } catch (error) {
    if (error instanceof Unusable) return undefined
    throw error
  }
}

/** What a file's companion says about it; a note where that is of no use, for the file has pages of its own. */
async function ofCompanion(
  name: string,
  store: Store,
  key: string,
  pages: Pages,
  options: SeriesOptions,
): Promise<FileSeries | { readonly failed: string }> {
  const failed = (why: string) => ({ failed: `its metadata is said to be in the companion file ${name}: ${why}; shown by itself` })
  if (!isPlainName(name)) return failed('that is not in its own folder')
  try {
    return await companionSeries(store, `${folderOf(key)}${name}`, pages, options)
  } catch (error) {
    if (error instanceof Unusable) return failed(error.message)
    throw error
  }
}

async function companionSeries(store: Store, key: string, pages: Pages | undefined, options: SeriesOptions): Promise<FileSeries> {
  const bytes = await store.get(key)
  if (!bytes) throw new Unusable(`${key} is not there any more`)
  const xml = new TextDecoder().decode(bytes)
  if (!isOme(xml)) throw new Unusable(`${key} is no OME-XML`)
  return { pages, ...(await describeOme(parseOme(xml), store, key, undefined, options)) }
}

/** Images of the same size are layers of one dataset; others are left out. */
async function describeOme(
  ome: Ome,
  store: Store,
  key: string,
  pages: Pages | undefined,
  options: SeriesOptions,
): Promise<Omit<FileSeries, 'pages'>> {
  const folder = folderOf(key)
  const [main] = ome.images
  if (!main) throw new Unusable(`${key} describes no image`)
  const isSet = pages === undefined || ome.images.some(({ blocks }) => blocks.some(({ file }) => file !== undefined))
  const own = pages ? key.slice(folder.length) : undefined
  const present = isSet ? await namesIn(store, folder, own) : undefined
  const samples = pages ? await samplesOf(pages) : 1
  const source = {
    ownName: own,
    ownPages: pages?.count ?? 0,
    folder,
    present,
    samples,
  }
  const sameSize = ome.images.filter((image) => image.width === main.width && image.height === main.height && image.depth === main.depth)
  const left = ome.images.length - sameSize.length
  const all = sameSize.map((image, n): Described => {
    const suffix = sameSize.length > 1 ? (nameSuffix(image.name) ?? `i${n}`) : undefined
    return { series: omeSeries(ome, image, source, options.axes), suffix, others: [], planeBytes: 0 }
  })
  const notes = pages ? breakNotes(pages) : []
  if (left > 0)
    notes.push(`${left} of ${ome.images.length} images left out: they are not ${main.width}×${main.height}×${main.depth} as the first`)
  return { all, notes }
}

/** Undefined where a folder cannot be listed. Of a file that was given by itself only that may be read. */
async function namesIn(store: Store, folder: string, own: string | undefined): Promise<ReadonlySet<string> | undefined> {
  try {
    const listed = await store.list?.(folder)
    return listed && new Set(listed.map(({ name }) => name))
  } catch (error) {
    if (!(error instanceof OutsideAllowed)) throw error
    return new Set(own === undefined ? [] : [own])
  }
}

const samplesOf = async (pages: Pages): Promise<number> => (await ifdAt(pages, 0)).number(Tag.SamplesPerPixel) ?? 1

/** The folder of a key with its slash, or nothing. */
export const folderOf = (key: string): string => key.slice(0, key.lastIndexOf('/') + 1)

/** A name as the end of a layer name; undefined where nothing of it is left. */
export function nameSuffix(name: string | undefined): string | undefined {
  const plain = name
    ?.trim()
    .replace(/[^\p{L}\p{N}._+-]+/gu, '_')
    .replace(/^_+|_+$/g, '')
  return plain ? plain.slice(0, 60) : undefined
}

/**
 * The voxel size and where it comes from: the format's own, else the resolution tags unless they are meant for a printer.
 * z unknown = xy. `first`: with its resolution loaded.
 */
export function voxelSizeOf(first: Ifd, { voxelSize, depth, source }: Pick<Series, 'voxelSize' | 'depth' | 'source'>): VoxelSize {
  const [x, y, z] = voxelSize
  if (x !== undefined && y !== undefined) {
    const unknown = z === undefined && depth > 1 ? ', z unknown: taken as x' : ''
    return { nm: [x, y, z ?? x] as Vec3, source: `${source}${unknown}` }
  }
  const perUnit = resolution(first)
  const unit = first.number(Tag.ResolutionUnit) ?? 2
  if (unit === 3 && perUnit) {
    const edges = [1e7 / perUnit[0], 1e7 / perUnit[1]] as const
    if (edges.every((edge) => edge >= 0.1 && edge <= 1e6))
      return { nm: [edges[0], edges[1], z ?? edges[0]], source: `resolution tags${z === undefined ? ', z taken as x' : ''}` }
  }
  return { nm: [1, 1, 1], source: 'guessed: nothing in the file says how large a voxel is' }
}

function resolution(ifd: Ifd): readonly [number, number] | undefined {
  const x = ifd.number(Tag.XResolution)
  const y = ifd.number(Tag.YResolution)
  return x !== undefined && y !== undefined ? [x, y] : undefined
}
