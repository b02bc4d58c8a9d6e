/**
 * From voxels to pixels exactly as webKnossos draws its thumbnails (protocol.md 2.5): grey between two intensities, times a colour;
 * ids in the colours its viewer gives them.
 */
import { type DataType, sampleBytes } from '../volume/data-type.ts'
import { numbersOf } from './colours.ts'

export type Range = readonly [number, number]
export type Rgb = readonly [number, number, number]

export interface Colouring {
  readonly dataType: DataType
  /** 3 for RGB voxels, which are taken as they are. */
  readonly channels: number
  readonly isSegmentation: boolean
  /** The values shown black and white. */
  readonly intensityRange?: Range | undefined
  /** 0 to 1 each. */
  readonly colour?: Rgb | undefined
  readonly isInverted?: boolean | undefined
}

/** Writes 3 bytes a voxel. */
export function toPixels(voxels: Uint8Array, colouring: Colouring, pixels: Uint8Array): void {
  const { dataType, channels, isSegmentation } = colouring
  if (isSegmentation) colourIds(voxels, sampleBytes(dataType), pixels)
  else if (channels === 3) pixels.set(voxels)
  else colourGrey(voxels, colouring, pixels)
}

/** What is shown black and white where nobody says it: all an integer type can hold. */
export function fullRange(dataType: DataType): Range {
  if (dataType === 'float32') return [-3.40282347e38, 3.40282347e38]
  if (dataType === 'float64') return [-Number.MAX_VALUE, Number.MAX_VALUE]
  const bits = sampleBytes(dataType) * 8
  return dataType.startsWith('u') ? [0, 2 ** bits - 1] : [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1]
}

function colourGrey(voxels: Uint8Array, { dataType, intensityRange, colour = [1, 1, 1], isInverted }: Colouring, pixels: Uint8Array): void {
  const [low, high] = intensityRange ?? fullRange(dataType)
  const values = numbersOf(voxels, dataType)
  const tables = colour.map((part) => Uint8Array.from({ length: 256 }, (_, grey) => Math.trunc((isInverted ? 255 - grey : grey) * part)))
  const [red, green, blue] = tables as [Uint8Array, Uint8Array, Uint8Array]
  for (let i = 0, at = 0; i < values.length; i++, at += 3) {
    const value = values[i]!
    // above a range that is one value only everything is white; a NaN is black
    const share = value <= low ? 0 : value >= high ? 1 : (value - low) / (high - low)
    const grey = Math.round(share * 255) || 0
    pixels[at] = red[grey]!
    pixels[at + 1] = green[grey]!
    pixels[at + 2] = blue[grey]!
  }
}

const BACKGROUND = 100
const COLOURS = 19

function colourIds(voxels: Uint8Array, size: number, pixels: Uint8Array): void {
  for (let from = 0, at = 0; from < voxels.length; from += size, at += 3) {
    let any = 0
    for (let b = 0; b < size; b++) any |= voxels[from + b]!
    if (any === 0) {
      pixels.fill(BACKGROUND, at, at + 3)
      continue
    }
    const low = voxels[from]! + (size > 1 ? voxels[from + 1]! << 8 : 0)
    const high = size === 8 ? voxels[from + 4]! + (voxels[from + 5]! << 8) : 0
    const colour = SEGMENT_COLOURS[(low + high) % COLOURS]!
    pixels[at] = colour[0]
    pixels[at + 1] = colour[1]
    pixels[at + 2] = colour[2]
  }
}

/** webKnossos's "jet": from blue over green and yellow to red. `x` from 0 to 1. */
function jet(x: number): Rgb {
  const red = x < 0.89 ? (x - 0.35) / 0.31 : 1 - ((x - 0.89) / 0.11) * 0.5
  const green = x < 0.64 ? (x - 0.125) * 4 : 1 - (x - 0.64) / 0.27
  const blue = x < 0.34 ? 0.5 + (x * 0.5) / 0.11 : 1 - (x - 0.34) / 0.31
  const byte = (part: number) => Math.round(255 * Math.max(0, Math.min(1, part)))
  return [byte(red), byte(green), byte(blue)]
}

/**
 * The colour of the ids whose index is n modulo 19: powers of 2, a primitive root of 19, put neighbours far apart on the scale. The
 * power for 0 would be that for 18 again, so it stands at the end of the scale instead.
 */
export const SEGMENT_COLOURS: readonly Rgb[] = Array.from({ length: COLOURS }, (_, n) =>
  jet((n === 0 ? COLOURS : 2 ** (n + 1) % COLOURS) / COLOURS),
)
