/** How much of a plane is looked at for a picture: all of it where that is quick, else its middle. */
import { type Box, boxAt, intersect, isEmpty, sizeOf } from '../volume/box.ts'
import { chunkBytes, type Mag } from '../volume/chunked-array.ts'
import { type CutoutOptions, cutout, readParts } from '../volume/cutout.ts'
import type { Vec3 } from '../volume/vec.ts'

/** Of a plane larger than this only the middle is looked at. */
const MOST_DECODED_BYTES = 1024 * 1024 * 1024
/** Reading the chunks of a picture may take about this long. */
const READING_MS = 1200
/** So few chunks are read without asking how long it takes. */
const FEW = 32
/** Chunks of a picture that are read at the same time; all of them are held decoded meanwhile. */
export const PARALLEL_CHUNKS = 8
const SHRINK = 0.8

/** `plane`: one slice, in the mag's own voxels. Reads some of its chunks to see how long one takes; throws what that throws. */
export async function middleOf(plane: Box, mag: Mag, options: CutoutOptions): Promise<Box> {
  const array = mag.arrays[0]!
  const stored = intersect(plane, array.box)
  if (isEmpty(stored)) return plane
  const mostByMemory = Math.floor(MOST_DECODED_BYTES / chunkBytes(array))
  const small = shrunk(plane, mag, mostByMemory)
  if (chunksIn(small, mag) <= FEW) return small
  // the first ones also load the decoder, and open what has to be opened
  const warm = centred(small, Math.ceil(Math.sqrt(PARALLEL_CHUNKS)), mag)
  await read(warm, 0)
  const start = performance.now()
  await read(warm, PARALLEL_CHUNKS)
  const msOfOne = (performance.now() - start) / PARALLEL_CHUNKS
  return shrunk(small, mag, Math.max(FEW, READING_MS / msOfOne))

  /** Eight chunks in rows below each other, from the middle on, or the next eight. */
  async function read(from: Vec3, skip: number): Promise<void> {
    const voxel = new Uint8Array(16 * array.channels)
    const [cw, ch] = array.chunkSize
    const one = (n: number) => {
      const at: Vec3 = [from[0] + ((n + skip) % 4) * cw, from[1] + Math.floor((n + skip) / 4) * ch, from[2]]
      return cutout(mag, boxAt(at, [1, 1, 1]), plane, voxel.slice(), options)
    }
    await readParts(one, PARALLEL_CHUNKS, options, PARALLEL_CHUNKS)
  }
}

/** The middle of it that has no more than `most` chunks, in the same shape. */
function shrunk(plane: Box, mag: Mag, most: number): Box {
  let box = plane
  const [w, h] = sizeOf(plane)
  for (let part = SHRINK; chunksIn(box, mag) > Math.max(1, most) && w * part >= 1 && h * part >= 1; part *= SHRINK) {
    const size: Vec3 = [Math.floor(w * part), Math.floor(h * part), 1]
    box = boxAt([plane.min[0] + ((w - size[0]) >> 1), plane.min[1] + ((h - size[1]) >> 1), plane.min[2]], size)
  }
  return box
}

/** Where a square of chunks in the middle begins. */
function centred(plane: Box, edge: number, mag: Mag): Vec3 {
  const [cw, ch] = mag.arrays[0]!.chunkSize
  const start = (axis: 0 | 1, chunk: number) =>
    Math.max(plane.min[axis], ((plane.min[axis] + plane.max[axis]) >> 1) - Math.floor((edge * chunk) / 2))
  return [start(0, cw), start(1, ch), plane.min[2]]
}

function chunksIn(box: Box, mag: Mag): number {
  const { gridOrigin, chunkSize } = mag.arrays[0]!
  const along = (axis: 0 | 1) =>
    Math.floor((box.max[axis] - 1 - gridOrigin[axis]) / chunkSize[axis]) -
    Math.floor((box.min[axis] - gridOrigin[axis]) / chunkSize[axis]) +
    1
  return along(0) * along(1)
}
