/** TIFF: files whose pages are slices, channels and smaller copies, or one file per slice. Spec: formats.md 4. */
import type { Store } from '../../stores/store.ts'
import { boxAt } from '../../volume/box.ts'
import type { BrokenLayer, Dataset, Layer, Mag, VoxelSize } from '../../volume/chunked-array.ts'
import { messageOf, Unusable } from '../../volume/errors.ts'
import { magLiteral, type Vec3, ZERO } from '../../volume/vec.ts'
import type { Format, ImageLayer, OpenContext } from '../format.ts'
import { looksLikeSegmentation, noLayers, presentLayers, uniqueName } from '../layer.ts'
import { checkChunkSize, TiffArray } from './array.ts'
import { type Ifd, TiffReader } from './ifd.ts'
import { readArrangement, voxelSizeOf } from './metadata.ts'
import { type Page, readPage, sameKind } from './page.ts'
import { sortPages } from './pages.ts'
import { openPlane, type Plane, planeBytes } from './plane.ts'

export const tiff: Format = {
  name: 'tiff',
  async open(store, options, context) {
    const images = options.images ?? []
    const taken = new Set<string>()
    const layers: Layer[] = []
    const broken: BrokenLayer[] = []
    const notes: string[] = []
    let voxelSize: VoxelSize | undefined
    for (const image of images) {
      try {
        const opened = image.slices.length === 1 ? await openFile(image, store, context) : await openStack(image, store, context)
        for (const layer of opened.layers) layers.push({ ...layer, name: uniqueName(layer.name, taken) })
        broken.push(...opened.broken)
        notes.push(...opened.notes.map((note) => `layer ${image.name}: ${note}`))
        if (!voxelSize || voxelSize.source.startsWith('guessed')) voxelSize = opened.voxelSize
      } catch (error) {
        broken.push({ name: image.name, status: messageOf(error), leadsTo: error instanceof Unusable ? error.leadsTo : undefined })
      }
    }
    if (layers.length === 0) throw noLayers(broken, 'it has no TIFF files')
    const configured = options.scale && { nm: options.scale, source: 'datasets.json' }
    return { layers, broken, notes, voxelSize: configured ?? voxelSize! }
  },
}

type Opened = Dataset

/** All pages of one file. */
async function openFile(image: ImageLayer, store: Store, context: OpenContext): Promise<Opened> {
  const { key } = image.slices[0]!
  const reader = await openReader(store, key)
  const { base, baseIfd, slices, levels, notes } = await sortPages(reader)
  const arrangement = await readArrangement(reader, baseIfd, slices.length, key.split('/').at(-1) ?? key)
  const voxelSize = await voxelSizeOf(reader, baseIfd, arrangement)
  const layers: Layer[] = []
  const broken: BrokenLayer[] = []
  for (let channel = 0; channel < arrangement.channels; channel++) {
    const suffix = arrangement.channels > 1 ? `_${arrangement.channelNames[channel] ?? `c${channel}`}` : ''
    for (const { samplePlanes, name } of sampleLayers(base, image.name + suffix)) {
      const mags = levels.map(({ factor, page, ifdOf }): Mag => {
        checkChunkSize(page)
        const id = `${context.id}/${name}/${magLiteral(factor)}`
        const planeAt = (z: number) => {
          const n = arrangement.pageOf(z, channel)
          if (n === undefined) return undefined
          return context.tables.get(
            `${context.id}/${key}/${factor[0]}/${n}`,
            async () => planeOf(reader, await ifdOf(n), page, context),
            planeBytes,
          )
        }
        const parts = {
          id,
          page,
          depth: arrangement.depth,
          samplePlanes,
          planeAt,
          changed: () => context.changed(),
          buffers: context.buffers,
        }
        return { factor, arrays: [new TiffArray(parts)] }
      })
      const presented = present(name, base, arrangement.depth, mags)
      layers.push(...presented.layers)
      broken.push(...presented.broken)
    }
  }
  return { layers, broken, notes: [...notes, ...sampleNotes(base)], voxelSize }
}

/** One file per slice; a z without a file is empty. */
async function openStack(image: ImageLayer, store: Store, context: OpenContext): Promise<Opened> {
  const byZ = new Map(image.slices.map(({ key, z }) => [z, key]))
  const depth = Math.max(...byZ.keys()) + 1
  const first = image.slices[0]!
  const reader = await openReader(store, first.key)
  const ifd = await reader.ifd(reader.firstIfd)
  const page = await readPage(reader, ifd)
  checkChunkSize(page)
  const arrangement = await readArrangement(reader, ifd, 1, first.key.split('/').at(-1) ?? first.key).catch(() => undefined)
  const voxelSize = await voxelSizeOf(
    reader,
    ifd,
    arrangement ?? { source: 'pages', depth, channels: 1, channelNames: [], pageOf: () => 0, voxelSize: [undefined, undefined, undefined] },
  )
  const planeAt = (z: number) => {
    const key = byZ.get(z)
    if (key === undefined) return undefined
    return context.tables.get(
      `${context.id}/${key}`,
      async () => {
        const own = await openReader(store, key)
        return planeOf(own, await own.ifd(own.firstIfd), page, context)
      },
      planeBytes,
    )
  }
  const layers: Layer[] = []
  const broken: BrokenLayer[] = []
  for (const { samplePlanes, name } of sampleLayers(page, image.name)) {
    const parts = {
      id: `${context.id}/${name}/1-1-1`,
      page,
      depth,
      samplePlanes,
      planeAt,
      changed: () => context.changed(),
      buffers: context.buffers,
    }
    const presented = present(name, page, depth, [{ factor: [1, 1, 1], arrays: [new TiffArray(parts)] }])
    layers.push(...presented.layers)
    broken.push(...presented.broken)
  }
  const gaps = depth - byZ.size
  const stack = `${byZ.size} files are one z-stack${gaps > 0 ? `, ${gaps} slices are missing` : ''}`
  return { layers, broken, notes: [stack, ...sampleNotes(page)], voxelSize }
}

async function openReader(store: Store, key: string): Promise<TiffReader> {
  const file = await store.open(key)
  if (!file) throw new Unusable(`${key} is not there any more`)
  return TiffReader.open(file)
}

/** A page that must look like `expected`, for all slices are cut in the same way. */
async function planeOf(reader: TiffReader, ifd: Ifd, expected: Page, context: OpenContext): Promise<Plane> {
  const page = await readPage(reader, ifd)
  if (!sameKind(page, expected)) {
    const say = ({ width, height, samples, dataType }: Page) => `${width}×${height} pixels of ${samples}×${dataType}`
    throw new Unusable(`${reader.file.name}, page at ${ifd.offset}: ${say(page)}, the first slice has ${say(expected)}`)
  }
  if (!cutAlike(page, expected))
    throw new Unusable(`${reader.file.name}, page at ${ifd.offset}: its tiles or strips differ from those of the first slice`)
  return openPlane(reader, ifd, page, context.pool)
}

/** Tiles have to match; rows of strips are put together whatever their height, unless a compressed one would not fit. */
function cutAlike(page: Page, expected: Page): boolean {
  if (page.isTiled !== expected.isTiled) return false
  const raw = page.pipeline.codec === 'raw' && expected.pipeline.codec === 'raw'
  return page.segment.width === expected.segment.width && (page.segment.height === expected.segment.height || (raw && !page.isTiled))
}

/** The layers the samples of a pixel make: one, except for planes that are no colours. */
function sampleLayers(page: Page, name: string): { name: string; samplePlanes: readonly number[] }[] {
  if (!page.planar) return [{ name, samplePlanes: [] }]
  const planes = Array.from({ length: page.served }, (_, n) => n)
  if (page.isRgb && page.dataType === 'uint8') return [{ name, samplePlanes: planes }]
  return planes.map((n) => ({ name: planes.length > 1 ? `${name}_c${n}` : name, samplePlanes: [n] }))
}

const sampleNotes = ({ samples, served, isRgb }: Page): string[] =>
  samples > served
    ? [`${samples - served} extra sample${samples - served > 1 ? 's' : ''} per pixel (${isRgb ? 'alpha' : 'opacity'}) left out`]
    : []

function present(name: string, page: Page, depth: number, mags: readonly Mag[]): { layers: Layer[]; broken: BrokenLayer[] } {
  const size: Vec3 = [page.width, page.height, depth]
  const category = looksLikeSegmentation(name) && page.dataType !== 'float32' && !page.isRgb ? 'segmentation' : 'color'
  return presentLayers({ name, category, boundingBox: boxAt(ZERO, size), mags })
}
