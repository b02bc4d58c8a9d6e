/**
 * One level of a channel, in the cuboids its server keeps: one cutout serves all buckets inside. A cutout never reaches beyond the
 * coordinate frame, for such a one is refused.
 */
import { CodecError } from '../../../codecs/codec.ts'
import type { Decoder } from '../../../codecs/pool.ts'
import { type Box, boxAt, intersect, isEmpty, sizeOf } from '../../volume/box.ts'
import { type ChunkedArray, voxelBytes } from '../../volume/chunked-array.ts'
import { copyBox, spreadBox } from '../../volume/copy.ts'
import type { DataType } from '../../volume/data-type.ts'
import { CorruptChunk, Unusable, UpstreamError } from '../../volume/errors.ts'
import type { MaybePromise } from '../../volume/maybe-promise.ts'
import { equals, multiply, product, subtract, type Vec3, ZERO } from '../../volume/vec.ts'
import type { BossApi } from './api.ts'
import { EmptyCuboids } from './empty.ts'

export interface BossArrayParts {
  readonly id: string
  readonly api: BossApi
  /** Collection, experiment, channel. */
  readonly names: readonly [string, string, string]
  readonly resolution: number
  /** Undefined: the channel's only time sample. */
  readonly time: number | undefined
  readonly isIso: boolean
  readonly dataType: DataType
  /** Voxels of the level. */
  readonly box: Box
  readonly metadataVersion: string
  readonly cuboid: Vec3
  readonly decoder: Decoder
  /** Called when the server says that it is no longer there, or no longer ours to read. */
  lost(): void
}

export class BossArray implements ChunkedArray {
  readonly id: string
  readonly dataType: DataType
  readonly channels = 1
  readonly box: Box
  readonly gridOrigin = ZERO
  readonly chunkSize: Vec3
  readonly metadataVersion: string
  readonly #parts: BossArrayParts
  readonly #empty = new EmptyCuboids()

  constructor(parts: BossArrayParts) {
    this.#parts = parts
    this.id = parts.id
    this.dataType = parts.dataType
    this.box = parts.box
    this.chunkSize = parts.cuboid
    this.metadataVersion = parts.metadataVersion
  }

  /** Throws `CorruptChunk` naming cutout and chunk, or `UpstreamError`. */
  readChunk(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    const cuboid = boxAt(multiply(index, this.chunkSize), this.chunkSize)
    const part = intersect(cuboid, this.box)
    const chunk = index.join(',')
    if (isEmpty(part) || this.#empty.has(chunk)) return false
    return this.#read(chunk, cuboid, part, target, signal)
  }

  async #read(chunk: string, cuboid: Box, part: Box, target: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const { api, names, resolution, time, isIso, decoder } = this.#parts
    const ranges = [0, 1, 2].map((d) => `${part.min[d as 0]}:${part.max[d as 0]}`)
    const times = time === undefined ? [] : [`${time}:${time + 1}`]
    const path = ['cutout', ...names, String(resolution), ...ranges, ...times]
    const question = { path, query: isIso ? 'iso=true' : undefined, what: `the channel ${names.join('/')}` }
    const size = sizeOf(part)
    const bytes = product(size) * voxelBytes(this)
    const at = subtract(part.min, cuboid.min)
    // what cannot be compressed is a little longer than it is
    const mostBytes = bytes + (bytes >> 6) + 65_536
    try {
      const packed = await api.getCutout(question, mostBytes, signal)
      await decoder.decode(packed, target.subarray(0, bytes))
    } catch (error) {
      if (error instanceof CodecError) throw new CorruptChunk({ file: path.join('/'), chunk, cause: error.message })
      if (!(error instanceof Unusable)) throw error
      this.#parts.lost()
      throw new UpstreamError({ file: path.join('/'), chunk, cause: error.message })
    }
    if (isZero(target.subarray(0, bytes))) {
      this.#empty.add(chunk)
      return false
    }
    if (!equals(size, this.chunkSize)) place(target, size, at, this.chunkSize, voxelBytes(this))
    return true
  }
}

/** Moves a part of a chunk to where it belongs, zeros around. */
function place(target: Uint8Array, size: Vec3, at: Vec3, full: Vec3, voxel: number): void {
  if (equals(at, ZERO)) {
    spreadBox(target, size, full, voxel)
    return
  }
  const packed = target.slice(0, product(size) * voxel)
  target.fill(0)
  copyBox({ bytes: packed, size, at: ZERO }, { bytes: target, size: full, at }, size, voxel)
}

/** Nothing was ever written to it: a BossDB answers zeros then. */
function isZero(bytes: Uint8Array): boolean {
  const words = bytes.byteOffset % 4 === 0 ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2) : undefined
  if (words) for (let i = 0; i < words.length; i++) if (words[i] !== 0) return false
  for (let i = words ? words.length * 4 : 0; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}
