/** Neuroglancer Precomputed: an `info` per layer, a folder per scale, a file per chunk or shard. Spec: formats.md 2. */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Store } from '../../stores/store.ts'
import type { BrokenLayer, Dataset, Layer } from '../../volume/chunked-array.ts'
import { messageOf, Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import type { Format, OpenContext } from '../format.ts'
import { noLayers, presentLayers } from '../layer.ts'
import { finestOf, layerParts } from './mags.ts'
import { openMeshes } from './meshes/index.ts'
import { firstProblem } from './metadata.ts'
import { INFO_KEY, openVolume, type Volume } from './volume.ts'

/** What datasets.json says: layers by name, with `type` as it is expected, and what opens their buckets. */
const Config = Type.Object(
  {
    layers: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Object({ source: Type.String({ minLength: 1 }), type: Type.Optional(Type.String()) }, { additionalProperties: true }),
      ),
    ),
    credentials: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: true },
)

export const neuroglancer: Format = {
  name: 'neuroglancer',
  async open(store, options, context) {
    const config = options.config ?? {}
    if (!Value.Check(Config, config)) throw new Unusable(`its entry in datasets.json ${firstProblem(Config, config)}`)
    const broken: BrokenLayer[] = []
    const volumes = config.layers
      ? await listedVolumes(config.layers, config.credentials, broken, context)
      : await foundVolumes(store, config.credentials, broken, context)
    const finest = finestOf(volumes.map(({ volume }) => volume.info))
    const layers: Layer[] = []
    const notes: string[] = []
    for (const { name, volume } of volumes) {
      try {
        const { parts, notes: said } = await layerParts(name, volume, finest!, context)
        const presented = presentLayers({ ...parts, meshes: await meshesOf(volume, name, notes, context) })
        layers.push(...presented.layers)
        broken.push(...presented.broken)
        notes.push(...said)
      } catch (error) {
        broken.push(brokenLayer(name, error))
      }
    }
    if (layers.length === 0) throw noLayers(broken, 'it has no layers')
    const voxelSize = options.scale ? { nm: options.scale, source: 'datasets.json' } : { nm: finest as Vec3, source: INFO_KEY }
    return { layers, broken, notes, voxelSize } satisfies Dataset
  },
}

/** Meshes that cannot be served do not take the voxels along. */
async function meshesOf(volume: Volume, layer: string, notes: string[], context: OpenContext) {
  try {
    return await openMeshes(volume, layer, context)
  } catch (error) {
    notes.push(`layer ${layer}: no meshes are served: ${messageOf(error)}`)
    return undefined
  }
}

interface NamedVolume {
  readonly name: string
  readonly volume: Volume
}

const brokenLayer = (name: string, error: unknown): BrokenLayer => ({
  name,
  status: messageOf(error),
  ...(error instanceof Unusable && error.leadsTo && { leadsTo: error.leadsTo }),
})

/** Layers as an entry of datasets.json names them; sources are handed on as they stand there. */
async function listedVolumes(
  listed: Readonly<Record<string, { readonly source: string; readonly type?: string }>>,
  credentials: unknown,
  broken: BrokenLayer[],
  context: OpenContext,
): Promise<NamedVolume[]> {
  const opened = await Promise.all(
    Object.entries(listed).map(async ([name, { source, type }]): Promise<NamedVolume | BrokenLayer> => {
      try {
        const volume = await openVolume(await context.storeAt(source, credentials), source, credentials, context)
        if (!volume) throw new Unusable(`there is no info at ${source}`)
        const is = volume.info.category === 'color' ? 'image' : 'segmentation'
        if (type !== undefined && type !== is) throw new Unusable(`datasets.json calls it ${JSON.stringify(type)}, its info has type ${is}`)
        return { name, volume }
      } catch (error) {
        return brokenLayer(name, error)
      }
    }),
  )
  broken.push(...opened.filter((one) => 'status' in one))
  return opened.filter((one) => 'volume' in one)
}

/** A folder with an `info` is one layer called as the dataset; else every folder in it that has one is a layer. */
async function foundVolumes(store: Store, credentials: unknown, broken: BrokenLayer[], context: OpenContext): Promise<NamedVolume[]> {
  const own = await openVolume(store, store.url, credentials, context)
  if (own) return [{ name: context.name, volume: own }]
  const volumes: NamedVolume[] = []
  for (const { name, isFolder } of (await store.list?.('')) ?? []) {
    if (!isFolder || name.startsWith('.') || !(await store.stat(`${name}/${INFO_KEY}`))) continue
    try {
      const source = `${store.url}/${name}`
      const volume = await openVolume(await context.storeAt(source, credentials), source, credentials, context)
      if (volume) volumes.push({ name, volume })
    } catch (error) {
      broken.push(brokenLayer(name, error))
    }
  }
  return volumes
}
