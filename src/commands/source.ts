/** What `wkconnect add` makes of a source on the network: which backend reads it, and the entry it gets in datasets.json. */
import { ConfigError } from '../config/error.ts'
import { isTiffName } from '../datasets/folders.ts'
import { stemOf } from '../datasets/stacks.ts'
import { CannotWrite } from '../datasets/write.ts'
import { isBossSource, PUBLIC_DOMAIN, parseBossSource } from '../formats/boss/address.ts'
import { isNeuroglancerLink, parseNeuroglancerLink } from '../stores/neuroglancer-link.ts'
import type { RemoteStores } from '../stores/remote.ts'
import { lastNameOf, parseSource, shownPlace } from '../stores/source.ts'
import { DataError, Unusable } from '../volume/errors.ts'

export interface SourceEntry {
  readonly backend: 'wkw' | 'tiff' | 'neuroglancer' | 'boss'
  /** Where nobody says another one. */
  readonly name: string
  readonly entry: Readonly<Record<string, unknown>>
  /** For messages: without secrets. */
  readonly shown: string
}

/** Throws `ConfigError` for what is no source, or holds nothing we know; `CannotWrite` where it cannot be looked at. */
export async function remoteEntryOf(source: string, remote: RemoteStores): Promise<SourceEntry> {
  try {
    if (isBossSource(source)) return entryOfBoss(source)
    return isNeuroglancerLink(source) ? entryOfLink(source) : await entryOfUrl(source, remote)
  } catch (error) {
    if (error instanceof Unusable) throw new ConfigError(error.message)
    throw error instanceof DataError ? new CannotWrite(`it was not added: ${error.message}`) : error
  }
}

/** The public BossDB is not named: it is where an entry without a domain is. */
function entryOfBoss(source: string): SourceEntry {
  const { domain, collection, experiment, channel } = parseBossSource(source)
  const where = domain === PUBLIC_DOMAIN ? {} : { domain }
  return {
    backend: 'boss',
    name: channel ?? experiment,
    entry: { ...where, collection, experiment, ...(channel && { channels: [channel] }) },
    shown: `${[collection, experiment, channel].filter(Boolean).join('/')} at ${domain}`,
  }
}

/** Each layer with a source we may read; annotations and the like stay behind. */
function entryOfLink(link: string): SourceEntry {
  const layers = parseNeuroglancerLink(link)
    .layers.filter(({ type }) => type === undefined || type === 'image' || type === 'segmentation')
    .map(({ name, type, sources }) => [name, { source: sources[0], ...(type && { type }) }] as const)
  if (layers.length === 0) throw new ConfigError('the neuroglancer link has no image and no segmentation')
  return {
    backend: 'neuroglancer',
    name: layers[0]![0],
    entry: { layers: Object.fromEntries(layers) },
    shown: `a neuroglancer link, layers ${layers.map(([name]) => name).join(', ')}`,
  }
}

async function entryOfUrl(source: string, remote: RemoteStores): Promise<SourceEntry> {
  const { format, place } = parseSource(source)
  const shown = shownPlace(place)
  const last = lastNameOf(place)
  const precomputed = (): SourceEntry => ({ backend: 'neuroglancer', name: last, entry: { layers: { [last]: { source } } }, shown })
  if (format === 'precomputed') return precomputed()
  if (format !== undefined) throw new ConfigError(`${shown}: the format ${format} cannot be added yet`)
  if (isTiffName(last)) return { backend: 'tiff', name: stemOf(last), entry: { path: source }, shown }
  const store = await remote.open(source, undefined, { isTrusted: true })
  if (await store.stat('info')) return precomputed()
  if (await store.stat('datasource-properties.json')) return { backend: 'wkw', name: last, entry: { path: source }, shown }
  throw new ConfigError(`${shown} is not a .tif and has neither info (Precomputed) nor datasource-properties.json (WKW) in it`)
}
