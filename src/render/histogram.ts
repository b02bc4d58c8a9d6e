/** How often which values occur in a sample of a layer, as webKnossos's histogram control draws it (protocol.md 2.7). */
import type { Layer } from '../volume/chunked-array.ts'
import type { CutoutOptions } from '../volume/cutout.ts'
import { type DataType, sampleBytes } from '../volume/data-type.ts'
import { numbersOf } from './colours.ts'
import { readSample, samplePositions } from './sampling.ts'
import { fullRange } from './wk-colours.ts'

export interface Histogram {
  readonly elementCounts: readonly number[]
  readonly min: number
  readonly max: number
  /** What webKnossos before 2025 wants, too. */
  readonly numberOfElements: number
}

const BINS = 256
const EXPONENTS = 2

/** One, or three of an RGB layer. Reads the finest mag. Throws what reading throws where no bucket of the sample can be read. */
export async function histogramsOf(layer: Layer, options: CutoutOptions): Promise<Histogram[]> {
  const buckets = await readSample(layer, layer.mags[0]!, samplePositions(layer.boundingBox, EXPONENTS), options)
  if (layer.channels === 3) return [0, 1, 2].map((channel) => ofChannel(buckets, channel))
  return [ofValues(buckets, layer.dataType)]
}

/** Black is left out: it is mostly the rim where nothing was recorded. */
function ofChannel(buckets: readonly Uint8Array[], channel: number): Histogram {
  const counts = new Array<number>(BINS).fill(0)
  let numberOfElements = 0
  for (const bytes of buckets) {
    for (let at = channel; at < bytes.length; at += 3) counts[bytes[at]!]!++
    numberOfElements += bytes.length / 3
  }
  counts[0] = 0
  return { elementCounts: counts, min: 0, max: 255, numberOfElements }
}

/** Zeros are left out, as above. */
function ofValues(buckets: readonly Uint8Array[], dataType: DataType): Histogram {
  const counts = new Array<number>(BINS).fill(0)
  const sample = buckets.map((bytes) => numbersOf(bytes, dataType))
  const [min, max] = dataType.startsWith('float') ? extremes(sample) : fullRange(dataType)
  const width = (max - min) / 255 < 1e-7 ? 1 : (max - min) / 255
  const unit = dataType.startsWith('float') ? width : 2 ** (8 * (sampleBytes(dataType) - 1))
  let numberOfElements = 0
  for (const values of sample) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (value === 0 || !Number.isFinite(value)) continue
      numberOfElements++
      // a 64-bit value close to the limit is rounded up to it
      counts[Math.min(BINS - 1, Math.floor((value - min) / unit))]!++
    }
  }
  return { elementCounts: counts, min, max, numberOfElements }
}

function extremes(sample: readonly ArrayLike<number>[]): readonly [number, number] {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (const values of sample) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (value === 0 || !Number.isFinite(value)) continue
      if (value < min) min = value
      if (value > max) max = value
    }
  }
  return min <= max ? [min, max] : [0, 0]
}
