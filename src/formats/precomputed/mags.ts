/** Scales as mags: whole multiples of the finest voxel of all layers of a dataset. */
import type { Box } from '../../volume/box.ts'
import { boxAt, toMag1 } from '../../volume/box.ts'
import type { Layer, Mag } from '../../volume/chunked-array.ts'
import { messageOf, Unusable } from '../../volume/errors.ts'
import { equals, magLiteral, product, type Vec3 } from '../../volume/vec.ts'
import type { OpenContext } from '../format.ts'
import type { Scale, VolumeInfo } from './metadata.ts'
import { plain } from './source.ts'
import { openScale, type Volume } from './volume.ts'

/** Resolutions are written rounded (17.3 for 4 × 4.32): so far a ratio may lie from a whole number, in parts of it. */
const TOLERANCE = 0.005
const AXES = ['x', 'y', 'z'] as const

/** nm of the finest voxel along each axis, which is mag 1; undefined where there are no volumes. */
export function finestOf(infos: readonly VolumeInfo[]): Vec3 | undefined {
  const all = infos.flatMap(({ scales }) => scales.map(({ resolution }) => resolution))
  if (all.length === 0) return undefined
  const least = (d: 0 | 1 | 2) => Math.min(...all.map((resolution) => resolution[d]))
  return [least(0), least(1), least(2)]
}

/** Throws `Unusable` where no scale can be shown. `finest`: nm of a mag-1 voxel. */
export async function layerParts(
  name: string,
  volume: Volume,
  finest: Vec3,
  context: OpenContext,
): Promise<{ parts: Omit<Layer, 'dataType' | 'channels'>; notes: string[] }> {
  const { info } = volume
  const problems = info.bad.map(({ key, problem }) => `scale ${key}: ${problem}`)
  const chosen: { factor: Vec3; scale: Scale; mag: Mag }[] = []
  // what is hidden from neuroglancer's view is shown only where nothing else has the same mag
  for (const scale of [...info.scales].sort((a, b) => Number(a.isHidden) - Number(b.isHidden))) {
    try {
      const factor = factorOf(scale.resolution, finest)
      const twin = chosen.find((other) => equals(other.factor, factor))
      if (twin) throw new Unusable(`it has the same resolution as ${twin.scale.key}, which is used`)
      const arrays = await openScale(volume, scale, `${context.id}/${name}/${magLiteral(factor)}`, context)
      chosen.push({ factor, scale, mag: { factor, arrays, place: placeOf(volume, scale) } })
    } catch (error) {
      problems.push(`scale ${scale.key}: ${messageOf(error)}`)
    }
  }
  chosen.sort((a, b) => product(a.factor) - product(b.factor))
  const first = chosen[0]
  if (!first) throw new Unusable(problems.join('; '))
  const boundingBox = toMag1(boxAt(first.scale.offset, first.scale.size), first.factor)
  const notes = problems.map((problem) => `layer ${name}, ${problem}`)
  const below = invisible(boundingBox)
  if (below) notes.push(`layer ${name}: ${below}`)
  return { parts: { name, category: info.category, boundingBox, mags: chosen.map(({ mag }) => mag) }, notes }
}

/** As webKnossos writes it: the folder of the scale, beside whose parent's `info` it is described. Undefined where it lies elsewhere. */
function placeOf({ source }: Volume, { key }: Scale): Mag['place'] {
  if (!/^[^/]+$/.test(key) || key === '.' || key === '..') return undefined
  return { dataFormat: 'neuroglancerPrecomputed', uri: `${plain(source).replace(/\/+$/, '')}/${key}` }
}

function factorOf(resolution: Vec3, finest: Vec3): Vec3 {
  const factor = resolution.map((nm, d) => Math.round(nm / finest[d]!)) as unknown as Vec3
  if (resolution.some((nm, d) => Math.abs(nm / finest[d]! - factor[d]!) > TOLERANCE * factor[d]!))
    throw new Unusable(`its resolution ${resolution.join('×')} nm is no whole multiple of the finest, ${finest.join('×')} nm`)
  return factor
}

/** What of a mag-1 box webKnossos cannot show, in words. Throws `Unusable` where that is all of it. */
function invisible({ min, max }: Box): string | undefined {
  const parts = AXES.flatMap((axis, d) => (min[d]! < 0 ? [`${axis} ${min[d]} to ${Math.min(0, max[d]!)}`] : []))
  if (parts.length === 0) return undefined
  if (max.some((edge) => edge <= 0))
    throw new Unusable(`it lies from ${min.join(', ')} to ${max.join(', ')}; webKnossos shows nothing below 0`)
  return `it begins at ${min.join(', ')}, and webKnossos shows nothing below 0: ${parts.join(', ')} cannot be seen there`
}
