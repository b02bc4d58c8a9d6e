import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { DecodePool } from '../../codecs/pool.ts'
import type { Buffers } from '../cache/buffers.ts'
import type { Tables } from '../cache/tables.ts'
import { loadFormat } from '../formats/index.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { isMissing } from '../stores/errors.ts'
import { FileStore } from '../stores/file.ts'
import type { FileHandles } from '../stores/handles.ts'
import { type Mount, mountOf } from '../stores/mounts.ts'
import type { Patience } from '../stores/patience.ts'
import type { RemoteStores } from '../stores/remote.ts'
import { isRemoteSource, parseSource } from '../stores/source.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import { Unusable } from '../volume/errors.ts'
import type { Descriptor } from './found.ts'

/** What opening and reading datasets needs; one per serving thread. */
export interface Resources {
  readonly pool: DecodePool
  readonly tables: Tables
  /** For compressed chunks on their way to the decoder. */
  readonly buffers: Buffers
  readonly handles: FileHandles
  readonly allowed: AllowedFolders
  readonly remote: RemoteStores
}

/** Opens a dataset from its descriptor alone. `id` is organization/dataset@version. Throws `Unusable` and what the format throws. */
export async function openDataset(
  id: string,
  name: string,
  descriptor: Descriptor,
  resources: Resources,
  changed: () => void,
): Promise<Dataset> {
  const { pool, tables, buffers, handles } = resources
  const allowed = [descriptor.root, ...(descriptor.roots ?? [])].reduce((all, root) => all.and(root), resources.allowed)
  const format = await loadFormat(descriptor.format)
  const origin = { isTrusted: !descriptor.addedOverHttp }
  const fileStore = async (folder: string) => new FileStore(folder, handles, allowed, await mountBelow(folder, handles.patience))
  const storeAt = async (source: string, credentials?: unknown) => {
    const place = source.includes('://') ? parseSource(source).place : { kind: 'file' as const, path: source }
    if (place.kind !== 'file') return resources.remote.open(source, credentials, origin)
    const { path } = place
    const folder = await handles.patience
      .wait(path, path, () => realpath(path))
      .catch((error) => {
        throw isMissing(error) ? new Unusable(`there is nothing at ${path}`) : error
      })
    allowed.check(path, folder)
    return fileStore(folder)
  }
  const { folder, source } = descriptor
  const store = isRemoteSource(source ?? folder)
    ? await storeAt(source ?? folder, descriptor.config?.['credentials'])
    : await fileStore(await handles.patience.wait(folder, folder, () => realpath(folder)))
  return format.open(
    store,
    { scale: descriptor.scale, images: descriptor.images, config: descriptor.config },
    { id, name, pool, tables, buffers, storeAt, changed },
  )
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
