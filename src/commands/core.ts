/** The connection to webKnossos, put together from settings. */
import { type CoreSettings, ownUrl } from '../config/core.ts'
import type { Resolved } from '../config/resolve.ts'
import type { Catalogue, CatalogueEntry } from '../datasets/catalogue.ts'
import { dataSourceOf } from '../datasets/data-source.ts'
import { keyOf } from '../datasets/found.ts'
import type { Log } from '../log.ts'
import { CoreClient } from '../webknossos/client.ts'
import { Connection } from '../webknossos/connection.ts'
import { DatasetIds } from '../webknossos/ids.ts'
import type { Known } from '../webknossos/reporter.ts'
import { Rights } from '../webknossos/rights.ts'
import { VersionOfCore } from '../webknossos/version.ts'
import type { Report } from '../webknossos/wire.ts'

export interface Core {
  readonly connection: Connection
  readonly rights: Rights
  readonly ids: DatasetIds
  readonly version: VersionOfCore
}

export function createCore(core: CoreSettings, config: Resolved, catalogue: Catalogue, log: Log, port: () => number): Core {
  const client = new CoreClient(core)
  const version = new VersionOfCore(client)
  const ids = new DatasetIds(client, ({ organization, name }, id) => catalogue.assignIds([[organization, name, id]]))
  const known = createKnown(catalogue)
  const connection = new Connection({ client, version, ids, log, known, ownUrl: () => ownUrl(config, port()) })
  return { connection, rights: new Rights(client, version), ids, version }
}

type Described = Pick<CatalogueEntry, 'organization' | 'name' | 'status' | 'reason' | 'dataset' | 'override'>

export const reportOf = (entry: Described): Report => ({
  organization: entry.organization,
  name: entry.name,
  dataSource: dataSourceOf(entry) as unknown as Report['dataSource'],
})

/** Reports are made once for each opened dataset: there may be ten thousand. */
function createKnown(catalogue: Catalogue): () => Known | undefined {
  const made = new WeakMap<CatalogueEntry, { override: CatalogueEntry['override']; report: Report }>()
  const reportFor = (entry: CatalogueEntry): Report => {
    const before = made.get(entry)
    if (before && before.override === entry.override) return before.report
    const report = reportOf(entry)
    made.set(entry, { override: entry.override, report })
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
