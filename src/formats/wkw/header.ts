/**
 * The 16 bytes every WKW file begins with, and the order of its blocks.
 * Spec: webknossos-wrap README.md; formats.md 1.2, 1.3. Voxel types 7 to 10 are the signed ones newer writers added.
 */
import type { DataType } from '../../volume/data-type.ts'
import { sampleBytes } from '../../volume/data-type.ts'
import { CorruptChunk } from '../../volume/errors.ts'

export const HEADER_BYTES = 16

export type BlockType = 'raw' | 'lz4'

export interface WkwHeader {
  /** Voxels of a block along each axis. */
  readonly blockLength: number
  /** Blocks of a file along each axis. */
  readonly fileLength: number
  readonly blockType: BlockType
  readonly dataType: DataType
  readonly channels: number
  /** Absolute offset of block 0; 0 in header.wkw. */
  readonly dataOffset: number
}

const VOXEL_TYPES: readonly (DataType | undefined)[] = [
  undefined,
  'uint8',
  'uint16',
  'uint32',
  'uint64',
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
]
// LZ4HC (3) is LZ4 by another encoder
const BLOCK_TYPES: readonly (BlockType | undefined)[] = [undefined, 'raw', 'lz4', 'lz4']

/** Reads the header of `file`. Throws `CorruptChunk` saying what was found and what was expected. */
export function parseHeader(bytes: Uint8Array, file: string): WkwHeader {
  const fail = (cause: string) => new CorruptChunk({ file, cause })
  if (bytes.length < HEADER_BYTES) throw fail(`${bytes.length} bytes, a WKW header has ${HEADER_BYTES}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  const magic = view.getUint32(0) >>> 8
  if (magic !== 0x574b57) throw fail(`begins with ${Buffer.from(bytes.subarray(0, 3)).toString('hex')} instead of "WKW" (574b57)`)
  if (view.getUint8(3) !== 1) throw fail(`WKW version ${view.getUint8(3)}, only 1 is known`)
  const blockType = BLOCK_TYPES[view.getUint8(5)]
  if (!blockType) throw fail(`block type ${view.getUint8(5)}, known are 1 (raw), 2 (LZ4) and 3 (LZ4HC)`)
  const dataType = VOXEL_TYPES[view.getUint8(6)]
  if (!dataType) throw fail(`voxel type ${view.getUint8(6)}, known are 1 to 10`)
  const voxelSize = view.getUint8(7)
  const channels = voxelSize / sampleBytes(dataType)
  if (voxelSize === 0 || !Number.isInteger(channels))
    throw fail(`${voxelSize} bytes per voxel are not a multiple of the ${sampleBytes(dataType)} of ${dataType}`)
  return {
    blockLength: 1 << (view.getUint8(4) & 15),
    fileLength: 1 << (view.getUint8(4) >> 4),
    blockType,
    dataType,
    channels,
    dataOffset: Number(view.getBigUint64(8, true)),
  }
}

/** Place of a block in its file: bits of x, y, z interleaved, x lowest (Morton order). */
export function blockIndex(x: number, y: number, z: number): number {
  let index = 0
  for (let bit = 0, place = 1; bit < 15; bit++, place *= 8) {
    index += place * (((x >> bit) & 1) | (((y >> bit) & 1) << 1) | (((z >> bit) & 1) << 2))
  }
  return index
}
