/** Whether core has what it was told. It ignores a dataset without an error when it does not want it (protocol.md 1.2). */
import { mapLimit } from '../datasets/map-limit.ts'
import type { CoreClient } from './client.ts'
import type { DatasetIds } from './ids.ts'
import type { CoreVersion } from './version.ts'
import { isUnusable, keyOf, type Report } from './wire.ts'

/** Why it did not arrive; an empty text for what did; undefined where core cannot be asked. */
export type Arrival = string | undefined

/** Cores before have no such question, so that nothing is known of them. */
const ASKED_SINCE = 9
const PARALLEL = 4

/** Asks for each. Throws `CoreUnreachable`, `KeyRefused`. */
export async function askArrivals(
  reports: readonly Report[],
  client: CoreClient,
  ids: DatasetIds,
  version: CoreVersion,
): Promise<Map<string, Arrival>> {
  const arrivals = new Map<string, Arrival>()
  const missing: Report[] = []
  const organizations = new Set<string>()
  await mapLimit([...reports], PARALLEL, async (report) => {
    const id = version.api < ASKED_SINCE ? undefined : await ids.askedIdOf(report)
    if (id !== undefined) organizations.add(report.organization)
    else if (version.api > ASKED_SINCE) missing.push(report)
    const owner = id !== undefined || version.api <= ASKED_SINCE ? await askOwner(report, id, client) : undefined
    const asked = id === undefined ? undefined : ''
    arrivals.set(keyOf(report), owner ?? (id === undefined ? asked : await compare(report, id, client)))
  })
  for (const report of missing) arrivals.set(keyOf(report), whyMissing(report, organizations.has(report.organization), client))
  return arrivals
}

/** Core shows public datasets to anybody, and with them whose they are. */
async function askOwner({ organization, name }: Report, id: string | undefined, client: CoreClient): Promise<string | undefined> {
  const path = id ?? `${encodeURIComponent(organization)}/${encodeURIComponent(name)}`
  const answer = await client.ask('GET', `/api/datasets/${path}`)
  const owner = answer.ok ? (answer.json as { dataStore?: { name?: unknown } } | undefined)?.dataStore?.name : undefined
  return typeof owner === 'string' && owner !== client.address.datastore ? ownedBy(owner) : undefined
}

export const ownedBy = (owner: string): string =>
  `webKnossos has a dataset of this name that belongs to the datastore ${owner}, and keeps that one. Rename one of them.`

/** Of a dataset of another datastore core keeps what that one said. */
async function compare({ dataSource }: Report, id: string, client: CoreClient): Promise<Arrival> {
  const answer = await client.askAsDatastore('GET', `/datasources/${id}`)
  if (!answer.ok) return ''
  const theirs = (answer.json ?? {}) as Record<string, unknown>
  if (isUnusable(dataSource) || layerNames(theirs) === layerNames(dataSource)) return ''
  const status = typeof theirs['status'] === 'string' ? ` (${theirs['status'].slice(0, 200)})` : ''
  return `webKnossos has a dataset of this name with other contents${status} and did not take ours: it belongs to another datastore, or was made in webKnossos itself. Rename one of them.`
}

const layerNames = ({ dataLayers }: Record<string, unknown>): string =>
  JSON.stringify(Array.isArray(dataLayers) ? dataLayers.map((layer) => String(layer?.name)).sort() : undefined)

function whyMissing({ organization }: Report, isKnown: boolean, client: CoreClient): string {
  if (isKnown) return 'webKnossos did not take this dataset and does not say why; its log does.'
  return `webKnossos ignores it: it has no organization ${JSON.stringify(organization)}, or datastore ${client.address.datastore} may only serve another one. --organization names the one datasets belong to that do not lie in the folder of one; its id stands in the address of its page.`
}
