/** From voxels to pixels a person can see: contrast for grey, a colour for each id of a segmentation. */
import type { Layer } from '../volume/chunked-array.ts'
import { type DataType, sampleBytes } from '../volume/data-type.ts'
import type { Plane } from './plane.ts'
import type { Picture } from './png.ts'

/** Darkest and brightest hundredth of the voxels are cut off. */
const CUT = 0.01

export function paint(plane: Plane, layer: Layer): Picture {
  const { width, height, voxels } = plane
  if (layer.category === 'segmentation') return { width, height, samples: 3, pixels: colourIds(voxels, layer.dataType) }
  if (layer.channels === 3) return { width, height, samples: 3, pixels: voxels }
  return { width, height, samples: 1, pixels: stretch(numbersOf(voxels, layer.dataType)) }
}

/** Samples as numbers; 64-bit ones lose what a double cannot hold, which no picture shows. */
export function numbersOf(bytes: Uint8Array, type: DataType): ArrayLike<number> {
  const { buffer } = bytes.slice()
  switch (type) {
    case 'uint8':
      return new Uint8Array(buffer)
    case 'uint16':
      return new Uint16Array(buffer)
    case 'uint32':
      return new Uint32Array(buffer)
    case 'int8':
      return new Int8Array(buffer)
    case 'int16':
      return new Int16Array(buffer)
    case 'int32':
      return new Int32Array(buffer)
    case 'float32':
      return new Float32Array(buffer)
    case 'float64':
      return new Float64Array(buffer)
    case 'uint64':
      return Float64Array.from(new BigUint64Array(buffer), Number)
    case 'int64':
      return Float64Array.from(new BigInt64Array(buffer), Number)
  }
}

/** 0 to 255 between the percentiles. Zeros, mostly the rim where nothing was recorded, count only where there is nothing else. */
function stretch(values: ArrayLike<number>): Uint8Array {
  const all = Float64Array.from(values)
  const finite = all.filter(Number.isFinite)
  const without = finite.filter((value) => value !== 0)
  const sorted = (without.length > 0 ? without : finite).sort()
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const low = at(CUT)
  const high = at(1 - CUT)
  const flat = sorted.length > 0 && high === low
  const pixels = new Uint8Array(all.length)
  for (let i = 0; i < all.length; i++) {
    const value = all[i]!
    if (flat) pixels[i] = value === 0 ? 0 : 128
    // a NaN becomes 0 when it is stored
    else pixels[i] = Math.max(0, Math.min(255, ((value - low) / (high - low)) * 255))
  }
  return pixels
}

/** Neighbouring ids get far hues; 0, no segment, is black. */
function colourIds(bytes: Uint8Array, type: DataType): Uint8Array {
  const size = sampleBytes(type)
  const count = bytes.length / size
  const pixels = new Uint8Array(count * 3)
  const colours = new Map<string, readonly [number, number, number]>()
  for (let i = 0; i < count; i++) {
    const id = bytes.subarray(i * size, (i + 1) * size)
    if (id.every((byte) => byte === 0)) continue
    const key = id.join(',')
    let colour = colours.get(key)
    if (!colour) colours.set(key, (colour = colourOf(Bun.hash.crc32(id))))
    pixels.set(colour, i * 3)
  }
  return pixels
}

function colourOf(hash: number): readonly [number, number, number] {
  const hue = hash % 360
  const light = 0.45 + ((hash >>> 9) % 100) / 400
  const channel = (shift: number) => {
    const k = (shift + hue / 30) % 12
    return Math.round(255 * (light - 0.35 * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}
