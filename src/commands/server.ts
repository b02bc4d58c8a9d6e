/** Puts a server together from its settings: the one place that knows all parts. */
import { DecodePool } from '../../codecs/pool.ts'
import { createApp } from '../api/app.ts'
import type { Context, Control } from '../api/context.ts'
import { OPENING_MS } from '../api/lookup.ts'
import { Buffers } from '../cache/buffers.ts'
import { ChunkCache } from '../cache/chunk-cache.ts'
import { Tables } from '../cache/tables.ts'
import { findDatasetsFile, type Resolved } from '../config.ts'
import { Catalogue, within } from '../datasets/catalogue.ts'
import { createLook } from '../datasets/look.ts'
import { openDataset, type Resources } from '../datasets/open.ts'
import type { Log } from '../log.ts'
import { AllowedFolders } from '../stores/allowed.ts'
import { FileHandles } from '../stores/handles.ts'
import { commit, version } from '../version.ts'

const MIB = 1024 * 1024

export interface RunningServer {
  readonly url: string
  readonly port: number
  readonly catalogue: Catalogue
  /** Stops listening, waits up to `graceMs` for answers under way, then breaks them off. */
  stop(graceMs: number): Promise<void>
}

/** How the one memory budget is shared: most of it for decoded chunks, the rest for what is in flight. */
export function shareBudget(bytes: number) {
  const tables = Math.min(64 * MIB, bytes / 8)
  const kept = Math.min(32 * MIB, bytes / 8)
  return { tables, kept, chunks: Math.max(0, bytes - tables - kept), inFlight: Math.max(512 * MIB, bytes / 2) }
}

export async function startServer(
  { settings, paths }: Resolved,
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<RunningServer> {
  const budget = shareBudget(settings.cache)
  const chunks = new ChunkCache(budget.chunks)
  const answers = new Buffers(budget.inFlight, budget.kept / 2)
  const resources: Resources = {
    pool: new DecodePool(),
    tables: new Tables(budget.tables),
    buffers: new Buffers(budget.inFlight / 2, budget.kept / 2),
    handles: new FileHandles(),
    allowed: await AllowedFolders.of(settings.allowPath),
  }
  const look = createLook({
    data: settings.data,
    paths,
    datasetsFile: findDatasetsFile(settings),
    organization: settings.organization,
    allowed: resources.allowed,
    handles: resources.handles,
    environment,
    log,
  })
  const drop = (versionedId: string) => {
    chunks.drop(`${versionedId}/`)
    resources.tables.drop(`${versionedId}/`)
  }
  const open: ConstructorParameters<typeof Catalogue>[0]['open'] = (id, name, descriptor, changed) =>
    openDataset(id, name, descriptor, resources, changed)
  const catalogue = new Catalogue({ look, open, drop })
  const context: Context = { version, catalogue, chunks, answers, control: createControl(catalogue, drop), log }
  const app = createApp(context, commit)
  app.listen({
    hostname: settings.host,
    port: settings.port,
    // two servers on one port would answer in turns
    reusePort: false,
    // a client that neither sends nor reads for this long is gone
    idleTimeout: 60,
    // bodies that are too large are refused by us, with a reason; the runtime's own 413 has none
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  })
  const server = app.server!
  return {
    url: `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${server.port}`,
    port: server.port ?? settings.port,
    catalogue,
    async stop(graceMs) {
      await within(server.stop(), graceMs)
      await server.stop(true)
      resources.pool.close()
    },
  }
}

function createControl(catalogue: Catalogue, drop: (versionedId: string) => void): Control {
  return {
    async look() {
      await catalogue.look()
      await within(Promise.all(catalogue.entries().map(({ opened }) => opened)), OPENING_MS)
    },
    async reload(id) {
      const entry = catalogue.byId(id)
      if (entry) await within(catalogue.reload(entry), OPENING_MS)
      return entry !== undefined
    },
    async invalidate(id) {
      const entry = catalogue.byId(id)
      if (entry) drop(entry.versionedId)
    },
  }
}
