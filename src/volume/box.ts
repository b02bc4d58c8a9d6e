import { ceilDivide, floorDivide, multiply, subtract, type Vec3 } from './vec.ts'

/** A cuboid of voxels, half open: `min` is inside, `max` is not. May be empty, may lie below zero. */
export interface Box {
  readonly min: Vec3
  readonly max: Vec3
}

export const boxAt = (min: Vec3, size: Vec3): Box => ({ min, max: [min[0] + size[0], min[1] + size[1], min[2] + size[2]] })
export const sizeOf = (box: Box): Vec3 => subtract(box.max, box.min)
export const isEmpty = (box: Box): boolean => box.max[0] <= box.min[0] || box.max[1] <= box.min[1] || box.max[2] <= box.min[2]

/** Whether all of `box` lies in `outer`. */
export const isInside = ({ min, max }: Box, outer: Box): boolean =>
  min[0] >= outer.min[0] &&
  min[1] >= outer.min[1] &&
  min[2] >= outer.min[2] &&
  max[0] <= outer.max[0] &&
  max[1] <= outer.max[1] &&
  max[2] <= outer.max[2]

export const intersect = (a: Box, b: Box): Box => ({
  min: [Math.max(a.min[0], b.min[0]), Math.max(a.min[1], b.min[1]), Math.max(a.min[2], b.min[2])],
  max: [Math.min(a.max[0], b.max[0]), Math.min(a.max[1], b.max[1]), Math.min(a.max[2], b.max[2])],
})

export const unite = (a: Box, b: Box): Box => ({
  min: [Math.min(a.min[0], b.min[0]), Math.min(a.min[1], b.min[1]), Math.min(a.min[2], b.min[2])],
  max: [Math.max(a.max[0], b.max[0]), Math.max(a.max[1], b.max[1]), Math.max(a.max[2], b.max[2])],
})

/** A mag-1 box in the voxels of a mag, rounded outwards so that no border voxel is lost (protocol.md 2.2). */
export const toMag = (mag1Box: Box, factor: Vec3): Box => ({ min: floorDivide(mag1Box.min, factor), max: ceilDivide(mag1Box.max, factor) })

export const toMag1 = (box: Box, factor: Vec3): Box => ({ min: multiply(box.min, factor), max: multiply(box.max, factor) })

/** webKnossos's JSON form, in mag-1 voxels. */
export interface BoundingBoxJson {
  topLeft: [number, number, number]
  width: number
  height: number
  depth: number
}

export function boxToJson(mag1Box: Box): BoundingBoxJson {
  const [width, height, depth] = sizeOf(mag1Box)
  return { topLeft: [...mag1Box.min], width, height, depth }
}
