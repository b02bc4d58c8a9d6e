/**
 * Many planes behind one another with a directory for the first only: ImageJ beyond 4 GB, and tifffile where it is told to truncate.
 * Planes are found by counting bytes, so they must be uncompressed and follow without a gap.
 */
import { Unusable } from '../../../volume/errors.ts'
import type { Ifd } from '../ifd.ts'
import { Tag } from '../ifd.ts'
import type { Page } from '../page.ts'
import { segmentCount } from '../plane.ts'
import type { TiffReader } from '../reader.ts'
import { tableOf } from '../table.ts'

export const bytesOfPlane = (page: Page): number => page.height * page.rowBytes.stored * (page.planar ? page.samples : 1)

/** How many of `count` planes are in the file. Throws `Unusable` where they cannot lie behind one another. */
export async function contiguousPlanes(reader: TiffReader, ifd: Ifd, page: Page, count: number): Promise<number> {
  const refuse = (why: string) =>
    new Unusable(`a stack of ${count} images with a directory for the first only, but ${why}: save it again as BigTIFF`)
  if (page.pipeline.codec !== 'raw') throw refuse('it is compressed')
  if (page.isTiled) throw refuse('it is cut into tiles')
  const offsets = tableOf(ifd, Tag.StripOffsets, reader.file)
  if (!offsets) throw refuse('it does not say where it lies')
  const strips = segmentCount(page)
  const start = await offsets.at(0)
  const stripBytes = page.segment.height * page.rowBytes.stored
  if (strips > 1 && !page.planar && (await offsets.at(strips - 1)) !== start + (strips - 1) * stripBytes)
    throw refuse('its strips lie apart')
  return Math.min(count, Math.max(1, Math.floor((reader.file.size - start) / bytesOfPlane(page))))
}
