/**
 * Reads one z-plane of a layer small enough to look at, by taking single voxels out of each chunk: every chunk is decoded once,
 * however much larger than the picture the plane is.
 */
import { type Box, boxAt, intersect, isEmpty, sizeOf, toMag } from '../volume/box.ts'
import { chunkBytes, type Layer, type Mag, wireBytes } from '../volume/chunked-array.ts'
import { type CutoutOptions, cutout } from '../volume/cutout.ts'
import type { Vec3 } from '../volume/vec.ts'

/** Of a plane larger than this only the middle is looked at. */
const MOST_DECODED_BYTES = 1024 * 1024 * 1024

export interface Plane {
  readonly width: number
  readonly height: number
  /** One voxel a pixel, as on the wire: channels interleaved, little endian. Zero where nothing is stored. */
  readonly voxels: Uint8Array
  /** Mag-1 slice that was read. */
  readonly z: number
}

/** `z`: mag-1 slice, clipped to the layer. The longer side of the plane has at most `longest` pixels. Throws what reading throws. */
export async function readPlane(layer: Layer, z: number | undefined, longest: number, options: CutoutOptions): Promise<Plane> {
  const { boundingBox } = layer
  const mag = pictureMag(layer, longest)
  const slice = Math.min(
    boundingBox.max[2] - 1,
    Math.max(boundingBox.min[2], z ?? Math.floor((boundingBox.min[2] + boundingBox.max[2]) / 2)),
  )
  const clip = toMag(boundingBox, mag.factor)
  const zOfMag = Math.floor(slice / mag.factor[2])
  const plane = middleOf({ min: [clip.min[0], clip.min[1], zOfMag], max: [clip.max[0], clip.max[1], zOfMag + 1] }, mag)
  const size = sizeOf(plane)
  const step = Math.max(1, Math.max(size[0], size[1]) / longest)
  const columns = positions(plane.min[0], size[0], step)
  const rows = positions(plane.min[1], size[1], step)
  const voxel = wireBytes(layer)
  const voxels = new Uint8Array(columns.length * rows.length * voxel)
  const { gridOrigin, chunkSize } = mag.arrays[0]!
  for (const y of runs(rows, gridOrigin[1], chunkSize[1])) {
    for (const x of runs(columns, gridOrigin[0], chunkSize[0])) {
      const box = boxAt(
        [columns[x.from]!, rows[y.from]!, zOfMag],
        [columns[x.to - 1]! - columns[x.from]! + 1, rows[y.to - 1]! - rows[y.from]! + 1, 1],
      )
      const [width, height] = sizeOf(box)
      const part = new Uint8Array(width * height * voxel)
      if (!(await cutout(mag, box, clip, part, options))) continue
      for (let j = y.from; j < y.to; j++) {
        for (let i = x.from; i < x.to; i++) {
          const from = (columns[i]! - box.min[0] + width * (rows[j]! - box.min[1])) * voxel
          const to = (i + columns.length * j) * voxel
          for (let b = 0; b < voxel; b++) voxels[to + b] = part[from + b]!
        }
      }
      if (options.pace.due()) await options.pace.turn()
    }
  }
  return { width: columns.length, height: rows.length, voxels, z: slice }
}

/** The coarsest stored mag that still has a voxel for every pixel, else the finest: a picture is not worth making a whole mag for. */
function pictureMag(layer: Layer, longest: number): Mag {
  const edge = ({ factor }: Mag) => {
    const [w, h] = sizeOf(toMag(layer.boundingBox, factor))
    return Math.max(w, h)
  }
  return layer.mags.findLast((mag) => !mag.isComputed && edge(mag) >= longest) ?? layer.mags[0]!
}

/** The plane, or its middle where all of it would be too much to decode for a picture. */
function middleOf(plane: Box, mag: Mag): Box {
  const array = mag.arrays[0]!
  const stored = intersect(plane, array.box)
  if (isEmpty(stored)) return plane
  const [w, h] = sizeOf(plane)
  const [cw, ch] = array.chunkSize
  const bytes = Math.ceil(w / cw) * Math.ceil(h / ch) * chunkBytes(array)
  if (bytes <= MOST_DECODED_BYTES) return plane
  const shrink = Math.sqrt(MOST_DECODED_BYTES / bytes)
  const size: Vec3 = [Math.max(1, Math.floor(w * shrink)), Math.max(1, Math.floor(h * shrink)), 1]
  return boxAt([plane.min[0] + ((w - size[0]) >> 1), plane.min[1] + ((h - size[1]) >> 1), plane.min[2]], size)
}

/** Voxels in the middle of each step. */
const positions = (start: number, edge: number, step: number): number[] =>
  Array.from({ length: Math.max(1, Math.floor(edge / step)) }, (_, i) => start + Math.min(edge - 1, Math.floor((i + 0.5) * step)))

/** Neighbouring positions that lie in one chunk. */
function runs(at: readonly number[], origin: number, chunk: number): { from: number; to: number }[] {
  const all: { from: number; to: number }[] = []
  const chunkOf = (n: number) => Math.floor((at[n]! - origin) / chunk)
  for (let from = 0; from < at.length; ) {
    let to = from + 1
    while (to < at.length && chunkOf(to) === chunkOf(from)) to++
    all.push({ from, to })
    from = to
  }
  return all
}
