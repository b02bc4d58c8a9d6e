/**
 * One mag of a TIFF layer: pages on top of each other along z. A chunk is a tile, or as many rows of strips as are cheap to read at
 * once. Rows of uncompressed strips are read as they are needed, however large the strip is.
 */
import { CodecError } from '../../../codecs/codec.ts'
import type { Buffers } from '../../cache/buffers.ts'
import { FileChanged } from '../../stores/store.ts'
import { type Box, boxAt } from '../../volume/box.ts'
import { type ChunkedArray, MAX_CHUNK_BYTES } from '../../volume/chunked-array.ts'
import { type DataType, sampleBytes } from '../../volume/data-type.ts'
import { CorruptChunk, Unusable, UpstreamError } from '../../volume/errors.ts'
import { always, chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { type Vec3, ZERO } from '../../volume/vec.ts'
import type { Page } from './page.ts'
import { type Plane, segmentsAcross, segmentsDown, storedRowBytes } from './plane.ts'

/** Strips smaller than this are read together. */
const LEAST_CHUNK_BYTES = 64 * 1024
/** Uncompressed strips are cut at about this size. */
const RAW_CHUNK_BYTES = 512 * 1024

export interface TiffArrayParts {
  readonly id: string
  /** Layout all pages share. */
  readonly page: Page
  readonly depth: number
  /** Planar files: the sample planes that make up the voxel. Else empty. */
  readonly samplePlanes: readonly number[]
  /** The page at a z; undefined where a slice is absent from a stack. */
  planeAt(z: number): MaybePromise<Plane | undefined>
  /** Called when a file is found to be replaced: what was read from it no longer holds. */
  changed(): void
  readonly buffers: Buffers
}

export class TiffArray implements ChunkedArray {
  readonly id: string
  readonly dataType: DataType
  readonly channels: number
  readonly box: Box
  readonly gridOrigin = ZERO
  readonly chunkSize: Vec3
  readonly #parts: TiffArrayParts
  /** Samples per pixel of what is decoded at once. */
  readonly #stored: number

  constructor(parts: TiffArrayParts) {
    const { page, depth, samplePlanes } = parts
    this.#parts = parts
    this.id = parts.id
    this.dataType = page.dataType
    this.channels = page.planar ? samplePlanes.length : page.served
    this.#stored = page.planar ? 1 : page.samples
    this.box = boxAt(ZERO, [page.width, page.height, depth])
    this.chunkSize = [page.segment.width, page.isTiled ? page.segment.height : rowsPerChunk(page), 1]
  }

  /** Throws `CorruptChunk` naming file and tile or strip, or `UpstreamError`. */
  readChunk(index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    return recover(
      () => this.#read(index, target),
      (error) => {
        if (!(error instanceof FileChanged)) throw error
        this.#parts.changed()
        throw new UpstreamError({ cause: error.message })
      },
    )
  }

  #read(index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    return chain(this.#parts.planeAt(index[2]), (plane) => {
      if (!plane) return false
      const { planar, served } = plane.page
      if (planar && this.channels > 1) return this.#interleavePlanes(plane, index, target)
      if (planar) return this.#decode(plane, this.#parts.samplePlanes[0]!, index, target)
      if (served === this.#stored) return this.#decode(plane, 0, index, target)
      const all = new Uint8Array((target.length / served) * this.#stored)
      return chain(this.#decode(plane, 0, index, all), (stored) => {
        if (stored) copySamples(all, this.#stored, 0, target, served, 0, served, sampleBytes(this.dataType))
        return stored
      })
    })
  }

  #interleavePlanes(plane: Plane, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const samples = this.#parts.samplePlanes
    const one = new Uint8Array(target.length / samples.length)
    let found = false
    const next = (n: number): MaybePromise<boolean> => {
      if (n === samples.length) return found
      one.fill(0)
      return chain(this.#decode(plane, samples[n]!, index, one), (stored) => {
        found ||= stored
        copySamples(one, 1, 0, target, samples.length, n, 1, sampleBytes(this.dataType))
        return next(n + 1)
      })
    }
    return next(0)
  }

  /** Fills `target` with one chunk of one sample plane, all stored samples. */
  #decode(plane: Plane, samplePlane: number, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const { page } = plane
    const base = samplePlane * segmentsAcross(page) * segmentsDown(page)
    if (page.isTiled) return this.#decodeSegment(plane, base + index[1] * segmentsAcross(page) + index[0], page.segment.height, target)
    const start = index[1] * this.chunkSize[1]
    const end = Math.min(start + this.chunkSize[1], page.height)
    if (page.pipeline.codec === 'raw') return this.#readRows(plane, base, start, end, target)
    const strip = page.segment.height
    const rowBytes = storedRowBytes(page)
    let found = false
    const next = (row: number): MaybePromise<boolean> => {
      if (row >= end) return found
      const part = target.subarray((row - start) * rowBytes, (row - start + strip) * rowBytes)
      return chain(this.#decodeSegment(plane, base + row / strip, Math.min(strip, page.height - row), part), (stored) => {
        if (!stored) part.fill(0)
        found ||= stored
        return next(row + strip)
      })
    }
    return next(start)
  }

  /** Decodes tile or strip `n`, of which `rows` rows must be there. False where it is sparse: no bytes are stored for it. */
  #decodeSegment(plane: Plane, n: number, rows: number, target: Uint8Array): MaybePromise<boolean> {
    const { page, file, decoder } = plane
    const length = plane.byteCounts[n]!
    const offset = plane.offsets[n]!
    if (length === 0) return false
    const least = rows * storedRowBytes(page)
    const corrupt = (cause: string) => new CorruptChunk({ file: file.name, chunk: `${page.isTiled ? 'tile' : 'strip'} ${n}`, cause })
    if (page.pipeline.codec === 'raw' && !page.pipeline.filters?.length) {
      if (length < least) throw corrupt(`${length} bytes instead of ${least}`)
      return chain(file.read(target.subarray(0, least), offset), () => true)
    }
    // no codec here makes its input twice as large
    const most = 2 * target.length + LEAST_CHUNK_BYTES
    if (length > most) throw corrupt(`claims ${length} compressed bytes for ${target.length} decoded ones`)
    return this.#withBuffer(length, (source) =>
      chain(file.read(source, offset), () =>
        recover(
          () => chain(decoder.decode(source, target, least), () => true),
          (error) => {
            throw error instanceof CodecError ? corrupt(error.message) : error
          },
        ),
      ),
    )
  }

  /** Uncompressed strips: the rows asked for, read in runs that lie behind one another in the file. */
  #readRows(plane: Plane, base: number, start: number, end: number, target: Uint8Array): MaybePromise<boolean> {
    const { page, file, decoder } = plane
    const rowBytes = storedRowBytes(page)
    const runs = contiguousRuns(plane, base, start, end)
    if (runs.length === 0) return false
    const bytes = (end - start) * rowBytes
    const readAll = (into: Uint8Array): MaybePromise<void> => {
      const next = (n: number): MaybePromise<void> => {
        const run = runs[n]
        if (!run) return
        return chain(file.read(into.subarray(run.at, run.at + run.length), run.offset), () => next(n + 1))
      }
      return next(0)
    }
    const isSparse = runs.reduce((sum, run) => sum + run.length, 0) < bytes
    const into = target.subarray(0, bytes)
    if (isSparse) into.fill(0)
    if (!page.pipeline.filters?.length) return chain(readAll(into), () => true)
    return this.#withBuffer(bytes, (source) => {
      if (isSparse) source.fill(0)
      return chain(readAll(source), () => chain(decoder.decode(source, into), () => true))
    })
  }

  #withBuffer<T>(bytes: number, work: (buffer: Uint8Array) => MaybePromise<T>): MaybePromise<T> {
    const { buffers } = this.#parts
    return chain(buffers.take(bytes), (buffer) =>
      always(
        () => work(buffer.subarray(0, bytes)),
        () => buffers.giveBack(buffer),
      ),
    )
  }
}

/** Rows of strips that make a chunk. Throws `Unusable` where a compressed strip is too large to be decoded at once. */
function rowsPerChunk(page: Page): number {
  const rowBytes = storedRowBytes(page)
  const strip = page.segment.height
  if (page.pipeline.codec === 'raw') {
    if (rowBytes > MAX_CHUNK_BYTES)
      throw new Unusable(`one row of pixels has ${rowBytes} bytes, at most ${MAX_CHUNK_BYTES} are read at once`)
    return Math.min(page.height, Math.max(1, Math.floor(RAW_CHUNK_BYTES / rowBytes)))
  }
  return strip * Math.min(segmentsDown(page), Math.max(1, Math.ceil(LEAST_CHUNK_BYTES / (strip * rowBytes))))
}

/** Throws `Unusable` where a chunk of this page would be too large. */
export function checkChunkSize(page: Page): void {
  const rows = page.isTiled ? page.segment.height : rowsPerChunk(page)
  const bytes = rows * storedRowBytes(page)
  if (bytes > MAX_CHUNK_BYTES) {
    throw new Unusable(
      `its ${page.isTiled ? 'tiles' : 'compressed strips'} have ${bytes} bytes, at most ${MAX_CHUNK_BYTES} are decoded at once: save it with tiles of 256×256`,
    )
  }
}

interface Run {
  readonly offset: number
  /** Where in the chunk. */
  readonly at: number
  length: number
}

function contiguousRuns({ page, offsets, byteCounts, file }: Plane, base: number, start: number, end: number): Run[] {
  const rowBytes = storedRowBytes(page)
  const runs: Run[] = []
  for (let row = start; row < end; ) {
    const strip = Math.floor(row / page.segment.height)
    const within = row - strip * page.segment.height
    const rows = Math.min(page.segment.height - within, end - row)
    const available = byteCounts[base + strip]!
    const needed = (within + rows) * rowBytes
    if (available !== 0) {
      if (available < needed)
        throw new CorruptChunk({ file: file.name, chunk: `strip ${base + strip}`, cause: `${available} bytes instead of ${needed}` })
      const offset = offsets[base + strip]! + within * rowBytes
      const at = (row - start) * rowBytes
      const last = runs.at(-1)
      if (last && last.offset + last.length === offset && last.at + last.length === at) last.length += rows * rowBytes
      else runs.push({ offset, at, length: rows * rowBytes })
    }
    row += rows
  }
  return runs
}

/** Moves `count` neighbouring samples of every pixel from one interleaving to another. */
function copySamples(
  from: Uint8Array,
  fromSamples: number,
  fromFirst: number,
  to: Uint8Array,
  toSamples: number,
  toFirst: number,
  count: number,
  bytes: number,
): void {
  const length = count * bytes
  let source = fromFirst * bytes
  for (let target = toFirst * bytes; target < to.length; target += toSamples * bytes, source += fromSamples * bytes) {
    for (let b = 0; b < length; b++) to[target + b] = from[source + b]!
  }
}
