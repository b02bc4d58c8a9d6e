/** What makes a thread one that serves, the main one and the others alike. */
import { Access, type AccessOptions } from '../api/access.ts'
import { createApp } from '../api/app.ts'
import type { Context } from '../api/context.ts'
import { CoreAccess } from '../api/core-access.ts'
import { Gate } from '../api/gate.ts'
import { Deadlines } from '../api/request-signal.ts'
import { Answers } from '../cache/answers.ts'
import type { ChunkCache } from '../cache/chunk-cache.ts'
import { basePath } from '../config/core.ts'
import type { Resolved } from '../config/resolve.ts'
import type { Datasets } from '../datasets/catalogue.ts'
import type { Resources } from '../datasets/open.ts'
import type { Log } from '../log.ts'
import { Pictures } from '../render/picture.ts'
import { commit, version } from '../version.ts'
import type { CoreRights } from './core.ts'
import { type Listener, listen } from './listen.ts'
import { shareBudget } from './parts.ts'
import { watchThread } from './watch-parts.ts'

/** With the second that deadlines may be late, a bucket is answered within 20 s. */
const BUCKET_MS = 18_000

type Sessions = Pick<AccessOptions, 'secret' | 'useLink'>

export function createAccess(
  { settings }: Resolved,
  core: CoreRights | undefined,
  { catalogue, log, ...sessions }: Sessions & { readonly catalogue: Datasets; readonly log: Log },
): Access {
  const { adminToken, requireToken, host, url, publicUrl } = settings
  const shared = { adminToken, hosts: [host, ...namesOf([url, publicUrl])], ...sessions }
  return core ? new CoreAccess({ ...shared, ...core, catalogue, log }) : new Access({ ...shared, requireToken })
}

export type ServingParts = Pick<
  Context,
  'catalogue' | 'virtual' | 'contrasts' | 'access' | 'overviews' | 'control' | 'log' | 'thread' | 'metrics'
> & {
  readonly chunks: ChunkCache
  readonly resources: Resources
}

/** Answers requests from these parts. `threads`: how many do. Throws `ConfigError`, and what listening throws. */
export function startServing(config: Resolved, parts: ServingParts, port: number, threads: number): Promise<Listener> {
  const { settings } = config
  const budget = shareBudget(settings.cache, threads)
  const { resources, ...rest } = parts
  const answers = new Answers(budget.inFlight, budget.kept / 2)
  const gate = new Gate(settings.maxRequests)
  watchThread(parts.metrics.registry, { chunks: parts.chunks, answers, gate, resources })
  parts.metrics.eventLoop.start()
  const context: Context = {
    version,
    answers,
    pictures: new Pictures(parts.chunks),
    gate,
    deadlines: new Deadlines(BUCKET_MS),
    base: basePath(config),
    neuroglancer: settings.neuroglancer,
    ...rest,
  }
  const app = createApp(context, { commit, logRequests: settings.logRequests })
  const { host: hostname, tlsCert, tlsKey } = settings
  return listen(app, { hostname, port, tlsCert, tlsKey, isShared: threads > 1 }, parts.log)
}

/** Host names of addresses, as requests carry them. */
const namesOf = (urls: readonly string[]): string[] => urls.flatMap((url) => (URL.canParse(url) ? [new URL(url).hostname] : []))
