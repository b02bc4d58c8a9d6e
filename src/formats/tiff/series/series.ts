/** How the pages of one or several files make up a volume. */
import { Unusable } from '../../../volume/errors.ts'

export interface PlaneAddress {
  /** Key of the file; undefined for the one that was opened. */
  readonly file?: string | undefined
  /** Number in the chain of pages. */
  readonly page: number
  /** How many planes behind that page's own, where only the first of them has a directory. */
  readonly behind: number
}

export interface Channel {
  readonly name?: string | undefined
  /** 0 to 255. */
  readonly color?: readonly [number, number, number] | undefined
  readonly intensityRange?: readonly [number, number] | undefined
}

export interface Series {
  readonly source: 'OME' | 'ImageJ' | 'tifffile' | 'Aperio' | 'pages'
  readonly depth: number
  /** One at least. Samples of a pixel are not among them. */
  readonly channels: readonly Channel[]
  readonly times: number
  /** Where a plane is; undefined where none is stored. */
  planeOf(z: number, channel: number, time: number): PlaneAddress | undefined
  /** The plane that says what all are like. */
  readonly first: PlaneAddress
  /** Nanometres; a component that is not stated is undefined. */
  readonly voxelSize: readonly [number | undefined, number | undefined, number | undefined]
  readonly notes: readonly string[]
}

/** One axis of pages: Z, C or T. */
export interface Dim {
  readonly axis: string
  readonly size: number
}

export const NO_SIZE = [undefined, undefined, undefined] as const

export const countOf = (dims: readonly Dim[], axis: string): number => dims.find((dim) => dim.axis === axis)?.size ?? 1

/** `dims`: slowest first, as the planes are stored. The number of a plane among them. */
export function planeNumber(dims: readonly Dim[]): (z: number, channel: number, time: number) => number {
  const strides = { Z: 0, C: 0, T: 0 } as Record<string, number>
  let stride = 1
  for (const { axis, size } of [...dims].reverse()) {
    strides[axis] = stride
    stride *= size
  }
  return (z, channel, time) => z * strides['Z']! + channel * strides['C']! + time * strides['T']!
}

/** Other axes are z where nothing else is; more than three dimensions of pages cannot be told apart. */
export function dimsOf(axes: string, shape: readonly number[]): Dim[] {
  const dims = [...axes].map((axis, n) => ({ axis, size: shape[n]! })).filter(({ size }) => size > 1)
  const named = dims.map(({ axis }) => (axis === 'Z' || axis === 'C' || axis === 'T' ? axis : undefined))
  const unnamed = named.filter((axis) => axis === undefined).length
  if (unnamed === 1 && !named.includes('Z')) return dims.map(({ size }, n) => ({ axis: named[n] ?? 'Z', size }))
  if (unnamed > 0)
    throw new Unusable(`its axes are ${axes}YX (${shape.join('×')} pages): say in datasets.json which they are, as in "axes": "TZCYX"`)
  return dims
}

/**
 * The dimensions called as datasets.json does (`axes`), where what the file says is wrong. Dimensions of one page need no letter.
 * Throws `Unusable` where the number of dimensions differs.
 */
export function relabel(dims: readonly Dim[], axes: string | undefined): readonly Dim[] {
  if (axes === undefined) return dims
  const letters = axes.toUpperCase().replace(/S$/, '').replace(/YX$/, '')
  const long = dims.filter(({ size }) => size > 1)
  const given =
    letters.length === long.length
      ? letters
      : letters.length === dims.length
        ? [...letters].filter((_, n) => dims[n]!.size > 1).join('')
        : ''
  if (given.length !== long.length || /[^ZCT]/.test(given) || new Set(given).size !== given.length) {
    const found = long.map(({ axis, size }) => `${axis}=${size}`).join(' ') || 'none'
    throw new Unusable(`"axes": "${axes}" in datasets.json does not fit its dimensions of pages: ${found}`)
  }
  return long.map(({ size }, n) => ({ axis: given[n]!, size }))
}
