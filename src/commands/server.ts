/** Puts a server together from its settings: the one place that knows all parts. */
import { join } from 'node:path'
import { Access } from '../api/access.ts'
import { createApp } from '../api/app.ts'
import type { Context } from '../api/context.ts'
import { CoreAccess } from '../api/core-access.ts'
import { Deadlines } from '../api/deadlines.ts'
import { Buffers } from '../cache/buffers.ts'
import { ChunkCache } from '../cache/chunk-cache.ts'
import { basePath, coreSettings } from '../config/core.ts'
import type { Resolved } from '../config/resolve.ts'
import { Contrasts } from '../datasets/contrasts.ts'
import type { Log } from '../log.ts'
import { Metrics } from '../metrics/metrics.ts'
import { mergeSnapshots, Registry } from '../metrics/registry.ts'
import { measureContrast } from '../render/contrast.ts'
import { Pictures } from '../render/picture.ts'
import { commit, version } from '../version.ts'
import { Pace } from '../volume/pace.ts'
import { createControl } from './control.ts'
import { type Core, createCore } from './core.ts'
import { listen } from './listen.ts'
import { createParts, type Parts, shareBudget } from './parts.ts'
import { watchProcess, watchThread } from './watch-parts.ts'

/** With the second that deadlines may be late, a bucket is answered within 20 s. */
const BUCKET_MS = 18_000

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
  const coreConfig = coreSettings(config)
  let core: Core | undefined
  const metrics = new Metrics()
  const parts = await createParts(config, environment, log, {
    chunks,
    metrics,
    changed: () => core?.connection.changed(),
  })
  const { catalogue, resources } = parts
  const contrasts = new Contrasts({
    file: join(settings.state || settings.data, settings.state ? 'contrast.json' : '.wkconnect-contrast.json'),
    measure: (layer, signal) => measureContrast(layer, { chunks, pace: new Pace(), signal }),
    changed: () => core?.connection.changed(),
  })
  let port = settings.port
  core = coreConfig && createCore(coreConfig, config, { catalogue, contrasts }, log, () => port)
  const { adminToken, requireToken } = settings
  const hosts = [settings.host, ...namesOf([settings.url, settings.publicUrl])]
  const access = core ? new CoreAccess({ ...core, adminToken, hosts, catalogue, log }) : new Access({ adminToken, requireToken, hosts })
  const base = basePath(config)
  const answers = new Buffers(budget.inFlight, budget.kept / 2)
  const ofProcess = new Registry()
  watchThread(metrics.registry, { chunks, answers, resources })
  watchProcess(ofProcess, version, catalogue, core)
  const snapshot = async () => mergeSnapshots([metrics.registry.snapshot(), ofProcess.snapshot()])
  const context: Context = {
    version,
    catalogue,
    chunks,
    answers,
    pictures: new Pictures(chunks),
    deadlines: new Deadlines(BUCKET_MS),
    contrasts,
    access,
    overviews: resources.overviews,
    control: createControl(parts, settings.data, core, snapshot),
    base,
    log,
    metrics,
    neuroglancer: settings.neuroglancer,
  }
  const app = createApp(context, { commit, logRequests: settings.logRequests })
  const { host: hostname, tlsCert, tlsKey } = settings
  const listener = await listen(app, { hostname, port, tlsCert, tlsKey }, log)
  port = listener.port
  metrics.eventLoop.start()
  // so that what an earlier run has measured is in the first report
  await contrasts.loaded
  core?.connection.start()
  return {
    ...parts,
    url: `${tlsCert ? 'https' : 'http'}://${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}${base}`,
    port,
    access,
    async stop(graceMs) {
      core?.connection.stop()
      metrics.eventLoop.stop()
      await listener.stop(graceMs)
      resources.pool.close()
    },
  }
}

/** Host names of addresses, as requests carry them. */
const namesOf = (urls: readonly string[]): string[] => urls.flatMap((url) => (URL.canParse(url) ? [new URL(url).hostname] : []))
