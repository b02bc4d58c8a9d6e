/** Reads and decodes one tile, or one compressed strip. */
import { CodecError } from '../../../codecs/codec.ts'
import type { Buffers } from '../../cache/buffers.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { always, chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { LEAST_CHUNK_BYTES } from './chunk-shape.ts'
import { isRaw, type Plane } from './plane.ts'

/** Fills `target` with tile or strip `n`, of which `rows` rows must be there. False where it is sparse: no bytes are stored for it. */
export function readSegment(plane: Plane, n: number, rows: number, target: Uint8Array, buffers: Buffers): MaybePromise<boolean> {
  const { offsets, byteCounts } = plane
  return chain(byteCounts.at(n), (length) =>
    length === 0 ? false : chain(offsets.at(n), (offset) => decodeAt(plane, n, offset + plane.shift, length, rows, target, buffers)),
  )
}

function decodeAt(
  { page, file, decoder }: Plane,
  n: number,
  offset: number,
  length: number,
  rows: number,
  target: Uint8Array,
  buffers: Buffers,
): MaybePromise<boolean> {
  const corrupt = (cause: string) => new CorruptChunk({ file: file.name, chunk: `${page.isTiled ? 'tile' : 'strip'} ${n}`, cause })
  if (offset + length > file.size && page.pipeline.codec !== 'raw')
    throw corrupt(`its ${length} bytes lie at ${offset}, the file ends at ${file.size}`)
  const least = rows * page.rowBytes.served
  if (page.pipeline.codec === 'raw') {
    const needed = rows * page.rowBytes.stored
    if (length < needed) throw corrupt(`${length} bytes instead of ${needed}`)
    if (isRaw(page)) return chain(file.read(target.subarray(0, needed), offset), () => true)
    length = needed
  }
  // no codec here makes its input twice as large
  const most = 2 * page.segment.height * page.rowBytes.stored + LEAST_CHUNK_BYTES
  if (length > most) throw corrupt(`claims ${length} compressed bytes for ${page.segment.height * page.rowBytes.stored} decoded ones`)
  return withBuffer(buffers, length, (source) =>
    chain(file.read(source, offset), () =>
      recover(
        () => chain(decoder.decode(source, page.pipeline.codec === 'raw' ? target.subarray(0, least) : target, least), () => true),
        (error) => {
          throw error instanceof CodecError ? corrupt(error.message) : error
        },
      ),
    ),
  )
}

/** Lends a buffer for compressed bytes. */
export function withBuffer<T>(buffers: Buffers, bytes: number, work: (buffer: Uint8Array) => MaybePromise<T>): MaybePromise<T> {
  return chain(buffers.take(bytes), (buffer) =>
    always(
      () => work(buffer.subarray(0, bytes)),
      () => buffers.giveBack(buffer),
    ),
  )
}
