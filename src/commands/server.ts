/** Puts a server together from its settings: the one place that knows all parts. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { type Access, newSecret } from '../api/access.ts'
import { ChunkCache } from '../cache/chunk-cache.ts'
import { basePath, coreSettings } from '../config/core.ts'
import { type Resolved, reachableHost } from '../config/resolve.ts'
import { Contrasts } from '../datasets/contrasts.ts'
import type { Log } from '../log.ts'
import { Metrics } from '../metrics/metrics.ts'
import { mergeSnapshots, Registry } from '../metrics/registry.ts'
import { measureContrast } from '../render/contrast.ts'
import { ThreadHub } from '../threads/hub.ts'
import { version } from '../version.ts'
import { Pace } from '../volume/pace.ts'
import { createControl } from './control.ts'
import { type Core, createCore } from './core.ts'
import { checkFree } from './listen.ts'
import { createMainThread } from './main-thread.ts'
import { createParts, type Parts, shareBudget } from './parts.ts'
import { recordThread } from './record.ts'
import { createAccess, startServing } from './serving.ts'
import { startServingProcess } from './serving-process.ts'
import { createVirtual } from './virtual.ts'
import { watchProcess } from './watch-parts.ts'
import type { ThreadStart } from './worker.ts'

const MAX_THREADS = 8

export interface RunningServer extends Parts {
  readonly url: string
  readonly port: number
  readonly access: Access
  /** The serving threads. */
  readonly threads: ThreadHub
  /** Stops listening, waits up to `graceMs` for answers under way, then breaks them off. */
  stop(graceMs: number): Promise<void>
}

export async function startServer(
  config: Resolved,
  environment: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<RunningServer> {
  const { settings } = config
  const threads = threadsOf(config, log)
  const chunks = new ChunkCache(shareBudget(settings.cache, threads).chunks)
  const coreConfig = coreSettings(config)
  let core: Core | undefined
  const metrics = new Metrics()
  const parts = await createParts(config, environment, log, {
    chunks,
    metrics,
    threads,
    changed: () => {
      core?.connection.changed()
      hub.changed()
    },
    looked: async () => {
      await hub.publish()
      return (await hub.everyThread('recheck')).flat()
    },
  })
  const { catalogue, resources } = parts
  const contrasts = new Contrasts({
    file: join(settings.state || settings.data, settings.state ? 'contrast.json' : '.wkconnect-contrast.json'),
    measure: (layer, signal) => measureContrast(layer, { chunks, pace: new Pace(), signal }),
    changed: () => core?.connection.changed(),
  })
  let { port } = settings
  core =
    coreConfig &&
    createCore(
      coreConfig,
      config,
      { catalogue, contrasts },
      log,
      () => port,
      () => hub.changed(),
    )
  const ofProcess = new Registry()
  watchProcess(ofProcess, version, catalogue, core)
  const secret = newSecret()
  const access = createAccess(config, core, { catalogue, log, secret })
  const virtual = core && createVirtual(core.ids, resources, settings.data, parts.drop)
  const forget = (id: string) => {
    access.forget(id)
    virtual?.forget(id)
  }
  const control = createControl(
    parts,
    settings.data,
    core,
    access,
    contrasts,
    {
      publish: () => hub.publish(),
      everyThread: (...question) => hub.everyThread(...question),
      record: (ms) => hub.record(ms),
    },
    async () => mergeSnapshots([ofProcess.snapshot(), ...(await hub.everyThread('metrics'))]),
  )
  const hub = new ThreadHub({
    count: threads - 1,
    start: startServingProcess,
    first: (number): ThreadStart => ({ config, environment, threads, secret, number }),
    catalogue,
    here: {
      drop: parts.drop,
      forget,
      recheck: parts.recheck,
      metrics: () => metrics.registry.snapshot(),
      record: (ms) => recordThread(0, resources.pool, ms),
    },
    main: createMainThread({ control, catalogue, chunks, contrasts, log, changed: () => hub.changed() }),
    log,
  })
  if (threads > 1) await checkFree(settings.host, port)
  const serving = {
    catalogue,
    virtual,
    contrasts,
    access,
    chunks,
    control,
    overviews: resources.overviews,
    resources,
    metrics,
    log,
    thread: 0,
  }
  const listener = await startServing(config, serving, port, threads)
  port = listener.port
  hub.start(port)
  // so that what an earlier run has measured is in the first report
  await contrasts.loaded
  core?.connection.start()
  const { host, tlsCert } = settings
  return {
    ...parts,
    url: `${tlsCert ? 'https' : 'http'}://${reachableHost(host)}:${port}${basePath(config)}`,
    port,
    access,
    threads: hub,
    async stop(graceMs) {
      core?.connection.stop()
      metrics.eventLoop.stop()
      await Promise.all([listener.stop(graceMs), hub.stop(graceMs)])
      resources.pool.close()
    },
  }
}

/** Elsewhere than on Linux one of several listening on a port gets all connections. */
function threadsOf({ settings, sources }: Resolved, log: Log): number {
  if (process.platform === 'linux')
    return settings.threads === 'auto' ? Math.min(MAX_THREADS, availableParallelism()) : Number(settings.threads)
  if (sources.threads !== 'default' && settings.threads !== '1') log.warn('--threads is 1: on this system threads cannot share a port')
  return 1
}
