/** What a request may change, on the main thread. */
import type { Access } from '../api/access.ts'
import type { Control } from '../api/context.ts'
import { OPENING_MS } from '../api/lookup.ts'
import { within } from '../datasets/catalogue.ts'
import type { Contrasts } from '../datasets/contrasts.ts'
import { listedDataset, withContrasts } from '../datasets/data-source.ts'
import type { Added, Problem } from '../datasets/editor.ts'
import { explore } from '../datasets/explore.ts'
import { overrideOf, readOverrides, writeOverride } from '../datasets/overrides.ts'
import type { Snapshot } from '../metrics/registry.ts'
import type { ThreadHub } from '../threads/hub.ts'
import { renderPage } from '../viewer/page.ts'
import { messageOf } from '../volume/errors.ts'
import { CONTRAST_MS, type Core, reportOf } from './core.ts'
import type { Parts } from './parts.ts'

import { createRecorder } from './record.ts'
import { reachOf } from './virtual.ts'

/** A page is worth a moment for what is being opened; then it says so and asks again by itself. */
const PAGE_MS = 2000

/** The serving threads, as far as changes have to reach them. */
export type Threads = Pick<ThreadHub, 'publish' | 'everyThread' | 'record'>

/** Without `core` nobody is told of anything. */
export function createControl(
  { catalogue, editor, look: lookAgain, overridesFile, resources }: Parts,
  data: string,
  core: Core | undefined,
  access: Access,
  contrasts: Contrasts,
  threads: Threads,
  metrics: () => Promise<Snapshot>,
): Control {
  const look = async () => {
    await lookAgain()
    await catalogue.settled(OPENING_MS)
    await threads.publish()
  }
  // whoever waits for it hears of a core that hangs before long; the report goes on
  const report = async () => {
    if (core) await within(core.connection.flush(), OPENING_MS)
  }
  const add = async (entries: unknown, confirm?: (added: readonly Added[]) => Promise<Problem[]>) => {
    const problems = await editor.add(entries, true, confirm)
    if (problems.length === 0) await look()
    return problems
  }
  const making = (versionedId: string) => resources.overviews?.jobs.progress(versionedId) ?? []
  return {
    async look() {
      await look()
      await report()
    },
    async reload(id) {
      const entry = catalogue.byId(id)
      if (!entry) return false
      await within(catalogue.reload(entry), OPENING_MS)
      await threads.publish()
      await report()
      return true
    },
    async invalidate(id) {
      const entry = catalogue.byId(id)
      await threads.everyThread('forget', id)
      if (entry) await threads.everyThread('drop', entry.versionedId)
    },
    async add(entries) {
      if (!core) return add(entries)
      try {
        return await core.connection.announce((report) => add(entries, (added) => confirm(added, report, core.contrasts)))
      } finally {
        core.connection.changed()
      }
    },
    async explore(addresses, organization) {
      return explore(addresses, organization, await reachOf(resources, data))
    },
    async edit(id, dataSource) {
      const entry = catalogue.byId(id)
      if (!entry?.dataset) return entry ? 'unusable' : 'unknown'
      const reported = withContrasts(entry.dataset, (layer) => core?.contrasts.of(entry, layer))
      await writeOverride(overridesFile, entry.organization, entry.name, overrideOf(reported, dataSource))
      const overrides = await readOverrides(overridesFile)
      if (!('problem' in overrides)) catalogue.override(overrides)
      await threads.publish()
      return 'done'
    },
    async list() {
      const until = performance.now() + OPENING_MS
      await catalogue.firstLook(OPENING_MS)
      await catalogue.settled(Math.max(0, until - performance.now()))
      return catalogue.entries().map((entry) => listedDataset(entry, making(entry.versionedId)))
    },
    async page(options) {
      await catalogue.firstLook(PAGE_MS)
      await within(Promise.all(catalogue.entries().map(({ opened }) => opened)), PAGE_MS)
      return renderPage(catalogue.entries(), {
        ...options,
        core: core?.connection.state(),
        making,
        contrastOf: (entry, layer) => contrasts.of(entry, layer),
      })
    },
    async useLink(link) {
      return access.useLink(link)
    },
    async core() {
      return core?.connection.state()
    },
    metrics,
    record: createRecorder((ms) => threads.record(ms)),
  }
}

type ReportNow = Parameters<Parameters<Core['connection']['announce']>[0]>[0]

/** Core is told before anything is stored, so that nobody is shown what core does not take. */
async function confirm(added: readonly Added[], reportNow: ReportNow, contrasts: Contrasts): Promise<Problem[]> {
  try {
    await contrasts.settle(added, CONTRAST_MS)
    const refused = await reportNow(added.map((one) => reportOf({ ...one, status: 'ok' }, (layer) => contrasts.of(one, layer))))
    return [...refused].map(([dataset, reason]) => ({ dataset, reason }))
  } catch (error) {
    return [{ dataset: 'the request', reason: `was not carried out: webKnossos ${messageOf(error)}` }]
  }
}
