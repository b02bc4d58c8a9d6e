/**
 * A layer whose mags all have the planes of the finest. Viv, and what is built on it, takes the number of a plane for the same in every
 * mag: where coarser ones have fewer, it shows others than those asked for, or fails. Here each stands for all the finer ones it spans.
 */
import type { Layer, Mag } from '../volume/chunked-array.ts'
import type { Vec3 } from '../volume/vec.ts'

export interface Level {
  /** Where the voxels are. */
  readonly mag: Mag
  /** As it is shown. */
  readonly factor: Vec3
  /** Planes that are shown for each of the mag's. */
  readonly each: number
}

/** Finest first; of mags that would be alike the one with most planes of its own. */
export function levelsOf({ mags }: Layer): Level[] {
  const levels = new Map<string, Level>()
  for (const mag of mags.toSorted((a, b) => a.factor[2] - b.factor[2])) {
    const [x, y, z] = mag.factor
    const each = z / mags[0]!.factor[2]
    const name = `${x}-${y}`
    if (Number.isInteger(each) && !levels.has(name)) levels.set(name, { mag, factor: [x, y, mags[0]!.factor[2]], each })
  }
  return [...levels.values()].sort((a, b) => a.factor[0] * a.factor[1] - b.factor[0] * b.factor[1])
}

/** For what describes the layer; its voxels have to be read by the levels. */
export const withAllPlanes = (layer: Layer): Layer => ({ ...layer, mags: levelsOf(layer).map(({ mag, factor }) => ({ ...mag, factor })) })
