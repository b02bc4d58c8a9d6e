/**
 * Buckets past the framework: what it does around a handler costs as much as reading a bucket (bench http), and a viewer asks for hundreds
 * of them a second. The framework has the same routes, for its list of them and for whoever asks in a way this one passes over.
 */
import type { BunRequest, Server } from 'bun'
import type { Context } from './context.ts'
import { answerBuckets } from './data.ts'
import { checkVersion } from './health.ts'
import type { LayerParams } from './lookup.ts'
import { layerPaths } from './paths.ts'

type Handler = (request: BunRequest, server: Server<unknown>) => Promise<Response>

/** For the runtime's own router, by pattern. `answerError` makes an answer of what is thrown. */
export function straightRoutes(
  context: Context,
  prefixes: readonly string[],
  answerError: (error: unknown, request: Request) => Response,
): Record<string, { readonly POST: Handler }> {
  const routes: Record<string, { POST: Handler }> = {}
  for (const path of prefixes.flatMap((prefix) => layerPaths('data').map((rest) => prefix + rest))) {
    const group = context.metrics.requests.ofRoute(path)
    routes[path] = {
      async POST(request) {
        const startedMs = performance.now()
        let response: Response
        try {
          const params = request.params as unknown as LayerParams & { readonly version?: string }
          if (params.version !== undefined) checkVersion(params)
          response = await answerBuckets(context, params, request)
        } catch (error) {
          response = answerError(error, request)
        }
        group.count(response.status, startedMs)
        return response
      },
    }
  }
  return routes
}
