/** What discovery has to know about a TIFF before it belongs to a dataset: can it be a slice, how large is it. */
import type { Store } from '../../stores/store.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { TiffReader } from './ifd.ts'
import { readArrangement } from './metadata.ts'
import { readPage } from './page.ts'
import { sortPages } from './pages.ts'

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
    const reader = await TiffReader.open(file)
    const ifd = await reader.ifd(reader.firstIfd)
    const { width, height, samples, dataType } = await readPage(reader, ifd)
    return { isSinglePage: ifd.next === 0, kind: `${width}×${height} ${samples}×${dataType}` }
  } catch {
    return undefined
  }
}

/** Voxels along x, y, z; undefined where the file cannot be opened. */
export async function extentOf(store: Store, key: string): Promise<Vec3 | undefined> {
  try {
    const file = await store.open(key)
    if (!file) return undefined
    const reader = await TiffReader.open(file)
    const { base, baseIfd, slices } = await sortPages(reader)
    const { depth } = await readArrangement(reader, baseIfd, slices.length, key)
    return [base.width, base.height, depth]
  } catch {
    return undefined
  }
}
