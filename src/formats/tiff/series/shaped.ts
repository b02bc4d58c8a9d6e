/** tifffile's own descriptions: `{"shape": [4, 2, 33, 47], "axes": "ZCYX"}`, with a directory for every plane or for the first only. */
import { Unusable } from '../../../volume/errors.ts'
import type { Page } from '../page.ts'
import { countOf, type Dim, dimsOf, NO_SIZE, planeNumber, relabel, type Series } from './series.ts'

interface Shaped {
  readonly dims: readonly Dim[]
  /** Pages that should be there. */
  readonly planes: number
}

/** Undefined where the description is none of these, or says nothing beyond a single plane. */
export function parseShaped(description: string, page: Page): Shaped | undefined {
  if (!description.startsWith('{"shape":')) return undefined
  let json: { shape?: unknown; axes?: unknown }
  try {
    json = JSON.parse(description)
  } catch {
    return undefined
  }
  const shape = json.shape
  if (!Array.isArray(shape) || shape.length > 16 || !shape.every((size) => Number.isSafeInteger(size) && size > 0)) return undefined
  const inPage = page.samples > 1 ? 3 : 2
  const sizes = shape.slice(0, Math.max(0, shape.length - inPage)) as number[]
  const planes = sizes.reduce((product, size) => product * size, 1)
  if (planes > 1e7) throw new Unusable(`its description claims a shape of ${shape.join('×')}`)
  if (planes === 1) return undefined
  const axes = typeof json.axes === 'string' && json.axes.length === shape.length ? json.axes.toUpperCase().slice(0, sizes.length) : ''
  // without names everything before y and x is z
  return { dims: axes ? dimsOf(axes, sizes) : [{ axis: 'Z', size: planes }], planes }
}

/** `available`: planes that are there; `isContiguous`: only the first has a directory. */
export function shapedSeries({ dims: stated, planes }: Shaped, available: number, isContiguous: boolean, axes: string | undefined): Series {
  const dims = relabel(stated, axes)
  const number = planeNumber(dims)
  return {
    source: 'tifffile',
    depth: countOf(dims, 'Z'),
    channels: Array.from({ length: countOf(dims, 'C') }, () => ({})),
    times: countOf(dims, 'T'),
    planeOf: (z, channel, time) => {
      const n = number(z, channel, time)
      return n < available ? (isContiguous ? { page: 0, behind: n } : { page: n, behind: 0 }) : undefined
    },
    first: { page: 0, behind: 0 },
    voxelSize: NO_SIZE,
    notes: available < planes ? [`${planes - available} of ${planes} planes are not in the file: empty`] : [],
  }
}
