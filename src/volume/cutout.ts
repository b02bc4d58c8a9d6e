/**
 * Cuts the box somebody asked for out of the chunks that hold it: the one place that knows about clipping, missing chunks,
 * partial edges and channels. Formats only say what one chunk holds.
 */
import { type Box, intersect, isEmpty, isInside, sizeOf } from './box.ts'
import { type ChunkedArray, type ChunkGrid, type FetchedChunks, type Mag, voxelBytes } from './chunked-array.ts'
import { copyBox, copyChannel, fillBox } from './copy.ts'
import { sampleBytes } from './data-type.ts'
import { chain, type MaybePromise } from './maybe-promise.ts'
import type { Pace } from './pace.ts'
import { product, subtract, type Vec3 } from './vec.ts'

/** Where decoded chunks come from: a cache, or the array itself. */
export interface ChunkReader {
  /**
   * Hands the bytes of a chunk to `visit`, which must be done with them when it returns. False, and no visit, where nothing is
   * stored. Throws what reading the chunk throws.
   */
  read(array: ChunkedArray | FetchedChunks, index: Vec3, visit: (bytes: Uint8Array) => void, signal?: AbortSignal): MaybePromise<boolean>
  /** Fills `target`, which has the size of a chunk, with all of one. May leave it in any state where nothing is stored. */
  readWhole(array: ChunkedArray, index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean>
  /** The bytes of a chunk that is at hand, to be copied before anything else is read. */
  held(array: ChunkGrid, index: Vec3): Uint8Array | undefined
  /** Does not keep a chunk any longer, which turned out to be of no use. */
  forget(chunks: ChunkGrid, index: Vec3): void
}

export interface CutoutOptions {
  readonly chunks: ChunkReader
  /** Lets other requests have their turn between chunks. */
  readonly pace: Pace
  readonly signal?: AbortSignal | undefined
}

/** Chunks of one cutout that are read at the same time, where reading takes time. */
const PARALLEL_READS = 32

/**
 * Fills `target` with the voxels of `box` (x fastest, channels interleaved) and says whether anything is stored there. `box` and
 * `clip` are in the mag's own voxels; outside `clip`, outside the array and where nothing is stored there are zeros. Throws the
 * first error after all reads have ended, so that nobody writes into `target` any more.
 */
export function cutout(mag: Mag, box: Box, clip: Box, target: Uint8Array, options: CutoutOptions): MaybePromise<boolean> {
  const array = arrayFor(mag, box, clip)
  if (isWholeChunk(mag, array, box, clip)) return readChunk(box, array, target, options)
  return cutParts(array, mag.channel, box, clip, target, options)
}

/** The voxels of a box that is one chunk and at hand, without a copy: they have to be copied before anything else is read. */
export function heldBox(mag: Mag, box: Box, clip: Box, chunks: ChunkReader): Uint8Array | undefined {
  const array = arrayFor(mag, box, clip)
  return isWholeChunk(mag, array, box, clip) ? chunks.held(array, indexOf(box, array)) : undefined
}

const arrayFor = ({ arrays }: Mag, box: Box, clip: Box): ChunkedArray => (arrays.length === 1 ? arrays[0]! : cheapest(arrays, box, clip))

/** As buckets of most viewers are: nothing is cut, and the chunk is decoded where it is wanted. */
const isWholeChunk = ({ channel }: Mag, array: ChunkedArray, box: Box, clip: Box): boolean =>
  channel === undefined && isChunk(box, array) && isInside(box, clip) && isInside(box, array.box)

const indexOf = ({ min }: Box, { gridOrigin, chunkSize }: ChunkedArray): Vec3 => gridIndex(min, gridOrigin, chunkSize)

function readChunk(box: Box, array: ChunkedArray, target: Uint8Array, { chunks, signal }: CutoutOptions): MaybePromise<boolean> {
  const stored = chunks.readWhole(array, indexOf(box, array), target, signal)
  if (stored instanceof Promise) return stored.then((is) => is || zero(target))
  return stored || zero(target)
}

function cutParts(
  array: ChunkedArray,
  channel: number | undefined,
  box: Box,
  clip: Box,
  target: Uint8Array,
  options: CutoutOptions,
): MaybePromise<boolean> {
  const wanted = intersect(intersect(box, clip), array.box)
  if (isEmpty(wanted)) {
    target.fill(0)
    return false
  }
  const { chunks, signal } = options
  const { gridOrigin, chunkSize } = array
  const size = sizeOf(box)
  const voxel = voxelBytes(array)
  const sample = sampleBytes(array.dataType)
  const first: Vec3 = gridIndex(wanted.min, gridOrigin, chunkSize)
  const last: Vec3 = gridIndex(subtract(wanted.max, [1, 1, 1]), gridOrigin, chunkSize)
  const nx = last[0] - first[0] + 1
  const ny = last[1] - first[1] + 1
  const count = nx * ny * (last[2] - first[2] + 1)
  // what lies outside, and every chunk that turns out to be missing, is zeroed; filling all first would touch most bytes twice
  if (!sameBox(wanted, box)) target.fill(0)

  const readOne = (n: number): MaybePromise<boolean> => {
    const index: Vec3 = [first[0] + (n % nx), first[1] + (Math.floor(n / nx) % ny), first[2] + Math.floor(n / (nx * ny))]
    const start: Vec3 = [
      gridOrigin[0] + index[0] * chunkSize[0],
      gridOrigin[1] + index[1] * chunkSize[1],
      gridOrigin[2] + index[2] * chunkSize[2],
    ]
    const part = intersect(wanted, { min: start, max: [start[0] + chunkSize[0], start[1] + chunkSize[1], start[2] + chunkSize[2]] })
    const to = { bytes: target, size, at: subtract(part.min, box.min) }
    const visit = (bytes: Uint8Array): void => {
      const from = { bytes, size: chunkSize, at: subtract(part.min, start) }
      if (channel === undefined) copyBox(from, to, sizeOf(part), voxel)
      else copyChannel(from, to, sizeOf(part), voxel, sample, channel)
    }
    return chain(chunks.read(array, index, visit, signal), (stored) => {
      if (!stored) fillBox(to, sizeOf(part), channel === undefined ? voxel : sample)
      return stored
    })
  }

  return readParts(readOne, count, options)
}

/**
 * Reads parts 0 to `count` and says whether any is stored: at once where they come at once, else `parallel` at a time, and other
 * requests get their turn between them. Throws the first error after all reads have ended.
 */
export function readParts(
  readOne: (n: number) => MaybePromise<boolean>,
  count: number,
  options: Pick<CutoutOptions, 'pace' | 'signal'>,
  parallel = PARALLEL_READS,
): MaybePromise<boolean> {
  let found = false
  for (let n = 0; n < count; n++) {
    const read = readOne(n)
    if (read instanceof Promise) return readRest(readOne, n + 1, count, [watched(read)], found, options, parallel)
    found = read || found
    if (n + 1 < count && options.pace.due())
      return options.pace.turn().then(() => readRest(readOne, n + 1, count, [], found, options, parallel))
  }
  return found
}

/** Opening, looking up and copying a chunk costs about as much as decoding so many voxels. */
const CHUNK_COST_VOXELS = 16_384

/** Of several chunk shapes of the same voxels the one of which least has to be decoded for a box. */
function cheapest(arrays: readonly ChunkedArray[], box: Box, clip: Box): ChunkedArray {
  const wanted = intersect(box, clip)
  let best = arrays[0]!
  let least = Number.POSITIVE_INFINITY
  for (const array of arrays) {
    const part = intersect(wanted, array.box)
    const first = gridIndex(part.min, array.gridOrigin, array.chunkSize)
    const last = gridIndex(subtract(part.max, [1, 1, 1]), array.gridOrigin, array.chunkSize)
    const chunks = (last[0] - first[0] + 1) * (last[1] - first[1] + 1) * (last[2] - first[2] + 1)
    const cost = chunks * (product(array.chunkSize) + CHUNK_COST_VOXELS)
    if (cost < least) [best, least] = [array, cost]
  }
  return best
}

/** Goes on from part `next` when one did not come at once. */
async function readRest(
  readOne: (n: number) => MaybePromise<boolean>,
  next: number,
  count: number,
  pending: Promise<boolean>[],
  found: boolean,
  { pace, signal }: Pick<CutoutOptions, 'pace' | 'signal'>,
  parallel: number,
): Promise<boolean> {
  let failure: PromiseRejectedResult | undefined
  const settle = async () => {
    for (const result of await Promise.allSettled(pending)) {
      if (result.status === 'rejected') failure ??= result
      else found = result.value || found
    }
    pending = []
  }
  for (let n = next; n < count && !failure && !signal?.aborted; n++) {
    try {
      const read = readOne(n)
      if (read instanceof Promise) pending.push(watched(read))
      else found = read || found
    } catch (reason) {
      failure ??= { status: 'rejected', reason }
    }
    if (pending.length >= parallel) await settle()
    else if (pace.due()) await pace.turn()
  }
  await settle()
  if (failure) throw failure.reason
  signal?.throwIfAborted()
  return found
}

/** A read that may fail while others have their turn, before anybody awaits it: without this the process would end there. */
function watched<T>(read: Promise<T>): Promise<T> {
  read.catch(() => {})
  return read
}

function zero(target: Uint8Array): false {
  target.fill(0)
  return false
}

const gridIndex = (position: Vec3, origin: Vec3, chunk: Vec3): Vec3 => [
  Math.floor((position[0] - origin[0]) / chunk[0]),
  Math.floor((position[1] - origin[1]) / chunk[1]),
  Math.floor((position[2] - origin[2]) / chunk[2]),
]

const sameBox = (a: Box, b: Box): boolean =>
  a.min[0] === b.min[0] &&
  a.min[1] === b.min[1] &&
  a.min[2] === b.min[2] &&
  a.max[0] === b.max[0] &&
  a.max[1] === b.max[1] &&
  a.max[2] === b.max[2]

const isChunk = ({ min, max }: Box, { gridOrigin, chunkSize }: ChunkedArray): boolean =>
  max[0] - min[0] === chunkSize[0] &&
  max[1] - min[1] === chunkSize[1] &&
  max[2] - min[2] === chunkSize[2] &&
  (min[0] - gridOrigin[0]) % chunkSize[0] === 0 &&
  (min[1] - gridOrigin[1]) % chunkSize[1] === 0 &&
  (min[2] - gridOrigin[2]) % chunkSize[2] === 0
