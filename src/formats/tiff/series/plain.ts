/** Pages without a word about them: slices along z. Pyramids of slides: Aperio's, those of vips and GDAL. */
import { Unusable } from '../../../volume/errors.ts'
import type { Kind, Pages } from '../pages.ts'
import { countOf, NO_SIZE, planeNumber, relabel, type Series } from './series.ts'

/** The pages at full size: the kind with most pixels, those marked as smaller copies only where there are no others. */
export function baseKind(kinds: readonly Kind[]): Kind {
  const whole = kinds.filter(({ isReduced, isMask }) => !isReduced && !isMask)
  const pixels = ({ width, height, pages }: Kind) => width * height * pages.length
  const [base] = [...(whole.length > 0 ? whole : kinds)].sort((a, b) => pixels(b) - pixels(a))
  if (!base) throw new Unusable('a TIFF without a page')
  return base
}

export function plainSeries(base: Kind, axes: string | undefined): Series {
  const { pages } = base
  const dims = relabel([{ axis: 'Z', size: pages.length }], axes)
  const number = planeNumber(dims)
  return {
    source: 'pages',
    depth: countOf(dims, 'Z'),
    channels: Array.from({ length: countOf(dims, 'C') }, () => ({})),
    times: countOf(dims, 'T'),
    planeOf: (z, channel, time) => ({ page: pages[number(z, channel, time)]!, behind: 0 }),
    first: { page: pages[0]!, behind: 0 },
    voxelSize: NO_SIZE,
    notes: [],
  }
}

/** Aperio's description says how large a pixel is. Its thumbnail, label and macro are strips, or say so: only tiles are levels. */
export function aperioSeries(description: string, base: Kind): Series {
  const micrometers = Number(/\|\s*MPP\s*=\s*([\d.]+)/.exec(description)?.[1])
  const nm = micrometers > 0 && Number.isFinite(micrometers) ? micrometers * 1000 : undefined
  return { ...plainSeries(base, undefined), source: 'Aperio', voxelSize: [nm, nm, undefined] }
}

/** Said where a chain of pages breaks off. */
export const breakNotes = ({ problem }: Pages): string[] =>
  problem === undefined ? [] : [`cut off or still being written: ${problem}; shown as far as it goes`]
