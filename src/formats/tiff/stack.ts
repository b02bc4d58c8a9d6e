/** One file per slice: TIFF, PNG or JPEG. A z without a file is empty. */
import { CodecError } from '../../../codecs/codec.ts'
import type { Readable, Store } from '../../stores/store.ts'
import type { Dataset } from '../../volume/chunked-array.ts'
import { CorruptChunk, Unusable } from '../../volume/errors.ts'
import type { ImageLayer, OpenContext } from '../format.ts'
import type { LayerSettings } from './config.ts'
import type { Ifd } from './ifd.ts'
import { Tag } from './ifd.ts'
import { volumeLayers } from './layers.ts'
import { DESCRIPTION_TAGS, voxelSizeOf } from './metadata.ts'
import { type Page, type PageOptions, readPage } from './page.ts'
import { isPicture, openPicture, readPicture } from './picture.ts'
import { Decoders, openPlane, type Plane, planeBytes } from './plane.ts'
import { TiffReader } from './reader.ts'
import { checkAlike } from './same.ts'
import { isOme, parseOme } from './series/ome.ts'
import { NO_SIZE } from './series/series.ts'

export async function openStack(
  image: ImageLayer,
  store: Store,
  options: PageOptions,
  settings: ReadonlyMap<string, LayerSettings>,
  context: OpenContext,
): Promise<Dataset> {
  const byZ = new Map(image.slices.map(({ key, z }) => [z, key]))
  const depth = Math.max(...byZ.keys()) + 1
  const first = image.slices[0]!
  const firstFile = await store.open(first.key)
  if (!firstFile) throw new Unusable(`${first.key} is not there any more`)
  const { page, ifd, reader } = await slicePage(first.key, firstFile, options)
  const decoders = new Decoders(context.pool)
  const versions = new Map<string, string>()
  const open = async (key: string): Promise<Plane | undefined> => {
    const file = await store.open(key)
    if (!file) return undefined
    // a slice that was closed meanwhile and replaced: what is cached of it does not go together with what is read now
    const known = versions.get(key)
    if (known !== undefined && known !== file.version) context.changed()
    versions.set(key, file.version)
    const own = await slicePage(key, file, options)
    checkAlike(own.page, page, key)
    return own.ifd ? openPlane(file, own.ifd, own.page, decoders) : openPicture(file, own.page, decoders)
  }
  const volume = {
    name: image.name,
    depth,
    channels: [{}],
    times: 1,
    levels: [{ factor: [1, 1, 1] as const, page }],
    isFar: reader?.isFar ?? false,
    planeAt: (_: number, z: number) => {
      const key = byZ.get(z)
      return key === undefined ? undefined : context.tables.get(`${context.id}/${key}`, () => open(key), planeBytes)
    },
  }
  const { layers, broken } = volumeLayers(volume, settings, context)
  const gaps = depth - byZ.size
  const stack = `${byZ.size} files are one z-stack${gaps > 0 ? `, ${gaps} slices are missing` : ''}`
  return { layers, broken, notes: [stack, ...(image.notes ?? []), ...page.notes], voxelSize: voxelSize(ifd, depth) }
}

async function slicePage(key: string, file: Readable, options: PageOptions): Promise<{ page: Page; ifd?: Ifd; reader?: TiffReader }> {
  if (isPicture(key)) {
    const page = await readPicture(file).catch((error) => {
      throw error instanceof CodecError ? new CorruptChunk({ file: file.name, cause: error.message }) : error
    })
    return { page }
  }
  const reader = await TiffReader.open(file)
  const ifd = await reader.load(await reader.ifd(reader.firstIfd), DESCRIPTION_TAGS)
  return { page: await readPage(reader, ifd, options), ifd, reader }
}

function voxelSize(ifd: Ifd | undefined, depth: number): Dataset['voxelSize'] {
  if (!ifd) return { nm: [1, 1, 1], source: 'guessed: nothing in the files says how large a voxel is' }
  const description = ifd.text(Tag.ImageDescription) ?? ''
  const ome = isOme(description) ? parseOme(description).images[0] : undefined
  return voxelSizeOf(ifd, { voxelSize: ome?.voxelSize ?? NO_SIZE, depth, source: ome ? 'OME' : 'pages' })
}
