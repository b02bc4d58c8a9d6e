/** Parts of chunks of compressed segmentation, as large as a bucket, decoded by themselves. */
import type { Decoder } from '../../../codecs/pool.ts'
import type { Box } from '../../volume/box.ts'
import { type ChunkedArray, voxelBytes } from '../../volume/chunked-array.ts'
import { spreadBox } from '../../volume/copy.ts'
import type { DataType } from '../../volume/data-type.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'
import { equals, product, type Vec3 } from '../../volume/vec.ts'
import type { PrecomputedArray } from './array.ts'
import type { ChunkFiles } from './files.ts'
import type { StoredChunks } from './stored.ts'

const BUCKET = 32

/** Voxels of a piece: whole blocks, whole pieces in a chunk. Undefined where that is the chunk itself. */
export function pieceSizeOf(chunkSize: Vec3, blockSize: Vec3): Vec3 | undefined {
  const edge = (d: 0 | 1 | 2) => (chunkSize[d] % BUCKET === 0 && BUCKET % blockSize[d] === 0 ? BUCKET : chunkSize[d])
  const size: Vec3 = [edge(0), edge(1), edge(2)]
  return equals(size, chunkSize) ? undefined : size
}

export interface PieceArrayParts {
  readonly whole: PrecomputedArray
  readonly pieceSize: Vec3
  readonly files: ChunkFiles
  readonly stored: StoredChunks
  /** For chunks cut along x (1), y (2), z (4). */
  readonly decoders: readonly Decoder[]
}

export class PieceArray implements ChunkedArray {
  readonly id: string
  readonly dataType: DataType
  readonly channels = 1
  readonly box: Box
  readonly gridOrigin: Vec3
  readonly chunkSize: Vec3
  readonly isCheap = true
  readonly metadataVersion: string
  readonly #parts: PieceArrayParts

  constructor(parts: PieceArrayParts) {
    const { whole, pieceSize } = parts
    this.#parts = parts
    this.id = `${whole.id}/pieces`
    this.dataType = whole.dataType
    this.box = whole.box
    this.gridOrigin = whole.gridOrigin
    this.chunkSize = pieceSize
    this.metadataVersion = whole.metadataVersion
  }

  /** Throws as `PrecomputedArray` does. */
  readChunk(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    const { whole, files, stored, decoders } = this.#parts
    const voxel = voxelBytes(this)
    const start: Vec3 = [index[0] * this.chunkSize[0], index[1] * this.chunkSize[1], index[2] * this.chunkSize[2]]
    const cell = (d: 0 | 1 | 2) => Math.floor(start[d] / whole.chunkSize[d])
    const chunk: Vec3 = [cell(0), cell(1), cell(2)]
    const full = files.sizeOf(chunk)
    const from = (d: 0 | 1 | 2) => start[d] - chunk[d] * whole.chunkSize[d]
    const at: Vec3 = [from(0), from(1), from(2)]
    const edge = (d: 0 | 1 | 2) => Math.min(this.chunkSize[d], full[d] - at[d])
    const size: Vec3 = [edge(0), edge(1), edge(2)]
    if (size.some((voxels) => voxels <= 0)) return false
    const decoder = decoders[files.cutOf(chunk)]!
    const bytes = target.subarray(0, product(size) * voxel)
    const decode = (source: Uint8Array) =>
      chain(decoder.decode(source, bytes, bytes.length, { part: { at, size } }), () => {
        if (!equals(size, this.chunkSize)) spreadBox(target, size, this.chunkSize, voxel)
        return true
      })
    return stored.use(chunk, decode, signal)
  }
}
