/** Between which values a layer is to be shown at first: a 12-bit image in 16 bits would be black between 0 and 65535. */
import { sizeOf, toMag } from '../volume/box.ts'
import type { Layer, Mag } from '../volume/chunked-array.ts'
import type { CutoutOptions } from '../volume/cutout.ts'
import { numbersOf } from './colours.ts'
import { BUCKET, readSample, samplePositions } from './sampling.ts'
import type { Range } from './wk-colours.ts'

/** So much of the voxels is cut off at each end. */
const CUT = 0.005
const EXPONENTS = 2
/** Sorting more of them would be felt by others, and say nothing more. */
const MOST_VALUES = 2 ** 17

export const hasContrast = ({ category, channels }: Layer): boolean => category === 'color' && channels === 1

/**
 * The percentiles of a sample without zeros. Undefined for what has no intensities (segmentations, RGB) and where everything is zero.
 * Throws what reading throws where no bucket of the sample can be read.
 */
export async function measureContrast(layer: Layer, options: CutoutOptions): Promise<Range | undefined> {
  if (!hasContrast(layer)) return undefined
  const buckets = await readSample(layer, cheapMag(layer), samplePositions(layer.boundingBox, EXPONENTS), options)
  // odd, so that every column of a bucket has its turn
  const step = Math.ceil((buckets.length * BUCKET ** 3) / MOST_VALUES) | 1
  let count = 0
  const values = new Float64Array(MOST_VALUES + buckets.length)
  for (const bytes of buckets) {
    const numbers = numbersOf(bytes, layer.dataType)
    for (let i = 0; i < numbers.length; i += step) {
      const value = numbers[i]!
      if (value !== 0 && Number.isFinite(value)) values[count++] = value
    }
    if (options.pace.due()) await options.pace.turn()
  }
  if (count === 0) return undefined
  const sorted = values.subarray(0, count).sort()
  const low = sorted[Math.floor(CUT * (count - 1))]!
  const high = sorted[Math.ceil((1 - CUT) * (count - 1))]!
  // one value only: from nothing to it, so that it can be seen
  return low < high ? [low, high] : low > 0 ? [0, low] : [low, 0]
}

/**
 * A coarse mag says as much for less, as long as the sample does not cover all of it. One that would have to be made costs the more the
 * coarser it is: each bucket of mag 8 reads 512 of mag 1.
 */
const cheapMag = ({ mags, boundingBox }: Layer): Mag =>
  mags.findLast(({ factor, isComputed }) => !isComputed && Math.max(...sizeOf(toMag(boundingBox, factor))) >= 4 * BUCKET) ?? mags[0]!
