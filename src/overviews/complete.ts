/** Gives a dataset the mags it lacks. */
import { intersect, toMag } from '../volume/box.ts'
import type { Dataset, Layer, Mag } from '../volume/chunked-array.ts'
import { coarserMags } from '../volume/coarser.ts'
import { magLiteral, product, type Vec3 } from '../volume/vec.ts'
import { DownsampledArray } from './array.ts'
import type { Overviews, Root } from './overviews.ts'

export interface CompleteOptions {
  readonly versionedId: string
  readonly overviews: Overviews
  readonly version: Root['version']
  /** When the dataset was opened. */
  readonly openedMs: number
  /** Whether a mag can be read at all: one that cannot is no ground to build on. */
  readonly isReadable: (mag: Mag) => boolean
}

/** Layers with all their stored mags, and behind them those that are made. What is stored stays as it is, also where one is lacking. */
export const completeDataset = (dataset: Dataset, options: CompleteOptions): Dataset => ({
  ...dataset,
  layers: dataset.layers.map((layer) => completeLayer(layer, dataset.voxelSize.nm, options)),
})

function completeLayer(layer: Layer, voxelSizeNm: Vec3, options: CompleteOptions): Layer {
  const mags = [...layer.mags, ...madeMags(layer, voxelSizeNm, options)]
  if (!layer.at) return { ...layer, mags }
  return {
    ...layer,
    mags,
    at: (coordinates) => {
      const fixed = layer.at!(coordinates)
      return fixed && completeLayer(fixed, voxelSizeNm, options)
    },
  }
}

function madeMags(layer: Layer, voxelSizeNm: Vec3, { versionedId, overviews, version, openedMs, isReadable }: CompleteOptions): Mag[] {
  const base = layer.mags.findLast(isReadable)
  const array = base?.arrays[0]
  if (!base || !array) return []
  const root = { array, openedMs, version }
  overviews.opened(array)
  const largestStored = Math.max(...layer.mags.flatMap(({ factor }) => factor))
  const rule = layer.category === 'segmentation' ? 'mode' : 'mean'
  const mags: Mag[] = []
  let below: Mag['arrays'][number] = array
  let boxBelow = intersect(array.box, toMag(layer.boundingBox, base.factor))
  let weight = 1
  for (const [n, { step, factor, isListed }] of coarserMags(base.factor, layer.boundingBox, voxelSizeNm).entries()) {
    weight *= product(step)
    const place = { versionedId, layer: layer.name, mag: magLiteral(factor) }
    below = new DownsampledArray({ root, below, boxBelow, step, depth: n + 1, weight, rule, place, overviews })
    boxBelow = below.box
    if (isListed && Math.max(...factor) > largestStored) mags.push({ factor, arrays: [below], channel: base.channel, isComputed: true })
  }
  return mags
}
