/** A channel as a layer: its levels as mags, its time samples as an axis. */

import { toMag } from '../../volume/box.ts'
import { chunkBytes, type Layer, MAX_CHUNK_BYTES, type Mag } from '../../volume/chunked-array.ts'
import { Unusable } from '../../volume/errors.ts'
import { equals, magLiteral } from '../../volume/vec.ts'
import type { OpenContext } from '../format.ts'
import { metadataVersion } from '../metadata-version.ts'
import type { BossApi } from './api.ts'
import { BossArray } from './array.ts'
import { type Channel, type Experiment, type Frame, type Level, levelsOf, parseChannel } from './metadata.ts'

export interface Place {
  readonly api: BossApi
  readonly collection: string
  readonly experiment: string
  /** The hierarchy that makes voxels as near to cubes as it can. */
  readonly isIso: boolean
}

export interface ExperimentParts {
  readonly experiment: Experiment
  readonly frame: Frame
}

const TIME = 't'
/** Layers of other times that are kept, so that their empty cuboids are remembered. */
const KEPT_TIMES = 64
/** A dataset that was opened just now is not opened again for what its server takes back. */
const REOPEN_AFTER_MS = 2000

/** Throws `Unusable` where the channel cannot be shown, `UpstreamError` where the server does not answer. */
export async function openChannel(
  name: string,
  place: Place,
  { experiment, frame }: ExperimentParts,
  context: OpenContext,
): Promise<{ layer: Layer; notes: string[] }> {
  const { api, collection, experiment: experimentName, isIso } = place
  const what = `the channel ${collection}/${experimentName}/${name}`
  const path = ['collection', collection, 'experiment', experimentName, 'channel', name]
  const channel = parseChannel(await api.getJson({ path, what }), name)
  const hierarchy = await api.getJson({
    path: ['downsample', collection, experimentName, name],
    query: isIso ? 'iso=true' : undefined,
    what: `the hierarchy of ${what}`,
  })
  const { levels, note } = levelsOf(channel, experiment, hierarchy)
  const decoder = await context.pool.decoder({ codec: 'blosc' })
  const openedAt = performance.now()
  const lost = () => {
    if (performance.now() - openedAt > REOPEN_AFTER_MS) context.changed()
  }
  const samples = experiment.num_time_samples ?? 1
  const arrayAt = (level: Level, time: number | undefined): BossArray => {
    const { resolution, factor, cuboid } = level
    const id = `${context.id}/${name}/${magLiteral(factor)}${time ? `/${TIME}${time}` : ''}`
    const names = [collection, experimentName, name] as const
    const { dataType } = channel
    const version = metadataVersion(api.url, isIso, names, channel, experiment, frame, hierarchy, resolution, time)
    const array = new BossArray({
      id,
      api,
      metadataVersion: version,
      names,
      resolution,
      time,
      isIso,
      dataType,
      box: toMag(frame.box, factor),
      cuboid,
      decoder,
      lost,
    })
    if (chunkBytes(array) > MAX_CHUNK_BYTES)
      throw new Unusable(`its cuboids of ${cuboid.join('×')} voxels have ${chunkBytes(array)} bytes; at most ${MAX_CHUNK_BYTES} are read`)
    return array
  }
  return { layer: layerOf(channel, distinct(levels), samples, frame, arrayAt), notes: note ? [note] : [] }
}

function layerOf(
  { name, category, dataType }: Channel,
  levels: readonly Level[],
  samples: number,
  frame: Frame,
  arrayAt: (level: Level, time: number | undefined) => BossArray,
): Layer {
  const magsAt = (time: number | undefined) => levels.map((level): Mag => ({ factor: level.factor, arrays: [arrayAt(level, time)] }))
  const plain = { name, category, dataType, channels: 1, boundingBox: frame.box }
  if (samples <= 1) return { ...plain, mags: magsAt(undefined) }
  const times = new Map<number, Layer>()
  const layer: Layer = {
    ...plain,
    mags: magsAt(0),
    additionalAxes: [{ name: TIME, bounds: [0, samples] }],
    at(coordinates) {
      const time = coordinates.find((one) => one.name === TIME)?.value ?? 0
      if (!Number.isInteger(time) || time < 0 || time >= samples) return undefined
      if (time === 0) return layer
      let other = times.get(time)
      if (!other) {
        if (times.size >= KEPT_TIMES) times.delete(times.keys().next().value!)
        times.set(time, (other = { ...layer, mags: magsAt(time) }))
      }
      return other
    },
  }
  return layer
}

/** A hierarchy may have levels that differ in no axis: the finer one counts. */
const distinct = (levels: readonly Level[]): Level[] =>
  levels.filter((level, n) => levels.findIndex(({ factor }) => equals(factor, level.factor)) === n)
