/** Datasets only core knows, put together for one serving thread. */
import { realpath } from 'node:fs/promises'
import type { Reach } from '../datasets/address.ts'
import type { Resources } from '../datasets/open.ts'
import { openVirtual } from '../datasets/virtual.ts'
import { VirtualDatasets } from '../datasets/virtual-datasets.ts'
import type { DatasetIds } from '../webknossos/ids.ts'

export const createVirtual = (ids: DatasetIds, resources: Resources, data: string, drop: (versionedId: string) => void) =>
  new VirtualDatasets({
    dataSource: (id) => ids.dataSourceOf(id),
    open: async (versionedId, name, dataSource, changed) =>
      openVirtual(versionedId, name, dataSource, await reachOf(resources, data), changed),
    drop,
  })

/** What strangers may name of this machine: what lies below the data folder, or a folder that is allowed. */
export async function reachOf(resources: Resources, data: string): Promise<Reach> {
  const folder = await realpath(data).catch(() => undefined)
  return { resources, allowed: folder === undefined ? resources.allowed : resources.allowed.and(folder) }
}
