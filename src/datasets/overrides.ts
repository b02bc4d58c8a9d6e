/**
 * What somebody changed about the description of datasets in webKnossos: category, bounding box, view, voxel size, layers and mags left
 * out. Kept beside the data, never in them; only what differs from what the files say, so that a dataset may grow later.
 */
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { type Box, boxAt } from '../volume/box.ts'
import type { Dataset, Layer } from '../volume/chunked-array.ts'
import { largestIdOf } from '../volume/data-type.ts'
import { nanometersPer } from '../volume/voxel-size.ts'
import { isRecord, readEntries } from './entries.ts'
import { keyOf } from './found.ts'
import { changeDatasetsFile, type Json } from './write.ts'

const Triple = Type.Tuple([Type.Number(), Type.Number(), Type.Number()])
const Edge = Type.Number({ exclusiveMinimum: 0 })
const Size = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const Mag = Type.Tuple([Size, Size, Size])
const BoxJson = Type.Object({
  topLeft: Type.Tuple([Type.Integer(), Type.Integer(), Type.Integer()]),
  width: Size,
  height: Size,
  depth: Size,
})
const Category = Type.Union([Type.Literal('color'), Type.Literal('segmentation')])
const View = Type.Record(Type.String(), Type.Unknown())
/** A number, or digits where it is too large for one. */
const SegmentId = Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^\\d{1,20}$' })])

const LayerOverride = Type.Object({
  category: Type.Optional(Category),
  boundingBox: Type.Optional(BoxJson),
  largestSegmentId: Type.Optional(SegmentId),
  defaultViewConfiguration: Type.Optional(View),
  adminViewConfiguration: Type.Optional(View),
  coordinateTransformations: Type.Optional(Type.Array(Type.Unknown())),
  withoutMags: Type.Optional(Type.Array(Mag)),
})
type LayerOverride = Static<typeof LayerOverride>

const OverrideSchema = Type.Object({
  /** Nanometres per voxel. */
  scale: Type.Optional(Type.Tuple([Edge, Edge, Edge])),
  defaultViewConfiguration: Type.Optional(View),
  withoutLayers: Type.Optional(Type.Array(Type.String())),
  layers: Type.Optional(Type.Record(Type.String(), LayerOverride)),
})
export type Override = Static<typeof OverrideSchema>
/** By organization/dataset. */
export type Overrides = ReadonlyMap<string, Override>

const open = { additionalProperties: true }
const Nullable = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

/** A data source as webKnossos sends it after somebody has changed it (protocol.md 2.9). */
export const EditedDataSource = Type.Object(
  {
    dataLayers: Type.Array(
      Type.Object(
        {
          name: Type.String({ minLength: 1 }),
          category: Category,
          boundingBox: BoxJson,
          mags: Nullable(Type.Array(Type.Object({ mag: Type.Union([Mag, Size]) }, open))),
          largestSegmentId: Nullable(Type.Union([SegmentId, Type.Object({ value: Type.String({ pattern: '^\\d{1,20}$' }) }, open)])),
          defaultViewConfiguration: Nullable(View),
          adminViewConfiguration: Nullable(View),
          coordinateTransformations: Nullable(Type.Array(Type.Unknown())),
        },
        open,
      ),
    ),
    scale: Type.Union([Triple, Type.Object({ factor: Triple, unit: Type.String() }, open)]),
    defaultViewConfiguration: Nullable(View),
  },
  open,
)
export type EditedDataSource = Static<typeof EditedDataSource>

const isEqual = (a: unknown, b: unknown): boolean => Bun.deepEquals(a, b)

/** What of an edited description is another than the dataset's own; an empty object for nothing. Layers nobody knows are passed over. */
export function overrideOf(dataset: Dataset, edited: EditedDataSource): Override {
  const layers: Record<string, LayerOverride> = {}
  const withoutLayers: string[] = []
  for (const layer of dataset.layers) {
    const now = edited.dataLayers.find(({ name }) => name === layer.name)
    if (!now) withoutLayers.push(layer.name)
    else {
      const changes = changesOf(layer, now)
      if (Object.keys(changes).length > 0) layers[layer.name] = changes
    }
  }
  const scale = scaleOf(edited.scale)
  const view = edited.defaultViewConfiguration
  return {
    ...(scale && !isEqual(scale, [...dataset.voxelSize.nm]) ? { scale } : {}),
    ...(view && !isEqual(view, dataset.extra?.['defaultViewConfiguration']) ? { defaultViewConfiguration: view } : {}),
    ...(withoutLayers.length > 0 ? { withoutLayers } : {}),
    ...(Object.keys(layers).length > 0 ? { layers } : {}),
  }
}

const HANDED_ON = ['defaultViewConfiguration', 'adminViewConfiguration', 'coordinateTransformations'] as const

function changesOf(layer: Layer, now: EditedDataSource['dataLayers'][number]): LayerOverride {
  const changes: Record<string, unknown> = {}
  if (now.category !== layer.category) changes['category'] = now.category
  if (!isEqual(boxFromJson(now.boundingBox), layer.boundingBox)) changes['boundingBox'] = now.boundingBox
  for (const key of HANDED_ON) if (now[key] && !isEqual(now[key], layer.extra?.[key])) changes[key] = now[key]
  const { largestSegmentId: id } = now
  const largest = typeof id === 'object' ? id?.value : id
  const own = layer.largestSegmentId ?? largestIdOf(layer.dataType)
  // core before version 15 was told the largest number it knows
  const isOwn = String(largest) === String(own) || (own > Number.MAX_SAFE_INTEGER && largest === Number.MAX_SAFE_INTEGER)
  if (now.category === 'segmentation' && largest !== undefined && !isOwn) changes['largestSegmentId'] = largest
  const kept = now.mags?.map(({ mag }) => (typeof mag === 'number' ? [mag, mag, mag] : mag))
  const withoutMags = layer.mags.map(({ factor }) => [...factor]).filter((factor) => kept && !kept.some((one) => isEqual(one, factor)))
  // a description of other mags only is no removal of all of ours
  if (withoutMags.length > 0 && withoutMags.length < layer.mags.length) changes['withoutMags'] = withoutMags
  return changes as LayerOverride
}

function scaleOf(scale: EditedDataSource['scale']): Override['scale'] | undefined {
  const [factor, nm] = Array.isArray(scale) ? [scale, 1] : [scale.factor, nanometersPer(scale.unit)]
  if (!nm || !factor.every((edge) => edge > 0 && Number.isFinite(edge * nm))) return undefined
  return [factor[0] * nm, factor[1] * nm, factor[2] * nm]
}

const boxFromJson = ({ topLeft, width, height, depth }: Static<typeof BoxJson>): Box => boxAt(topLeft, [width, height, depth])

/** The dataset as it is to be described; its voxels stay what they are. */
export function described(dataset: Dataset, override: Override | undefined): Dataset {
  if (!override) return dataset
  const { scale, defaultViewConfiguration, withoutLayers = [], layers = {} } = override
  return {
    ...dataset,
    layers: dataset.layers.filter(({ name }) => !withoutLayers.includes(name)).map((layer) => describeLayer(layer, layers[layer.name])),
    ...(scale ? { voxelSize: { nm: scale, source: 'webKnossos' } } : {}),
    ...(defaultViewConfiguration ? { extra: { ...dataset.extra, defaultViewConfiguration } } : {}),
  }
}

function describeLayer(layer: Layer, override: LayerOverride | undefined): Layer {
  if (!override) return layer
  const { category, boundingBox, largestSegmentId: id, withoutMags = [] } = override
  const extra = Object.fromEntries(HANDED_ON.filter((key) => override[key]).map((key) => [key, override[key]]))
  return {
    ...layer,
    ...(category ? { category } : {}),
    ...(boundingBox ? { boundingBox: boxFromJson(boundingBox) } : {}),
    ...(id === undefined ? {} : { largestSegmentId: typeof id === 'string' ? BigInt(id) : id }),
    mags: layer.mags.filter(({ factor }) => !withoutMags.some((mag) => isEqual(mag, [...factor]))),
    extra: { ...layer.extra, ...extra },
  }
}

/** Reads the file: `{organization: {dataset: override}}`. A problem where it is broken; entries of another shape are passed over. */
export async function readOverrides(path: string): Promise<Overrides | { readonly problem: string }> {
  const file = await readEntries(path)
  if (file && 'problem' in file) return file
  const overrides = new Map<string, Override>()
  for (const [organization, datasets] of Object.entries(file?.json ?? {})) {
    if (!isRecord(datasets)) continue
    for (const [name, override] of Object.entries(datasets))
      if (Value.Check(OverrideSchema, override)) overrides.set(keyOf(organization, name), override)
  }
  return overrides
}

/** Stores it, or forgets what is stored where it says nothing. Throws `CannotWrite`. */
export async function writeOverride(path: string, organization: string, name: string, override: Override): Promise<void> {
  await changeDatasetsFile(path, (json) => {
    const datasets: Json = isRecord(json[organization]) ? json[organization] : {}
    if (Object.keys(override).length > 0) datasets[name] = override
    else delete datasets[name]
    if (Object.keys(datasets).length > 0) json[organization] = datasets
    else delete json[organization]
  })
}
