/** Puts a server together from its settings: the one place that knows all parts. */
import { Access } from '../api/access.ts'
import { createApp } from '../api/app.ts'
import type { Context, Control } from '../api/context.ts'
import { OPENING_MS } from '../api/lookup.ts'
import { Buffers } from '../cache/buffers.ts'
import { ChunkCache } from '../cache/chunk-cache.ts'
import type { Resolved } from '../config/resolve.ts'
import { within } from '../datasets/catalogue.ts'
import type { Log } from '../log.ts'
import { Pictures } from '../render/picture.ts'
import { commit, version } from '../version.ts'
import { createParts, type Parts, shareBudget } from './parts.ts'

export interface RunningServer extends Parts {
  readonly url: string
  readonly port: number
  readonly access: Access
  /** Stops listening, waits up to `graceMs` for answers under way, then breaks them off. */
  stop(graceMs: number): Promise<void>
}

export async function startServer(
  config: Resolved,
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<RunningServer> {
  const { settings } = config
  const budget = shareBudget(settings.cache)
  const chunks = new ChunkCache(budget.chunks)
  const parts = await createParts(config, environment, log, (prefix) => chunks.drop(prefix))
  const { catalogue, resources } = parts
  const access = new Access({ adminToken: settings.adminToken, requireToken: settings.requireToken, hosts: [settings.host] })
  const context: Context = {
    version,
    catalogue,
    chunks,
    answers: new Buffers(budget.inFlight, budget.kept / 2),
    pictures: new Pictures(chunks),
    access,
    control: createControl(parts),
    log,
    neuroglancer: settings.neuroglancer,
  }
  const app = createApp(context, { commit, logRequests: settings.logRequests })
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
    ...parts,
    url: `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${server.port}`,
    port: server.port ?? settings.port,
    access,
    async stop(graceMs) {
      await within(server.stop(), graceMs)
      await server.stop(true)
      resources.pool.close()
    },
  }
}

function createControl({ catalogue, editor, drop, look: lookAgain }: Parts): Control {
  const look = async () => {
    await lookAgain()
    await within(Promise.all(catalogue.entries().map(({ opened }) => opened)), OPENING_MS)
  }
  return {
    look,
    async reload(id) {
      const entry = catalogue.byId(id)
      if (entry) await within(catalogue.reload(entry), OPENING_MS)
      return entry !== undefined
    },
    async invalidate(id) {
      const entry = catalogue.byId(id)
      if (entry) drop(entry.versionedId)
    },
    async add(entries) {
      const problems = await editor.add(entries, true)
      if (problems.length === 0) await look()
      return problems
    },
  }
}
