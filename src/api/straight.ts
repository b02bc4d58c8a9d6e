/**
 * Buckets and Zarr past the framework: what it does around a handler costs as much as reading a bucket (bench http), and viewers ask for
 * hundreds of them a second. The framework has the same routes, for its list of them and for whoever asks in a way this one passes over.
 */
import type { BunRequest, Server } from 'bun'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import type { Context } from './context.ts'
import { answerBuckets } from './data.ts'
import { checkVersion } from './health.ts'
import type { LayerParams } from './lookup.ts'
import { layerPaths, type VersionParams } from './paths.ts'
import { zarrHandlers } from './zarr.ts'

type Handler = (request: BunRequest, server: Server<unknown>) => Promise<Response>
type Answer = (params: VersionParams, request: Request) => MaybePromise<Response>

/** For the runtime's own router, by pattern and method. `answerError` makes an answer of what is thrown. */
export function straightRoutes(
  context: Context,
  prefixes: readonly string[],
  answerError: (error: unknown, request: Request) => Response,
): Record<string, Partial<Record<'GET' | 'HEAD' | 'POST', Handler>>> {
  const handler = (path: string, answer: Answer): Handler => {
    const group = context.metrics.requests.ofRoute(path)
    return async (request) => {
      const startedMs = performance.now()
      let response: Response
      try {
        const params: VersionParams = request.params
        if (params['version'] !== undefined) checkVersion(params)
        response = await answer(params, request)
      } catch (error) {
        response = answerError(error, request)
      }
      group.count(response.status, startedMs)
      return response
    }
  }
  const routes: ReturnType<typeof straightRoutes> = {}
  for (const prefix of prefixes) {
    for (const rest of layerPaths('data'))
      routes[prefix + rest] = {
        POST: handler(prefix + rest, (params, request) => answerBuckets(context, params as unknown as LayerParams, request)),
      }
    for (const [path, answer] of zarrHandlers(context, prefix)) {
      const handle = handler(path, answer)
      routes[path] = { GET: handle, HEAD: handle }
    }
  }
  return routes
}
