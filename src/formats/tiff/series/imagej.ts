/** ImageJ stacks and hyperstacks: a description of `key=value` lines, channels fastest, then z, then time. */
import { nanometersPer } from '../../../volume/voxel-size.ts'
import type { Ifd } from '../ifd.ts'
import { imageJDisplay } from './imagej-metadata.ts'
import { type Channel, countOf, planeNumber, relabel, type Series } from './series.ts'

export interface ImageJ {
  readonly images: number
  readonly channels: number
  readonly slices: number
  readonly frames: number
  /** Nanometres between slices. */
  readonly spacing: number | undefined
  /** Nanometres of the unit of the resolution tags. */
  readonly unit: number | undefined
  readonly range: readonly [number, number] | undefined
}

export function parseImageJ(description: string): ImageJ | undefined {
  if (!description.startsWith('ImageJ=')) return undefined
  const values = new Map(description.split(/\r?\n/).map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]))
  const count = (key: string) => Math.min(1e7, Math.max(1, Math.floor(Number(values.get(key)) || 1)))
  const number = (key: string) => (values.has(key) ? Number(values.get(key)) : Number.NaN)
  const nm = nanometersPer(values.get('unit')?.replace('\\u00B5', 'µ') ?? '')
  const spacing = Math.abs(number('spacing'))
  const [min, max] = [number('min'), number('max')]
  return {
    images: count('images'),
    channels: count('channels'),
    slices: count('slices'),
    frames: count('frames'),
    spacing: nm && spacing > 0 && Number.isFinite(spacing) ? spacing * nm : undefined,
    unit: nm,
    range: Number.isFinite(min) && min < max ? [min, max] : undefined,
  }
}

/**
 * `planes`: how many there are; `isContiguous`: only the first has a directory. A stack that says nothing of its axes, or whose counts
 * do not fit, is one along z.
 */
export function imageJSeries(
  stack: ImageJ,
  ifd: Ifd,
  planes: number,
  isContiguous: boolean,
  perUnit: readonly [number, number] | undefined,
  axes: string | undefined,
): Series {
  const { images, channels, frames, unit, spacing } = stack
  const stated = Math.max(planes, images)
  const slices = channels * stack.slices * frames === stated ? stack.slices : Math.max(1, Math.floor(stated / (channels * frames)))
  const dims = relabel(
    [
      { axis: 'T', size: frames },
      { axis: 'Z', size: slices },
      { axis: 'C', size: channels },
    ],
    axes,
  )
  const number = planeNumber(dims)
  const edge = (pixels: number | undefined) => (unit && pixels && pixels > 0 && Number.isFinite(pixels) ? unit / pixels : undefined)
  const shown = countOf(dims, 'C')
  const display = imageJDisplay(ifd)
  const channel = (n: number): Channel => ({
    color: shown > 1 ? display.colors[n] : undefined,
    intensityRange: display.ranges[n] ?? (shown === 1 ? stack.range : undefined),
  })
  return {
    source: 'ImageJ',
    depth: countOf(dims, 'Z'),
    channels: Array.from({ length: shown }, (_, n) => channel(n)),
    times: countOf(dims, 'T'),
    planeOf: (z, c, t) => {
      const n = number(z, c, t)
      return n < planes ? (isContiguous ? { page: 0, behind: n } : { page: n, behind: 0 }) : undefined
    },
    first: { page: 0, behind: 0 },
    voxelSize: [edge(perUnit?.[0]), edge(perUnit?.[1]), spacing],
    notes: planes < images ? [`${images - planes} of ${images} images are not in the file: empty`] : [],
  }
}
