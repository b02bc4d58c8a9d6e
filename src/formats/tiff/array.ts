/** One mag of a TIFF layer: pages on top of each other along z. A chunk is a tile, or some rows of strips. */
import type { Buffers } from '../../cache/buffers.ts'
import { FileChanged } from '../../stores/store.ts'
import { type Box, boxAt } from '../../volume/box.ts'
import type { ChunkedArray } from '../../volume/chunked-array.ts'
import { type DataType, sampleBytes } from '../../volume/data-type.ts'
import { CorruptChunk, messageOf, Unusable, UpstreamError } from '../../volume/errors.ts'
import { chain, each, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { type Vec3, ZERO } from '../../volume/vec.ts'
import { chunkRows } from './chunk-shape.ts'
import type { Page } from './page.ts'
import { type Plane, segmentsAcross, segmentsDown } from './plane.ts'
import { readRows } from './rows.ts'
import { readSegment } from './segment.ts'

export interface TiffArrayParts {
  readonly id: string
  /** Layout all pages share. */
  readonly page: Page
  readonly depth: number
  /** Each read of the file takes a round trip. */
  readonly isFar: boolean
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

  /** Throws `Unusable` where a chunk would be too large. */
  constructor(parts: TiffArrayParts) {
    const { page, depth, isFar, samplePlanes } = parts
    this.#parts = parts
    this.id = parts.id
    this.dataType = page.dataType
    this.channels = page.planar ? samplePlanes.length : page.served
    this.box = boxAt(ZERO, [page.width, page.height, depth])
    this.chunkSize = [page.segment.width, chunkRows(page, isFar), 1]
  }

  /** Throws `CorruptChunk` naming file and tile or strip, or `UpstreamError`. */
  readChunk(index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    return recover(
      () => chain(this.#parts.planeAt(index[2]), (plane) => (plane ? this.#readPlane(plane, index, target) : false)),
      (error) => {
        // a page beyond the first that is not like it: its voxels cannot be shown
        if (error instanceof Unusable) throw new CorruptChunk({ cause: messageOf(error) })
        if (!(error instanceof FileChanged)) throw error
        this.#parts.changed()
        throw new UpstreamError({ cause: error.message })
      },
    )
  }

  #readPlane(plane: Plane, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const { samplePlanes } = this.#parts
    const { planar } = plane.page
    if (planar && this.channels > 1) return this.#interleavePlanes(plane, index, target)
    return chain(this.#readSamples(plane, planar ? samplePlanes[0]! : 0, index, target), (stored) => {
      const { noData } = plane.page
      if (stored || !noData) return stored
      fillWith(target, this.dataType, noData)
      return true
    })
  }

  #interleavePlanes(plane: Plane, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const { samplePlanes } = this.#parts
    const one = new Uint8Array(target.length / samplePlanes.length)
    const size = sampleBytes(this.dataType)
    let found = false
    const done = each(samplePlanes, (samplePlane, n) => {
      one.fill(0)
      return chain(this.#readSamples(plane, samplePlane, index, one), (stored) => {
        found ||= stored
        for (let from = 0, to = n * size; from < one.length; from += size, to += samplePlanes.length * size)
          for (let b = 0; b < size; b++) target[to + b] = one[from + b]!
      })
    })
    return chain(done, () => found)
  }

  /** Fills `target` with one chunk of one sample plane. */
  #readSamples(plane: Plane, samplePlane: number, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    const { page } = plane
    const { buffers } = this.#parts
    const base = samplePlane * segmentsAcross(page) * segmentsDown(page)
    const rows = this.chunkSize[1]
    if (page.isTiled) {
      const perTile = page.segment.height / rows
      const tile = base + Math.floor(index[1] / perTile) * segmentsAcross(page) + index[0]
      return readSegment(plane, tile, rows, target, buffers, (index[1] % perTile) * rows)
    }
    const start = index[1] * rows
    const end = Math.min(start + rows, page.height)
    if (page.pipeline.codec === 'raw') return readRows(plane, base, start, end, target, buffers)
    const strip = page.segment.height
    const rowBytes = page.rowBytes.served
    let found = false
    const strips = Array.from({ length: Math.ceil((end - start) / strip) }, (_, n) => start + n * strip)
    const done = each(strips, (row) => {
      const part = target.subarray((row - start) * rowBytes, (row - start + strip) * rowBytes)
      return chain(readSegment(plane, base + row / strip, Math.min(strip, page.height - row), part, buffers), (stored) => {
        if (!stored) part.fill(0)
        found ||= stored
      })
    })
    return chain(done, () => found)
  }
}

/** Sparse tiles of a file that has a number for nothing hold that number. */
function fillWith(target: Uint8Array, type: DataType, value: number): void {
  const voxel = Buffer.alloc(sampleBytes(type))
  if (type === 'float32') voxel.writeFloatLE(value)
  else if (type.startsWith('uint')) voxel.fill(Buffer.from(new BigUint64Array([BigInt(value)]).buffer).subarray(0, voxel.length))
  else voxel.fill(Buffer.from(new BigInt64Array([BigInt(value)]).buffer).subarray(0, voxel.length))
  for (let at = 0; at < target.length; at += voxel.length) target.set(voxel, at)
}
