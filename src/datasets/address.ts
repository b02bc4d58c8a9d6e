/** Opens what lies at an address a stranger names: a path of this machine that may be read, or a source on the network. */
import { realpath } from 'node:fs/promises'
import { plain } from '../formats/precomputed/source.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { isRemoteSource, parseSource } from '../stores/source.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import { Unusable } from '../volume/errors.ts'
import { ADDED_OVER_HTTP, sortEntries } from './entries.ts'
import { mergeEntries } from './merge.ts'
import { openDataset, type Resources } from './open.ts'
import { localEntryOf, remoteEntryOf, type SourceEntry } from './source-entry.ts'

export interface Reach {
  readonly resources: Resources
  /** Folders of this machine that may be read. */
  readonly allowed: AllowedFolders
}

/** `id`: the first part of the ids of all arrays. Throws `Unusable`, and what the format throws. */
export async function openAddress(uri: string, id: string, { resources, allowed }: Reach, changed: () => void): Promise<Dataset> {
  const isRemote = isRemoteSource(uri)
  const origin = { isTrusted: false }
  const { backend, name, entry } = isRemote
    ? await remoteEntryOf(withoutPassword(uri), resources.remote, origin)
    : await localEntry(uri, { resources, allowed })
  // it is a stranger's: no secrets of this machine are used for it
  const written = { [backend]: { '': { [name]: { ...entry, [ADDED_OVER_HTTP]: true } } } }
  const entries = sortEntries(written)
  const { datasets } = await mergeEntries([], entries, '/', resources.handles)
  const { descriptor, reason } = datasets[0] ?? {}
  if (!descriptor) throw new Unusable(reason ?? 'there is nothing that can be opened')
  return openDataset(id, name, descriptor, resources, changed)
}

/** Throws `Unusable` for what is not there and for what may not be read in the same words: an answer must not tell which it is. */
async function localEntry(uri: string, { resources, allowed }: Reach): Promise<SourceEntry> {
  const place = uri.includes('://') ? parseSource(plain(uri)).place : { kind: 'file' as const, path: uri }
  const path = place.kind === 'file' && place.path.startsWith('/') && !place.path.includes('\0') ? place.path : undefined
  if (path === undefined) throw new Unusable('it is neither a URL nor an absolute path')
  const real = await resources.handles.patience.wait(path, path, () => realpath(path).catch(() => undefined))
  if (real === undefined || !allowed.includes(real))
    throw new Unusable('there is nothing here that may be read; --allow-path allows more folders')
  return localEntryOf(real)
}

/** What stands between `//` and the name of a host. */
const PASSWORD = /:\/\/[^/?#\s]*@/

/** Whatever is in an address is kept by webKnossos and shown to everybody who may see the dataset. */
function withoutPassword(uri: string): string {
  if (PASSWORD.test(uri))
    throw new Unusable('the address holds a password, which webKnossos would show to others; list it in datasets.json instead')
  return uri
}
