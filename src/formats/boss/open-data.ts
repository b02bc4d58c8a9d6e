/**
 * Channels that lie as Precomputed in BossDB's public bucket: faster than through the API, and without an account.
 * https://registry.opendata.aws/bossdb: s3://bossdb-open-data/COLLECTION/EXPERIMENT/CHANNEL
 */
import type { Dataset } from '../../volume/chunked-array.ts'
import { messageOf, Unusable } from '../../volume/errors.ts'
import type { OpenContext, OpenOptions } from '../format.ts'

const BUCKET = 's3://bossdb-open-data'
const CREDENTIALS = 'anonymous'

const placeOf = (...names: readonly string[]): string => [BUCKET, ...names.map(encodeURIComponent)].join('/')

export interface Exports {
  /** Channels that are there and could be opened; undefined where there are none. */
  readonly dataset: Dataset | undefined
  readonly notes: readonly string[]
}

/** Channels of an experiment in the bucket, by the folders there are. */
export async function listExports(collection: string, experiment: string, context: OpenContext): Promise<string[]> {
  const store = await context.storeAt(placeOf(collection, experiment), CREDENTIALS)
  const entries = (await store.list?.('')) ?? []
  return entries.filter(({ isFolder }) => isFolder).map(({ name }) => name)
}

/** Never throws: what cannot be read there may be had from the API. */
export async function openExports(
  collection: string,
  experiment: string,
  channels: readonly string[],
  options: OpenOptions,
  context: OpenContext,
): Promise<Exports> {
  const notes: string[] = []
  const there = await Promise.all(
    channels.map(async (channel) => {
      const source = placeOf(collection, experiment, channel)
      try {
        const store = await context.storeAt(source, CREDENTIALS)
        // of a bucket that may not be listed 403 says that it is not there, too
        return (await store.stat('info')) ? { channel, source } : undefined
      } catch (error) {
        notes.push(`channel ${channel} is not read from ${source}: ${messageOf(error)}`)
        return undefined
      }
    }),
  )
  const found = there.filter((one) => one !== undefined)
  if (found.length === 0) return { dataset: undefined, notes }
  try {
    const layers = Object.fromEntries(found.map(({ channel, source }) => [channel, { source }]))
    const format = await context.format('neuroglancer')
    const store = await context.storeAt(found[0]!.source, CREDENTIALS)
    const dataset = await format.open(store, { scale: options.scale, config: { layers, credentials: CREDENTIALS } }, context)
    notes.push(
      ...dataset.broken.map(({ name, status }) => `channel ${name} is not read from ${placeOf(collection, experiment, name)}: ${status}`),
    )
    for (const { name } of dataset.layers)
      notes.push(`channel ${name} is read from ${placeOf(collection, experiment, name)}, BossDB's open data`)
    return { dataset, notes: [...notes, ...dataset.notes] }
  } catch (error) {
    if (!(error instanceof Unusable)) notes.push(`open data: ${messageOf(error)}`)
    else notes.push(`none of ${found.map(({ channel }) => channel).join(', ')} is read from open data: ${error.message}`)
    return { dataset: undefined, notes }
  }
}
