/** Reads and decodes one tile, or one compressed strip. */
import { CodecError } from '../../../codecs/codec.ts'
import type { Buffers } from '../../cache/buffers.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { always, chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { LEAST_CHUNK_BYTES } from './chunk-shape.ts'
import type { Page } from './page.ts'
import { isRaw, type Plane } from './plane.ts'

/**
 * Fills `target` with tile or strip `n`, of which `rows` rows must be there. False where it is sparse: no bytes are stored for it.
 * `firstRow`: of uncompressed ones, where to begin.
 */
export function readSegment(
  plane: Plane,
  n: number,
  rows: number,
  target: Uint8Array,
  buffers: Buffers,
  firstRow = 0,
): MaybePromise<boolean> {
  const { offsets, byteCounts, page } = plane
  const read = page.pipeline.codec === 'raw' ? readPlain : readCompressed
  return chain(byteCounts.at(n), (length) => {
    if (length === 0) return false
    return chain(offsets.at(n), (offset) =>
      chain(read(plane, n, offset + plane.shift, length, rows, target, buffers, firstRow), () => true),
    )
  })
}

type Read = (
  plane: Plane,
  n: number,
  offset: number,
  length: number,
  rows: number,
  target: Uint8Array,
  buffers: Buffers,
  firstRow: number,
) => MaybePromise<void>

const readPlain: Read = ({ page, file, decoder }, n, offset, length, rows, target, buffers, firstRow) => {
  const skipped = firstRow * page.rowBytes.stored
  const needed = rows * page.rowBytes.stored
  if (length < skipped + needed) throw corrupt(file.name, page, n, `${length} bytes instead of ${skipped + needed}`)
  if (isRaw(page)) return file.read(target.subarray(0, needed), offset + skipped)
  return withBuffer(buffers, needed, (source) =>
    chain(file.read(source, offset + skipped), () => decoder.decode(source, target.subarray(0, rows * page.rowBytes.served))),
  )
}

const readCompressed: Read = ({ page, file, decoder }, n, offset, length, rows, target, buffers) => {
  const fail = (cause: string) => corrupt(file.name, page, n, cause)
  if (offset + length > file.size) throw fail(`its ${length} bytes lie at ${offset}, the file ends at ${file.size}`)
  // no codec here makes its input twice as large
  const decoded = page.segment.height * page.rowBytes.stored
  if (length > 2 * decoded + LEAST_CHUNK_BYTES) throw fail(`claims ${length} compressed bytes for ${decoded} decoded ones`)
  return withBuffer(buffers, length, (source) =>
    chain(file.read(source, offset), () =>
      recover<void>(
        () => decoder.decode(source, target, rows * page.rowBytes.served),
        (error) => {
          throw error instanceof CodecError ? fail(error.message) : error
        },
      ),
    ),
  )
}

const corrupt = (file: string, { isTiled }: Page, n: number, cause: string): CorruptChunk =>
  new CorruptChunk({ file, chunk: `${isTiled ? 'tile' : 'strip'} ${n}`, cause })

/** Lends a buffer for compressed bytes. */
export function withBuffer<T>(buffers: Buffers, bytes: number, work: (buffer: Uint8Array) => MaybePromise<T>): MaybePromise<T> {
  return chain(buffers.take(bytes), (buffer) =>
    always(
      () => work(buffer.subarray(0, bytes)),
      () => buffers.giveBack(buffer),
    ),
  )
}
