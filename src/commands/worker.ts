/** A serving thread beside the main one: the other side of threads/hub.ts. */
import { ChunkCache } from '../cache/chunk-cache.ts'
import { coreSettings } from '../config/core.ts'
import type { Resolved } from '../config/resolve.ts'
import { Mirror } from '../datasets/mirror.ts'
import { openDataset } from '../datasets/open.ts'
import { staleOf } from '../datasets/recheck.ts'
import type { Log } from '../log.ts'
import { Metrics } from '../metrics/metrics.ts'
import { Channel, remote } from '../threads/channel.ts'
import { AskedContrasts } from '../threads/contrasts.ts'
import type { MainThread, WorkerThread } from '../threads/roles.ts'
import { createRights } from './core.ts'
import type { Listener } from './listen.ts'
import { createResources, dropFrom, shareBudget } from './parts.ts'
import { recordThread } from './record.ts'
import { createAccess, startServing } from './serving.ts'
import { portToMain } from './serving-process.ts'
import { createVirtual } from './virtual.ts'

/** What a new thread is told first. */
export interface ThreadStart {
  readonly config: Resolved
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly threads: number
  /** Signs sessions. */
  readonly secret: string
  readonly number: number
}

const started = Promise.withResolvers<WorkerThread>()
/** Everything but the first call waits for what that one makes; calls stay in order. */
const channel = new Channel(portToMain(), {
  start: async (start: ThreadStart) => started.resolve(await createThread(start)),
  arrived: async () => void (await started.promise),
  apply: async (...values: Parameters<WorkerThread['apply']>) => (await started.promise).apply(...values),
  drop: async (versionedId: string) => (await started.promise).drop(versionedId),
  forget: async (id: string) => (await started.promise).forget(id),
  recheck: async () => (await started.promise).recheck(),
  metrics: async () => (await started.promise).metrics(),
  record: async (ms: number) => (await started.promise).record(ms),
  listen: async (port: number) => (await started.promise).listen(port),
  stop: async (graceMs: number) => (await started.promise).stop(graceMs),
})
const main = remote<MainThread>(channel)
const log: Log = {
  info: (line) => void main.log('info', line),
  warn: (line) => void main.log('warn', line),
  trouble: (topic, line) => void main.log('trouble', topic, line),
}
// a mistake of ours in one request must not end all others
process.on('unhandledRejection', (error) => log.trouble('unhandled', `unhandled: ${error instanceof Error ? error.stack : String(error)}`))

async function createThread({ config, environment, threads, secret, number }: ThreadStart): Promise<WorkerThread> {
  const { settings } = config
  const chunks = new ChunkCache(shareBudget(settings.cache, threads).chunks)
  const metrics = new Metrics()
  const elsewhere = (...chunk: Parameters<MainThread['make']>) => main.make(...chunk)
  const resources = await createResources(config, environment, log, { chunks, threads, metrics, elsewhere })
  const contrasts = new AskedContrasts(main)
  const drop = (versionedId: string) => {
    dropFrom(resources, chunks, versionedId)
    contrasts.drop(versionedId)
  }
  const mirror = new Mirror({
    open: (id, name, descriptor, changed) => openDataset(id, name, descriptor, resources, changed),
    drop,
    stale: (versionedId) => void main.stale(versionedId),
  })
  const coreConfig = coreSettings(config)
  const core =
    coreConfig &&
    createRights(coreConfig, ({ organization, name }, id) => {
      mirror.assignId(organization, name, id)
      void main.assignId(organization, name, id)
    })
  const access = createAccess(config, core, { catalogue: mirror, log, secret, useLink: (link) => main.useLink(link) })
  const virtual = core && createVirtual(core.ids, resources, settings.data, drop)
  let listener: Listener | undefined
  return {
    apply: (change) => mirror.apply(change),
    drop,
    forget(id) {
      access.forget(id)
      virtual?.forget(id)
    },
    recheck: () => staleOf(mirror.entries(), resources.tables),
    metrics: () => metrics.registry.snapshot(),
    record: (ms) => recordThread(number, resources.pool, ms),
    async listen(port) {
      const shared = { chunks, resources, overviews: resources.overviews, metrics, log }
      const parts = { ...shared, catalogue: mirror, virtual, contrasts, access, control: main, thread: number }
      listener = await startServing(config, parts, port, threads)
      log.info(`Serving thread ${number} listens, too`)
      return listener.port
    },
    async stop(graceMs) {
      metrics.eventLoop.stop()
      await listener?.stop(graceMs)
      resources.pool.close()
    },
  }
}
