/** How a page is cut into chunks: a tile, or as many rows of strips as are cheap to read at once. */
import { MAX_CHUNK_BYTES } from '../../volume/chunked-array.ts'
import { Unusable } from '../../volume/errors.ts'
import type { Page } from './page.ts'
import { segmentsDown } from './plane.ts'

/** Strips smaller than this are read together. */
export const LEAST_CHUNK_BYTES = 64 * 1024
/** Uncompressed strips are cut at about this size, however large they are. */
const RAW_CHUNK_BYTES = 512 * 1024
/** Those of a local file into smaller pieces, and tiles, too: few buckets want all of one, and a read costs little. */
const NEAR_STRIP_BYTES = 64 * 1024
const LEAST_RAW_ROWS = 32
const LEAST_RAW_BYTES = 16 * 1024

const FIX = 'save it with tiles, as `vips tiffsave IN OUT.tif --tile --pyramid --bigtiff --compression deflate` does'

/**
 * Rows of pixels that make a chunk. Throws `Unusable` where a chunk would be too large to be decoded at once. `isFar`: each read takes
 * a round trip.
 */
export function chunkRows(page: Page, isFar: boolean): number {
  const rows = page.isTiled ? tileRows(page, isFar) : stripRows(page, isFar)
  const bytes = rows * rowBytesOf(page)
  if (bytes > MAX_CHUNK_BYTES) {
    const what = page.isTiled ? 'tiles' : page.pipeline.codec === 'raw' ? 'rows of pixels' : 'compressed strips'
    throw new Unusable(`its ${what} have ${bytes} bytes, at most ${MAX_CHUNK_BYTES} are decoded at once: ${FIX}`)
  }
  return rows
}

const rowBytesOf = ({ rowBytes, planar, served, samples }: Page): number =>
  planar ? Math.max(rowBytes.stored, rowBytes.served * Math.min(served, samples)) : Math.max(rowBytes.stored, rowBytes.served)

function stripRows(page: Page, isFar: boolean): number {
  const rowBytes = rowBytesOf(page)
  const strip = page.segment.height
  if (page.pipeline.codec === 'raw') {
    const most = Math.max(1, Math.floor(RAW_CHUNK_BYTES / rowBytes))
    const enough = Math.max(LEAST_RAW_ROWS, Math.floor(NEAR_STRIP_BYTES / rowBytes))
    return Math.min(page.height, isFar ? most : Math.min(most, enough))
  }
  return strip * Math.min(segmentsDown(page), Math.max(1, Math.ceil(LEAST_CHUNK_BYTES / (strip * rowBytes))))
}

function tileRows(page: Page, isFar: boolean): number {
  let rows = page.segment.height
  if (isFar || page.pipeline.codec !== 'raw') return rows
  while (rows % 2 === 0 && rows / 2 >= LEAST_RAW_ROWS && (rows / 2) * page.rowBytes.stored >= LEAST_RAW_BYTES) rows /= 2
  return rows
}
