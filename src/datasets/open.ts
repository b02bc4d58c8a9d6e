import type { DecodePool } from '../../codecs/pool.ts'
import type { Buffers } from '../cache/buffers.ts'
import type { Tables } from '../cache/tables.ts'
import { loadFormat } from '../formats/index.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { FileStore } from '../stores/file.ts'
import type { FileHandles } from '../stores/handles.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import type { Descriptor } from './found.ts'

/** What opening and reading datasets needs; one per serving thread. */
export interface Resources {
  readonly pool: DecodePool
  readonly tables: Tables
  /** For compressed chunks on their way to the decoder. */
  readonly buffers: Buffers
  readonly handles: FileHandles
  readonly allowed: AllowedFolders
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
  const storeAt = async (path: string) => new FileStore(path, handles, allowed)
  const store = new FileStore(descriptor.folder, handles, allowed)
  return format.open(store, { scale: descriptor.scale, images: descriptor.images }, { id, name, pool, tables, buffers, storeAt, changed })
}
