/**
 * Reads one z-plane of a layer small enough to look at, by taking single voxels out of each chunk: every chunk is decoded once,
 * however much larger than the picture the plane is.
 */
import { boxAt, sizeOf, toMag } from '../volume/box.ts'
import { type Layer, type Mag, wireBytes } from '../volume/chunked-array.ts'
import { type CutoutOptions, cutout, readParts } from '../volume/cutout.ts'
import { chain, type MaybePromise } from '../volume/maybe-promise.ts'
import { middleOf, PARALLEL_CHUNKS } from './middle.ts'

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
  const plane = await middleOf({ min: [clip.min[0], clip.min[1], zOfMag], max: [clip.max[0], clip.max[1], zOfMag + 1] }, mag, options)
  const size = sizeOf(plane)
  const step = Math.max(1, Math.max(size[0], size[1]) / longest)
  const columns = positions(plane.min[0], size[0], step)
  const rows = positions(plane.min[1], size[1], step)
  const voxel = wireBytes(layer)
  const voxels = new Uint8Array(columns.length * rows.length * voxel)
  const { gridOrigin, chunkSize } = mag.arrays[0]!
  const parts = runs(rows, gridOrigin[1], chunkSize[1]).flatMap((y) => runs(columns, gridOrigin[0], chunkSize[0]).map((x) => ({ x, y })))
  const readPart = (n: number): MaybePromise<boolean> => {
    const { x, y } = parts[n]!
    const box = boxAt(
      [columns[x.from]!, rows[y.from]!, zOfMag],
      [columns[x.to - 1]! - columns[x.from]! + 1, rows[y.to - 1]! - rows[y.from]! + 1, 1],
    )
    const [width, height] = sizeOf(box)
    const part = new Uint8Array(width * height * voxel)
    return chain(cutout(mag, box, clip, part, options), (stored) => {
      if (!stored) return false
      for (let j = y.from; j < y.to; j++) {
        for (let i = x.from; i < x.to; i++) {
          const from = (columns[i]! - box.min[0] + width * (rows[j]! - box.min[1])) * voxel
          const to = (i + columns.length * j) * voxel
          for (let b = 0; b < voxel; b++) voxels[to + b] = part[from + b]!
        }
      }
      return true
    })
  }
  await readParts(readPart, parts.length, options, PARALLEL_CHUNKS)
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
