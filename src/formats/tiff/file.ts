/** The layers of one file, or of a set of files that one of them describes. */
import type { Store } from '../../stores/store.ts'
import type { BrokenLayer, Dataset, Layer, VoxelSize } from '../../volume/chunked-array.ts'
import type { ImageLayer, OpenContext } from '../format.ts'
import type { LayerSettings } from './config.ts'
import { volumeLayers } from './layers.ts'
import { findLevels, ifdAt, type Level } from './levels.ts'
import { DESCRIPTION_TAGS, type Described, openReader, readSeries, type SeriesOptions, voxelSizeOf } from './metadata.ts'
import { readPage } from './page.ts'
import { Pages } from './pages.ts'
import { Decoders, openPlane, type Plane, planeBytes } from './plane.ts'
import { checkAlike } from './same.ts'
import type { PlaneAddress } from './series/series.ts'

export async function openFile(
  image: ImageLayer,
  store: Store,
  options: SeriesOptions,
  settings: ReadonlyMap<string, LayerSettings>,
  context: OpenContext,
): Promise<Dataset> {
  const { key } = image.slices[0]!
  const { pages: own, all, notes } = await readSeries(store, key, options)
  const pagesOf = async (file: string | undefined): Promise<Pages | undefined> => {
    if (file === undefined) return own
    return context.tables.get(
      `${context.id}/${file}/pages`,
      async () => ((await store.open(file)) ? new Pages(await openReader(store, file)) : undefined),
      () => 1024,
    )
  }
  const layers: Layer[] = []
  const broken: BrokenLayer[] = []
  const said = new Set(notes)
  let voxelSize: VoxelSize | undefined
  for (const described of all) {
    const { series, base, others, suffix } = described
    const pages = (await pagesOf(series.first.file))!
    const { levels, notes: left } = await findLevels(pages, series.first.page, base, others, options)
    const name = suffix === undefined ? image.name : `${image.name}_${suffix}`
    const opener = planeOpener(described, levels, key, pagesOf, options, context)
    const volume = {
      name,
      depth: series.depth,
      channels: series.channels,
      times: series.times,
      levels,
      isFar: pages.reader.isFar,
      planeAt: opener,
    }
    const made = volumeLayers(volume, settings, context)
    layers.push(...made.layers)
    broken.push(...made.broken)
    for (const note of [...series.notes, ...left, ...levels[0]!.page.notes]) said.add(note)
    voxelSize ??= voxelSizeOf(await pages.reader.load(await ifdAt(pages, series.first.page), DESCRIPTION_TAGS), series)
  }
  return { layers, broken, notes: [...said], voxelSize: voxelSize! }
}

function planeOpener(
  { series, planeBytes: stride }: Described,
  levels: readonly Level[],
  key: string,
  pagesOf: (file: string | undefined) => Promise<Pages | undefined>,
  options: SeriesOptions,
  context: OpenContext,
) {
  const decoders = new Decoders(context.pool)
  const open = async (level: Level, { file, page: n, behind }: PlaneAddress): Promise<Plane | undefined> => {
    const pages = await pagesOf(file)
    if (!pages) return undefined
    const { reader, ifd } = await level.find(pages, n)
    const page = await readPage(reader, ifd, options)
    checkAlike(page, level.page, `page ${n + 1}`)
    return openPlane(reader.file, ifd, page, decoders, behind * stride)
  }
  const kind = options.isSegmentation ? 'ids' : 'grey'
  return (at: number, z: number, channel: number, time: number) => {
    const address = series.planeOf(z, channel, time)
    if (!address) return undefined
    const level = levels[at]!
    const id = `${context.id}/${address.file ?? key}/${kind}/${level.factor[0]}/${address.page}/${address.behind}`
    return context.tables.get(id, () => open(level, address), planeBytes)
  }
}
