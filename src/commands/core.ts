/** The connection to webKnossos, put together from settings. */
import { type CoreSettings, ownUrl } from '../config/core.ts'
import type { Resolved } from '../config/resolve.ts'
import type { Catalogue, CatalogueEntry } from '../datasets/catalogue.ts'
import type { Contrast, Contrasts } from '../datasets/contrasts.ts'
import { type Described, dataSourceOf } from '../datasets/data-source.ts'
import { keyOf } from '../datasets/found.ts'
import type { Log } from '../log.ts'
import type { Layer } from '../volume/chunked-array.ts'
import { CoreClient } from '../webknossos/client.ts'
import { Connection } from '../webknossos/connection.ts'
import { DatasetIds, type DatasetName } from '../webknossos/ids.ts'
import type { Known } from '../webknossos/reporter.ts'
import { Rights } from '../webknossos/rights.ts'
import { VersionOfCore } from '../webknossos/version.ts'
import type { Report } from '../webknossos/wire.ts'

/** A report waits so long for the intensities of layers that are new; what takes longer is told when it is known. */
export const CONTRAST_MS = 3000

/** What each serving thread has of it. */
export interface CoreRights {
  readonly rights: Rights
  readonly ids: DatasetIds
  readonly version: VersionOfCore
}

export interface Core extends CoreRights {
  readonly contrasts: Contrasts
  readonly connection: Connection
}

/** `learned` is told core's ids as they become known. */
export function createRights(core: CoreSettings, learned: (name: DatasetName, id: string) => void): CoreRights & { client: CoreClient } {
  const client = new CoreClient(core)
  const version = new VersionOfCore(client)
  return { client, version, ids: new DatasetIds(client, learned), rights: new Rights(client, version) }
}

export function createCore(
  core: CoreSettings,
  config: Resolved,
  { catalogue, contrasts }: { readonly catalogue: Catalogue; readonly contrasts: Contrasts },
  log: Log,
  port: () => number,
  identified: () => void = () => {},
): Core {
  const { client, ...rights } = createRights(core, ({ organization, name }, id) => {
    catalogue.assignIds([[organization, name, id]])
    identified()
  })
  const { version, ids } = rights
  const known = createKnown(catalogue, contrasts)
  const prepare = () => contrasts.settle(catalogue.entries(), CONTRAST_MS)
  const connection = new Connection({ client, version, ids, log, known, prepare, ownUrl: () => ownUrl(config, port()) })
  return { connection, contrasts, ...rights }
}

export const reportOf = (entry: Described, contrastOf?: (layer: Layer) => Contrast | undefined): Report => ({
  organization: entry.organization,
  name: entry.name,
  dataSource: dataSourceOf(entry, { contrastOf, bigIds: 'bigint' }) as unknown as Report['dataSource'],
})

/** Reports are made once for each opened dataset: there may be ten thousand. */
function createKnown(catalogue: Catalogue, contrasts: Contrasts): () => Known | undefined {
  const made = new WeakMap<CatalogueEntry, { override: CatalogueEntry['override']; contrast: object | undefined; report: Report }>()
  const reportFor = (entry: CatalogueEntry): Report => {
    const before = made.get(entry)
    const contrast = contrasts.revisionOf(entry)
    if (before && before.override === entry.override && before.contrast === contrast) return before.report
    const report = reportOf(entry, (layer) => contrasts.of(entry, layer))
    made.set(entry, { override: entry.override, contrast, report })
    return report
  }
  return () => {
    const look = catalogue.lastLook
    if (!look) return undefined
    const entries = catalogue.entries()
    const settled = entries.filter(({ status }) => status !== 'opening')
    let reports: Report[] | undefined
    return {
      get reports() {
        reports ??= settled.map(reportFor)
        return reports
      },
      keys: new Set(entries.map(({ organization, name }) => keyOf(organization, name))),
      isSettled: settled.length === entries.length,
      isComplete: look.isComplete,
    }
  }
}
