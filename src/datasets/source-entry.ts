/** What becomes of a source somebody names: which backend reads it, and the entry it gets in datasets.json. */
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { isBossSource, PUBLIC_DOMAIN, parseBossSource } from '../formats/boss/address.ts'
import { AllowedFolders } from '../stores/allowed.ts'
import type { Origin } from '../stores/credentials/read.ts'
import { isNeuroglancerLink, parseNeuroglancerLink } from '../stores/neuroglancer-link.ts'
import type { RemoteStores } from '../stores/remote.ts'
import { lastNameOf, parseSource, shownPlace } from '../stores/source.ts'
import { Unusable } from '../volume/errors.ts'
import { isTiffName, kindOf, listFolder } from './folders.ts'
import { stemOf } from './stacks.ts'

export interface SourceEntry {
  readonly backend: 'wkw' | 'tiff' | 'neuroglancer' | 'boss'
  /** Where nobody says another one. */
  readonly name: string
  readonly entry: Readonly<Record<string, unknown>>
  /** For messages: without secrets. */
  readonly shown: string
}

/** Of a source on the network. Throws `Unusable` for what is no source, or holds nothing we know, and what asking for it throws. */
export async function remoteEntryOf(source: string, remote: RemoteStores, origin: Origin): Promise<SourceEntry> {
  if (isBossSource(source)) return entryOfBoss(source)
  return isNeuroglancerLink(source) ? entryOfLink(source) : entryOfUrl(source, remote, origin)
}

/** Of a file or folder of this machine. Throws `Unusable` where there is none. */
export async function localEntryOf(path: string): Promise<SourceEntry> {
  return { backend: await backendOf(path), name: stemOf(basename(path)), entry: { path }, shown: path }
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
  if (layers.length === 0) throw new Unusable('the neuroglancer link has no image and no segmentation')
  return {
    backend: 'neuroglancer',
    name: layers[0]![0],
    entry: { layers: Object.fromEntries(layers) },
    shown: `a neuroglancer link, layers ${layers.map(([name]) => name).join(', ')}`,
  }
}

async function entryOfUrl(source: string, remote: RemoteStores, origin: Origin): Promise<SourceEntry> {
  const { format, place } = parseSource(source)
  const shown = shownPlace(place)
  const last = lastNameOf(place)
  const precomputed = (): SourceEntry => ({ backend: 'neuroglancer', name: last, entry: { layers: { [last]: { source } } }, shown })
  if (format === 'precomputed') return precomputed()
  if (format !== undefined) throw new Unusable(`${shown}: the format ${format} cannot be added yet`)
  if (isTiffName(last)) return { backend: 'tiff', name: stemOf(last), entry: { path: source }, shown }
  const store = await remote.open(source, undefined, origin)
  if (await store.stat('info')) return precomputed()
  if (await store.stat('datasource-properties.json')) return { backend: 'wkw', name: last, entry: { path: source }, shown }
  throw new Unusable(`${shown} is not a .tif and has neither info (Precomputed) nor datasource-properties.json (WKW) in it`)
}

async function backendOf(path: string): Promise<'wkw' | 'tiff' | 'neuroglancer'> {
  const stats = await stat(path).catch(() => undefined)
  if (!stats) throw new Unusable(`${path} does not exist`)
  if (!stats.isDirectory()) return 'tiff'
  const allowed = await AllowedFolders.of([path])
  const listing = await listFolder(path, allowed)
  const kind = await kindOf(path, listing, allowed, undefined, true)
  if (kind === 'precomputed' || kind === 'precomputed-layers') return 'neuroglancer'
  return kind === 'images' || (kind === undefined && listing.files.some(isTiffName)) ? 'tiff' : 'wkw'
}
