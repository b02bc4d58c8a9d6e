/** What discovery has to know about a file before it belongs to a dataset: can it be a slice, how large is it, whose set is it in. */
import type { Store } from '../../stores/store.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { Tag } from './ifd.ts'
import { ifdAt } from './levels.ts'
import { folderOf, openReader, readSeries } from './metadata.ts'
import { readPage } from './page.ts'
import { isPicture, readPicture } from './picture.ts'
import { TiffReader } from './reader.ts'
import { isOme, parseOme } from './series/ome.ts'
import { omeMembers } from './series/ome-series.ts'

export interface Probe {
  readonly isSinglePage: boolean
  /** The same for files that can be slices of one volume. */
  readonly kind: string
}

/** Undefined where the first page cannot be understood: such a file stands alone and says why when it is opened. */
export async function probe(store: Store, key: string): Promise<Probe | undefined> {
  try {
    const file = await store.open(key)
    if (!file) return undefined
    const kindOf = ({ width, height, samples, dataType }: { width: number; height: number; samples: number; dataType: string }) =>
      `${width}×${height} ${samples}×${dataType}`
    if (isPicture(key)) return { isSinglePage: true, kind: kindOf(await readPicture(file)) }
    const reader = await TiffReader.open(file)
    const ifd = await reader.ifd(reader.firstIfd)
    const page = await readPage(reader, ifd)
    return { isSinglePage: ifd.next === 0, kind: kindOf(page) }
  } catch {
    return undefined
  }
}

/** Voxels along x, y, z; undefined where the file cannot be opened. */
export async function extentOf(store: Store, key: string): Promise<Vec3 | undefined> {
  try {
    const { pages, all } = await readSeries(store, key, {})
    const { series } = all[0]!
    const { reader } = series.first.file === undefined ? pages! : { reader: await openReader(store, series.first.file) }
    const { width, height } = await readPage(
      reader,
      series.first.file === undefined ? await ifdAt(pages!, series.first.page) : await reader.ifd(reader.firstIfd),
    )
    return [width, height, series.depth]
  } catch {
    return undefined
  }
}

/** The other files of the set an OME-TIFF or companion file describes: names in its own folder. None where it stands alone. */
export async function setOf(store: Store, key: string): Promise<string[]> {
  try {
    const own = key.slice(folderOf(key).length)
    let xml: string
    if (/\.companion\.ome$/i.test(key)) xml = new TextDecoder().decode((await store.get(key)) ?? new Uint8Array())
    else {
      const reader = await openReader(store, key)
      const ifd = await reader.load(await reader.ifd(reader.firstIfd), [Tag.ImageDescription])
      xml = ifd.text(Tag.ImageDescription) ?? ''
    }
    return isOme(xml) ? omeMembers(parseOme(xml)).filter((name) => name !== own) : []
  } catch {
    return []
  }
}
