/** BossDB: experiments of channels behind a REST API, some of them also in a public bucket. Spec: formats.md 3. */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { BrokenLayer, Dataset, Layer } from '../../volume/chunked-array.ts'
import { messageOf, Unusable, UpstreamError } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import type { Format, OpenContext, OpenOptions } from '../format.ts'
import { noLayers } from '../layer.ts'
import { PUBLIC_DOMAIN } from './address.ts'
import { type ExperimentParts, openChannel, type Place } from './layers.ts'
import { parseChannelList, parseExperiment, parseFrame } from './metadata.ts'
import { listExports, openExports } from './open-data.ts'

const Text = Type.String({ minLength: 1 })
/** What datasets.json says; docs/boss.md. */
export const BossConfig = Type.Object(
  {
    domain: Type.Optional(Text),
    collection: Text,
    experiment: Text,
    channels: Type.Optional(Type.Array(Text, { minItems: 1 })),
    token: Type.Optional(Text),
    username: Type.Optional(Text),
    password: Type.Optional(Text),
    auth: Type.Optional(Text),
    iso: Type.Optional(Type.Boolean()),
    source: Type.Optional(Type.Union([Type.Literal('api'), Type.Literal('open-data')])),
  },
  { additionalProperties: true },
)

export const boss: Format = {
  name: 'boss',
  async open(_store, options, context) {
    const config = options.config
    if (!Value.Check(BossConfig, config)) {
      const problem = Value.Errors(BossConfig, config).First()
      throw new Unusable(`its entry in datasets.json: ${problem?.path || 'it'}: ${problem?.message}`)
    }
    const { domain = PUBLIC_DOMAIN, collection, experiment, channels, iso = false, source } = config
    const api = context.boss.api({ ...config, domain }, context.guard)
    const place = { api, collection, experiment, isIso: iso }
    const wantsOpenData = source === 'open-data' || (source !== 'api' && context.boss.openData)
    if (wantsOpenData) return openWithExports(place, channels, options, context)
    const parts = await experimentParts(place)
    return openThroughApi(place, parts, channels ?? (await channelsOf(place, parts)), options, context)
  },
}

async function experimentParts({ api, collection, experiment: name }: Place): Promise<ExperimentParts> {
  const path = ['collection', collection, 'experiment', name]
  const experiment = parseExperiment(await api.getJson({ path, what: `the experiment ${collection}/${name}` }), name)
  const { coord_frame: frame } = experiment
  return { experiment, frame: parseFrame(await api.getJson({ path: ['coord', frame], what: `the coordinate frame ${frame}` }), frame) }
}

/** As the experiment says, or where it does not, as its server lists them. */
async function channelsOf({ api, collection, experiment: name }: Place, { experiment }: ExperimentParts): Promise<readonly string[]> {
  if (experiment.channels) return experiment.channels
  const path = ['collection', collection, 'experiment', name, 'channel']
  const what = `the channels of ${collection}/${name}`
  return parseChannelList(await api.getJson({ path, what }), name)
}

async function openThroughApi(
  place: Place,
  parts: ExperimentParts,
  names: readonly string[],
  options: OpenOptions,
  context: OpenContext,
): Promise<Dataset> {
  const opened = await Promise.all(
    names.map((name) =>
      openChannel(name, place, parts, context).catch((error): BrokenLayer => {
        // that a server does not answer just now takes no layer away
        if (error instanceof UpstreamError) throw error
        return { name, status: messageOf(error) }
      }),
    ),
  )
  const broken = opened.filter((one) => 'status' in one)
  const working = opened.filter((one) => 'layer' in one)
  if (working.length === 0) throw noLayers(broken, `the experiment ${place.collection}/${place.experiment} has no channels`)
  const layers: Layer[] = working.map(({ layer }) => layer)
  return {
    layers,
    broken,
    notes: [...working.flatMap(({ notes }) => notes), `${words(layers)} read through the API at ${place.api.url}`],
    voxelSize: voxelSize(options.scale, parts.frame.nm),
  }
}

/** Channels from open data where they are there, the others through the API, if it can be asked. */
async function openWithExports(
  place: Place,
  listed: readonly string[] | undefined,
  options: OpenOptions,
  context: OpenContext,
): Promise<Dataset> {
  const { collection, experiment } = place
  let failure: unknown
  const parts = await experimentParts(place).catch((error) => {
    failure = error
    return undefined
  })
  const names = listed ?? (parts ? await channelsOf(place, parts) : await listExports(collection, experiment, context).catch(() => []))
  const { dataset: exported, notes } = await openExports(collection, experiment, names, options, context)
  if (!exported || (parts && !sameVoxels(exported.voxelSize.nm, options.scale ?? parts.frame.nm))) {
    if (!parts) throw failure
    const why = exported ? [`open data has voxels of ${exported.voxelSize.nm.join('×')} nm, the API of ${parts.frame.nm.join('×')}`] : notes
    const through = await openThroughApi(place, parts, names, options, context)
    return { ...through, notes: ['open data is not used', ...why, ...through.notes] }
  }
  const rest = names.filter((name) => !exported.layers.some((layer) => layer.name === name))
  if (rest.length === 0) return { ...exported, broken: [], notes }
  const others = parts && (await openThroughApi(place, parts, rest, options, context).catch((error) => void (failure = error)))
  const reason = `it is not in open data, and through the API: ${messageOf(failure)}`
  return {
    ...exported,
    layers: [...exported.layers, ...(others?.layers ?? [])],
    broken: others?.broken ?? rest.map((name) => ({ name, status: reason })),
    notes: [...notes, ...(others?.notes ?? [])],
  }
}

const sameVoxels = (a: Vec3, b: Vec3): boolean => a.every((edge, d) => Math.abs(edge - b[d]!) <= 0.005 * edge)

const words = (layers: readonly Layer[]): string =>
  `${layers.length === 1 ? 'channel' : 'channels'} ${layers.map(({ name }) => name).join(', ')}`

const voxelSize = (scale: Vec3 | undefined, nm: Vec3) => (scale ? { nm: scale, source: 'datasets.json' } : { nm, source: 'BossDB' })
