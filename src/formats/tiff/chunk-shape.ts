/** How a page is cut into chunks: a tile, or as many rows of strips as are cheap to read at once. */
import { MAX_CHUNK_BYTES } from '../../volume/chunked-array.ts'
import { Unusable } from '../../volume/errors.ts'
import type { Page } from './page.ts'
import { segmentsDown } from './plane.ts'

/** Strips smaller than this are read together. */
export const LEAST_CHUNK_BYTES = 64 * 1024
/** Uncompressed strips are cut at about this size, however large they are. */
const RAW_CHUNK_BYTES = 512 * 1024

const FIX = 'save it with tiles, as `vips tiffsave IN OUT.tif --tile --pyramid --bigtiff --compression deflate` does'

/** Rows of pixels that make a chunk. Throws `Unusable` where a chunk would be too large to be decoded at once. */
export function chunkRows(page: Page): number {
  const rows = page.isTiled ? page.segment.height : stripRows(page)
  const bytes = rows * rowBytesOf(page)
  if (bytes > MAX_CHUNK_BYTES) {
    const what = page.isTiled ? 'tiles' : page.pipeline.codec === 'raw' ? 'rows of pixels' : 'compressed strips'
    throw new Unusable(`its ${what} have ${bytes} bytes, at most ${MAX_CHUNK_BYTES} are decoded at once: ${FIX}`)
  }
  return rows
}

const rowBytesOf = ({ rowBytes, planar, served, samples }: Page): number =>
  planar ? Math.max(rowBytes.stored, rowBytes.served * Math.min(served, samples)) : Math.max(rowBytes.stored, rowBytes.served)

function stripRows(page: Page): number {
  const rowBytes = rowBytesOf(page)
  const strip = page.segment.height
  if (page.pipeline.codec === 'raw') return Math.min(page.height, Math.max(1, Math.floor(RAW_CHUNK_BYTES / rowBytes)))
  return strip * Math.min(segmentsDown(page), Math.max(1, Math.ceil(LEAST_CHUNK_BYTES / (strip * rowBytes))))
}
