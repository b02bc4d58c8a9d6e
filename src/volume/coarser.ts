/** Which magnifications a layer lacks: webKnossos zooms out by halving, and shows nothing beyond the coarsest one listed. */
import { type Box, sizeOf, toMag } from './box.ts'
import { multiply, type Vec3 } from './vec.ts'

/** Smaller than this along every axis, and a bucket holds all of it. */
const SMALLEST_EDGE = 32
/** 2^31 voxels along an axis and more are no volume. */
const MOST_STEPS = 40

export interface Step {
  /** Of the mag before this one, each 1 or 2. */
  readonly step: Vec3
  readonly factor: Vec3
  /**
   * False where its largest component is that of a mag already listed: webKnossos tells mags apart by it (protocol.md 7), so this one
   * is only on the way to the next.
   */
  readonly isListed: boolean
}

/**
 * The mags to be made, in the order they are made of each other, going on from `coarsest`, the coarsest that is stored. A layer of
 * one plane is halved along x and y; any other along each axis whose voxels are less than twice as long as the shortest. It ends
 * where no side has more than 32 voxels.
 */
export function coarserMags(coarsest: Vec3, boxMag1: Box, voxelSizeNm: Vec3): Step[] {
  const isPlane = sizeOf(boxMag1)[2] === 1
  const steps: Step[] = []
  let factor = coarsest
  let listed = coarsest
  while (steps.length < MOST_STEPS && sizeOf(toMag(boxMag1, listed)).some((edge) => edge > SMALLEST_EDGE)) {
    const edges = multiply(factor, voxelSizeNm)
    const shortest = Math.min(...edges)
    const step = (isPlane ? [2, 2, 1] : edges.map((edge) => (edge < 2 * shortest ? 2 : 1))) as unknown as Vec3
    factor = multiply(factor, step)
    const isListed = Math.max(...factor) > Math.max(...listed)
    if (isListed) listed = factor
    steps.push({ step, factor, isListed })
  }
  return steps
}
