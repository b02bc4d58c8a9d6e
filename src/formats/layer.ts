/** What every format has to decide the same way about a layer: is there a word for its voxels, and what is it called. */
import type { BrokenLayer, Layer, Mag } from '../volume/chunked-array.ts'
import { elementClassOf } from '../volume/data-type.ts'
import { Unusable } from '../volume/errors.ts'

/** Layers called so are segmentations where nothing else says it. */
export const looksLikeSegmentation = (name: string): boolean => /^(segmentation|labels)/i.test(name)

type Parts = Omit<Layer, 'dataType' | 'channels'>

/**
 * The layers webKnossos can show of voxels with these mags: one where it has an element class for them, one per channel
 * (`<name>_<channel>`) where it has not, none but a reason where it can display them in no way.
 */
export function presentLayers(parts: Parts, channelNames: readonly string[] = []): { layers: Layer[]; broken: BrokenLayer[] } {
  const { dataType, channels } = parts.mags[0]!.arrays[0]!
  const refuse = (status: string) => ({ layers: [], broken: [{ name: parts.name, status }] })
  if (dataType === 'float64')
    return refuse('its voxels are 64-bit floats (double), which webKnossos cannot display; convert them to 32-bit floats')
  if (parts.category === 'segmentation' && (dataType === 'float32' || elementClassOf(dataType, channels) === 'uint24')) {
    return refuse(`a segmentation has integer ids, these voxels are ${dataType === 'float32' ? 'floats' : 'RGB colours'}`)
  }
  if (elementClassOf(dataType, channels)) return { layers: [{ ...parts, dataType, channels }], broken: [] }
  const layers = Array.from({ length: channels }, (_, channel): Layer => {
    const mags = parts.mags.map((mag): Mag => ({ ...mag, channel }))
    return { ...parts, name: `${parts.name}_${channelNames[channel] ?? `c${channel}`}`, mags, dataType, channels: 1 }
  })
  return { layers, broken: [] }
}

/** Why a dataset without a layer that works cannot be shown; `otherwise` where it has none at all. */
export function noLayers(broken: readonly BrokenLayer[], otherwise: string): Unusable {
  const reasons = broken.map(({ name, status }) => `layer ${name}: ${status}`).join('; ')
  return new Unusable(reasons || otherwise, broken.find(({ leadsTo }) => leadsTo)?.leadsTo)
}

/** The name itself, or with the first free of _2, _3, … behind it. Takes it. */
export function uniqueName(name: string, taken: Set<string>): string {
  let unique = name
  for (let n = 2; taken.has(unique); n++) unique = `${name}_${n}`
  taken.add(unique)
  return unique
}
