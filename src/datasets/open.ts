import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { DecodePool } from '../../codecs/pool.ts'
import type { Buffers } from '../cache/buffers.ts'
import type { Tables } from '../cache/tables.ts'
import type { BossService } from '../formats/boss/service.ts'
import { FailingArray } from '../formats/failing-array.ts'
import type { OpenContext, OpenOptions } from '../formats/format.ts'
import { loadFormat } from '../formats/index.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { completeDataset } from '../overviews/complete.ts'
import type { Overviews } from '../overviews/overviews.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { isMissing } from '../stores/errors.ts'
import { FileStore } from '../stores/file.ts'
import type { FileHandles } from '../stores/handles.ts'
import { type Mount, mountOf } from '../stores/mounts.ts'
import type { Patience } from '../stores/patience.ts'
import type { RemoteStores } from '../stores/remote.ts'
import { isRemoteSource, parseSource } from '../stores/source.ts'
import type { Store } from '../stores/store.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import type { ChunkReader } from '../volume/cutout.ts'
import { Unusable } from '../volume/errors.ts'
import type { Descriptor } from './found.ts'
import { measuredDecoders, measuredStore } from './measured.ts'
import { remoteVersionOf, versionOf } from './version.ts'

/** What opening and reading datasets needs; one per serving thread. */
export interface Resources {
  readonly pool: DecodePool
  readonly tables: Tables
  /** For compressed chunks on their way to the decoder. */
  readonly buffers: Buffers
  /** Keeps chunks. */
  readonly chunks: ChunkReader
  readonly handles: FileHandles
  readonly allowed: AllowedFolders
  readonly remote: RemoteStores
  readonly boss: BossService
  /** Makes the mags that are not stored; without it only stored ones are served. */
  readonly overviews?: Overviews | undefined
  /** Where to count what reading and decoding take; without it nothing is measured. */
  readonly metrics?: Metrics | undefined
}

/** Opens a dataset from its descriptor alone. `id` is organization/dataset@version. Throws `Unusable` and what the format throws. */
export async function openDataset(
  id: string,
  name: string,
  descriptor: Descriptor,
  resources: Resources,
  changed: () => void,
): Promise<Dataset> {
  const allowed = [descriptor.root, ...(descriptor.roots ?? [])].reduce((all, root) => all.and(root), resources.allowed)
  const isTrusted = !descriptor.addedOverHttp
  const { folder, source } = descriptor
  const isFar = isRemoteSource(source ?? folder)
  const store = isFar
    ? await storesFor(resources, allowed, isTrusted)(source ?? folder, descriptor.config?.['credentials'])
    : await folderStore(folder, resources.handles, allowed)
  const options = { scale: descriptor.scale, images: descriptor.images, config: descriptor.config }
  const openedMs = Date.now()
  const dataset = await openStore({ id, name, store, format: descriptor.format, options, resources, allowed, isTrusted, changed })
  if (!resources.overviews) return dataset
  return completeDataset(dataset, {
    versionedId: id,
    overviews: resources.overviews,
    version: (sinceMs) => (isFar ? remoteVersionOf(descriptor, store) : versionOf(descriptor, sinceMs)),
    openedMs,
    isReadable: ({ arrays }) => !(arrays[0] instanceof FailingArray),
  })
}

export interface OpenStoreRequest {
  /** organization/dataset@version. */
  readonly id: string
  readonly name: string
  readonly store: Store
  readonly format: string
  readonly options: OpenOptions
  readonly resources: Resources
  /** Folders that what lies in the store may point to. */
  readonly allowed: AllowedFolders
  /** Named by the owner of this server, not by somebody over the network. */
  readonly isTrusted: boolean
  readonly changed: () => void
}

/** Opens what lies in a store. Throws as above. */
export async function openStore({ id, name, store, format, options, ...rest }: OpenStoreRequest): Promise<Dataset> {
  const { resources, allowed, isTrusted, changed } = rest
  const { tables, buffers, chunks, remote, boss, metrics } = resources
  const watched = (one: Store) => (metrics ? measuredStore(one, format, metrics) : one)
  const open = storesFor(resources, allowed, isTrusted)
  const storeAt: OpenContext['storeAt'] = async (source, credentials) => watched(await open(source, credentials))
  const pool = metrics ? measuredDecoders(resources.pool, format, metrics) : resources.pool
  const guard = remote.guardFor({ isTrusted })
  const context = { id, name, pool, tables, buffers, chunks, storeAt, guard, boss, format: loadFormat, changed }
  return (await loadFormat(format)).open(watched(store), options, context)
}

/** Stores at an absolute path or a URL, as far as they may be read. */
export function storesFor(resources: Resources, allowed: AllowedFolders, isTrusted: boolean): OpenContext['storeAt'] {
  const { handles, remote } = resources
  return async (source, credentials) => {
    const place = source.includes('://') ? parseSource(source).place : { kind: 'file' as const, path: source }
    if (place.kind !== 'file') return remote.open(source, credentials, { isTrusted })
    const { path } = place
    const folder = await handles.patience
      .wait(path, path, () => realpath(path))
      .catch((error) => {
        throw isMissing(error) ? new Unusable(`there is nothing at ${path}`) : error
      })
    allowed.check(path, folder)
    return folderStore(folder, handles, allowed)
  }
}

async function folderStore(path: string, handles: FileHandles, allowed: AllowedFolders): Promise<FileStore> {
  const folder = await handles.patience.wait(path, path, () => realpath(path))
  return new FileStore(folder, handles, allowed, await mountBelow(folder, handles.patience))
}

/** The mount of a dataset's files: that of its folder, or of a layer linked to a place that is not a disk of this machine. */
async function mountBelow(folder: string, patience: Patience): Promise<Mount> {
  const own = mountOf(folder)
  if (!own.isLocal) return own
  const entries = await readdir(folder, { withFileTypes: true })
  const links = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => join(folder, name))
  const targets = await Promise.all(links.map((path) => patience.wait(path, path, () => realpath(path)).catch(() => undefined)))
  return targets.map((target) => (target === undefined ? undefined : mountOf(target))).find((mount) => mount?.isLocal === false) ?? own
}
