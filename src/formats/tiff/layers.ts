/** Layers of a series: one per channel, with its mags, its colour, and time as an axis of its own. */
import { boxAt } from '../../volume/box.ts'
import type { BrokenLayer, Coordinate, Layer, Mag } from '../../volume/chunked-array.ts'
import type { MaybePromise } from '../../volume/maybe-promise.ts'
import { magLiteral, ZERO } from '../../volume/vec.ts'
import type { OpenContext } from '../format.ts'
import { looksLikeSegmentation, presentLayers } from '../layer.ts'
import { TiffArray } from './array.ts'
import type { LayerSettings } from './config.ts'
import type { Level } from './levels.ts'
import { nameSuffix } from './metadata.ts'
import type { Page } from './page.ts'
import type { Plane } from './plane.ts'
import type { Channel } from './series/series.ts'

/** A volume of planes, wherever they come from. */
export interface Volume {
  readonly name: string
  readonly depth: number
  readonly channels: readonly Channel[]
  readonly times: number
  readonly levels: readonly Pick<Level, 'factor' | 'page'>[]
  /** Each read takes a round trip. */
  readonly isFar: boolean
  planeAt(level: number, z: number, channel: number, time: number): MaybePromise<Plane | undefined>
}

export interface Layers {
  readonly layers: readonly Layer[]
  readonly broken: readonly BrokenLayer[]
}

/** Layers fixed at a time that are kept. */
const KEPT_TIMES = 64

/** `settings`: by the layer's own name, else by that of its file. */
export function volumeLayers(volume: Volume, settings: ReadonlyMap<string, LayerSettings>, context: OpenContext): Layers {
  const { name, channels } = volume
  const own = settings.get(name)
  const page = volume.levels[0]!.page
  const layers: Layer[] = []
  const broken: BrokenLayer[] = []
  channels.forEach((channel, c) => {
    const suffix = channels.length > 1 ? `_${nameSuffix(channel.name) ?? `c${c}`}` : ''
    for (const { samplePlanes, name: full } of sampleLayers(page, name + suffix)) {
      const parts = (time: number) => ({
        full,
        samplePlanes,
        category: categoryOf(full, page, settings.get(full) ?? own),
        mags: magsOf(volume, full, samplePlanes, c, time, context),
      })
      const made = timed(volume, parts, channel)
      layers.push(...made.layers)
      broken.push(...made.broken)
    }
  })
  const configured = layers.map((layer) => configure(layer, settings.get(layer.name) ?? own))
  return own?.channel === undefined ? { layers: configured, broken } : pickChannel(name, own.channel, configured, broken)
}

interface Parts {
  readonly full: string
  readonly category: Layer['category']
  readonly mags: readonly Mag[]
}

function timed(volume: Volume, parts: (time: number) => Parts, channel: Channel): Layers {
  const page = volume.levels[0]!.page
  const at = (time: number): Layers => {
    const { full, category, mags } = parts(time)
    const extra = viewConfiguration(channel.color, channel.intensityRange)
    return presentLayers({ name: full, category, boundingBox: boxAt(ZERO, [page.width, page.height, volume.depth]), mags, extra })
  }
  const first = at(0)
  if (volume.times === 1) return first
  const additionalAxes = [{ name: 't', bounds: [0, volume.times] as const }]
  const kept = new Map<number, readonly Layer[]>()
  const layersAt = (time: number): readonly Layer[] => {
    const layers = kept.get(time) ?? at(time).layers
    kept.set(time, layers)
    if (kept.size > KEPT_TIMES) kept.delete(kept.keys().next().value!)
    return layers
  }
  const layers = first.layers.map(
    (layer, n): Layer => ({
      ...layer,
      additionalAxes,
      at: (coordinates: readonly Coordinate[]) => {
        const time = coordinates.find(({ name }) => name === 't')?.value ?? 0
        return Number.isInteger(time) && time >= 0 && time < volume.times ? (layersAt(time)[n] as Layer) : undefined
      },
    }),
  )
  return { layers, broken: first.broken }
}

function magsOf(volume: Volume, full: string, samplePlanes: readonly number[], channel: number, time: number, context: OpenContext): Mag[] {
  return volume.levels.map(({ factor, page }, level): Mag => {
    const parts = {
      id: `${context.id}/${full}/${magLiteral(factor)}${volume.times > 1 ? `/t${time}` : ''}`,
      page,
      depth: volume.depth,
      isFar: volume.isFar,
      samplePlanes,
      planeAt: (z: number) => volume.planeAt(level, z, channel, time),
      changed: () => context.changed(),
      buffers: context.buffers,
    }
    return { factor, arrays: [new TiffArray(parts)] }
  })
}

/** The layers the samples of a pixel make: one, except for planes that are no colours. */
function sampleLayers(page: Page, name: string): { name: string; samplePlanes: readonly number[] }[] {
  if (!page.planar) return [{ name, samplePlanes: [] }]
  const planes = Array.from({ length: page.served }, (_, n) => n)
  if (page.isRgb && page.dataType === 'uint8') return [{ name, samplePlanes: planes }]
  return planes.map((n) => ({ name: planes.length > 1 ? `${name}_c${n}` : name, samplePlanes: [n] }))
}

const categoryOf = (name: string, page: Page, settings: LayerSettings | undefined): Layer['category'] =>
  settings?.category ?? (looksLikeSegmentation(name) && page.dataType !== 'float32' && !page.isRgb ? 'segmentation' : 'color')

function viewConfiguration(color: Channel['color'], intensityRange: Channel['intensityRange']): Layer['extra'] {
  if (!color && !intensityRange) return undefined
  return { defaultViewConfiguration: { ...(color && { color }), ...(intensityRange && { intensityRange }) } }
}

/** What datasets.json says wins over what the file says. */
function configure(layer: Layer, settings: LayerSettings | undefined): Layer {
  const stated = layer.extra?.['defaultViewConfiguration'] as
    | { color?: Channel['color']; intensityRange?: Channel['intensityRange'] }
    | undefined
  if (layer.category === 'segmentation') return { ...layer, extra: undefined }
  return { ...layer, extra: viewConfiguration(settings?.color ?? stated?.color, settings?.intensityRange ?? stated?.intensityRange) }
}

function pickChannel(name: string, channel: number | string, layers: readonly Layer[], broken: readonly BrokenLayer[]): Layers {
  const picked = typeof channel === 'number' ? layers[channel] : layers.find((layer) => layer.name === `${name}_${nameSuffix(channel)}`)
  if (picked) return { layers: [{ ...picked, name }], broken }
  const there = layers.map((layer) => layer.name.slice(name.length + 1)).join(', ')
  return {
    layers: [],
    broken: [...broken, { name, status: `it has no channel ${JSON.stringify(channel)}; it has ${layers.length}: ${there}` }],
  }
}
