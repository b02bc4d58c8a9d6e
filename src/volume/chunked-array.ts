import { type Box, isEmpty, sizeOf } from './box.ts'
import { type DataType, sampleBytes } from './data-type.ts'
import type { MaybePromise } from './maybe-promise.ts'
import type { MeshSource } from './meshes.ts'
import { equals, product, type Vec3 } from './vec.ts'

/** A decoded chunk is at most this large, or its layer is refused at opening. */
export const MAX_CHUNK_BYTES = 256 * 1024 * 1024

/** Where chunks lie. Positions are in voxels of the mag. */
export interface ChunkGrid {
  /** Names the chunks for good: dataset version / layer / mag. Part of every cache key. */
  readonly id: string
  /** What is stored; may start anywhere, also below zero. */
  readonly box: Box
  /** Where chunk [0,0,0] starts: 0 for WKW, voxel_offset for Precomputed. */
  readonly gridOrigin: Vec3
  readonly chunkSize: Vec3
}

/** Chunks that come in memory of their own, as the network brings them. */
export interface FetchedChunks extends ChunkGrid {
  /**
   * The bytes of a chunk, of any length; undefined where nothing is stored. They are the caller's, who may keep them or give their memory
   * back. Anything that went wrong throws.
   */
  fetchChunk(index: Vec3, signal?: AbortSignal): Promise<Uint8Array | undefined>
}

/** One magnification of one layer: a regular grid of chunks. */
export interface ChunkedArray extends ChunkGrid {
  readonly dataType: DataType
  readonly channels: number
  /** Reading a chunk again costs little more than copying it: such chunks are kept only when they are asked for again soon. */
  readonly isCheap?: boolean
  /**
   * Fills `target` (exactly `chunkBytes(this)` bytes; x fastest, then y, then z; channels interleaved; little endian) and says
   * whether anything is stored there. A chunk cut by the edge of the volume is filled up with zeros. False leaves `target` in
   * any state. Anything that went wrong throws.
   */
  readChunk(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean>
  /** What `readChunk` would fill its target with, where that comes in memory of its own anyway: it is then kept as it came. */
  fetchChunk?: FetchedChunks['fetchChunk']
  /**
   * True where it can be told at little cost that nothing is stored in all of a box (voxels of this mag): a sparse volume is then not
   * read through to find it empty. False where that would take longer.
   */
  isEmptyIn?(box: Box): MaybePromise<boolean>
  /**
   * Changes whenever any of the voxels may have; undefined where that cannot be told, or where something was changed after `sinceMs`
   * (of Date.now), for what was read before may still be in memory. What is made of the voxels is kept on disk under it.
   */
  version?(sinceMs: number): Promise<string | undefined>
  /**
   * What the metadata say, hashed, with where they lie: of sources whose chunks no version covers. A chunk that is written anew under the
   * same metadata does not change it, so what is kept under it is not kept for long.
   */
  readonly metadataVersion?: string | undefined
}

/** The same voxels at one magnification. `channel` picks one of the arrays' channels; such layers share decoded chunks. */
export interface Mag {
  readonly factor: Vec3
  readonly arrays: readonly ChunkedArray[]
  readonly channel?: number | undefined
  /** Where others find it, as a data source says it: an absolute path or a URL, and the data format of what lies there. */
  readonly place?: { readonly dataFormat: string; readonly uri: string } | undefined
  /** Made of the mag before it when somebody asks: reading it may take long. */
  readonly isComputed?: true
}

/** An axis beside x, y, z: time mostly. Its coordinates are integers from `bounds[0]` up to, not including, `bounds[1]`. */
export interface Axis {
  readonly name: string
  readonly bounds: readonly [number, number]
}

export interface Coordinate {
  readonly name: string
  readonly value: number
}

export interface Layer {
  readonly name: string
  readonly category: 'color' | 'segmentation'
  readonly dataType: DataType
  /** Channels on the wire: 3 for uint24, else 1. */
  readonly channels: number
  /** Finest first. */
  readonly mags: readonly Mag[]
  /** Mag-1 voxels. */
  readonly boundingBox: Box
  /** As the source states it. */
  readonly largestSegmentId?: number | bigint | undefined
  /** Axes beside x, y, z. The layer itself is fixed at the first coordinate of each. */
  readonly additionalAxes?: readonly Axis[] | undefined
  /** The same layer fixed at other coordinates; its arrays have ids of their own. Undefined outside the bounds. */
  at?(coordinates: readonly Coordinate[]): Layer | undefined
  /** Of a segmentation, where there are stored ones. */
  readonly meshes?: MeshSource | undefined
  /** Keys of the data source JSON that are handed on as they are: view configuration, mappings, transformations. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

/** A layer that could not be opened, and why. It does not take its dataset along. */
export interface BrokenLayer {
  readonly name: string
  readonly status: string
  /** Where it leads, when that is outside the folders that may be read. */
  readonly leadsTo?: string | undefined
}

export interface VoxelSize {
  /** Nanometres per mag-1 voxel. */
  readonly nm: Vec3
  /** Where it comes from: 'datasets.json', 'OME', 'guessed: …'. Shown with it, for a wrong scale is a wrong voxel. */
  readonly source: string
}

export interface Dataset {
  readonly layers: readonly Layer[]
  readonly broken: readonly BrokenLayer[]
  readonly voxelSize: VoxelSize
  /** Said in the summary: which rule was used, what was left out. */
  readonly notes: readonly string[]
  readonly extra?: Readonly<Record<string, unknown>> | undefined
}

export const voxelBytes = (array: { dataType: DataType; channels: number }): number => sampleBytes(array.dataType) * array.channels
export const chunkBytes = (array: ChunkedArray): number => product(array.chunkSize) * voxelBytes(array)
/** Bytes of one voxel of a layer on the wire. */
export const wireBytes = (layer: Layer): number => sampleBytes(layer.dataType) * layer.channels

export function magOf({ mags }: Layer, factor: Vec3): Mag | undefined {
  for (const mag of mags) if (equals(mag.factor, factor)) return mag
  return undefined
}

/** Voxels in a box; 0 when it is empty. */
export const volumeOf = (box: Box): number => (isEmpty(box) ? 0 : product(sizeOf(box)))
