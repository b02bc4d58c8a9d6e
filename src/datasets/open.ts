import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { DecodePool } from '../../codecs/pool.ts'
import type { Buffers } from '../cache/buffers.ts'
import type { Tables } from '../cache/tables.ts'
import { FailingArray } from '../formats/failing-array.ts'
import { loadFormat } from '../formats/index.ts'
import { completeDataset } from '../overviews/complete.ts'
import type { Overviews } from '../overviews/overviews.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { FileStore } from '../stores/file.ts'
import type { FileHandles } from '../stores/handles.ts'
import { type Mount, mountOf } from '../stores/mounts.ts'
import type { Patience } from '../stores/patience.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import type { Descriptor } from './found.ts'
import { versionOf } from './version.ts'

/** What opening and reading datasets needs; one per serving thread. */
export interface Resources {
  readonly pool: DecodePool
  readonly tables: Tables
  /** For compressed chunks on their way to the decoder. */
  readonly buffers: Buffers
  readonly handles: FileHandles
  readonly allowed: AllowedFolders
  /** Makes the mags that are not stored; without it only stored ones are served. */
  readonly overviews?: Overviews | undefined
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
  const allowed = resources.allowed.and(descriptor.root)
  const format = await loadFormat(descriptor.format)
  const storeAt = async (path: string) => {
    const folder = await handles.patience.wait(path, path, () => realpath(path))
    return new FileStore(folder, handles, allowed, await mountBelow(folder, handles.patience))
  }
  const openedMs = Date.now()
  const store = await storeAt(descriptor.folder)
  const dataset = await format.open(
    store,
    { scale: descriptor.scale, images: descriptor.images, config: descriptor.config },
    { id, name, pool, tables, buffers, storeAt, changed },
  )
  if (!resources.overviews) return dataset
  return completeDataset(dataset, {
    versionedId: id,
    overviews: resources.overviews,
    version: (sinceMs) => versionOf(descriptor, sinceMs),
    openedMs,
    isReadable: ({ arrays }) => !(arrays[0] instanceof FailingArray),
  })
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
