/** All routes, with and without a version in front, and what every one of them shares. */
import { Elysia } from 'elysia'
import type { Context } from './context.ts'
import { countRequests } from './count-requests.ts'
import { dataRoutes } from './data.ts'
import { datasetRoutes } from './datasets.ts'
import { editRoutes } from './edit.ts'
import { errorResponse, HttpError } from './errors.ts'
import { exploreRoutes } from './explore.ts'
import { COMMON, preflight } from './headers.ts'
import { buildInfoRoute, checkVersion, healthRoutes } from './health.ts'
import { managementRoutes } from './management.ts'
import { meshRoutes } from './meshes.ts'
import { metricsRoute } from './metrics.ts'
import { describe, openApi } from './openapi.ts'
import { pageRoutes } from './page.ts'
import { pictureRoutes } from './pictures.ts'
import { segmentationRoutes } from './segmentation.ts'
import { statisticsRoutes } from './statistics.ts'
import { straightRoutes } from './straight.ts'
import { traceRoutes } from './trace.ts'
import { zarrRoutes } from './zarr.ts'

const ROUTES = [
  datasetRoutes,
  editRoutes,
  exploreRoutes,
  managementRoutes,
  dataRoutes,
  pictureRoutes,
  statisticsRoutes,
  meshRoutes,
  segmentationRoutes,
  traceRoutes,
  zarrRoutes,
] as const

/** Nothing in our routes depends on the version, so unknown higher ones are welcome (protocol.md 0.1). */
const PREFIXES = ['/data', '/data/:version'] as const

/** As nginx has it; no status of HTTP. */
const CLIENT_LEFT = 499

export interface AppOptions {
  readonly commit: string
  readonly logRequests: boolean
}

export const createApp = (context: Context, { commit, logRequests }: AppOptions) => {
  // with a base path also below it: some proxies hand it on, others take it off
  const bases = [...new Set(['', context.base])]
  const answerError = (error: unknown, request: Request) => answerOf(error, request, context)
  const prefixes = bases.flatMap((base) => PREFIXES.map((prefix) => base + prefix))
  // the log of requests is the framework's
  const serve = logRequests ? {} : { serve: { routes: straightRoutes(context, prefixes, answerError) } }
  const app = new Elysia({ normalize: false, ...serve })
  countRequests(app, context.metrics.requests)
  app
    .onError(({ error, code, request }) => {
      if (code === 'NOT_FOUND') {
        context.metrics.requests.unknown.count(404, 0)
        return errorResponse(new HttpError(404, `There is no route ${request.method} ${new URL(request.url).pathname}.`), COMMON)
      }
      return answerError(error, request)
    })
    .options('/*', ({ request }) => preflight(request.headers.get('access-control-request-headers')))
  if (logRequests) {
    // over TLS the runtime does not know it any more when the answer is out
    app.onRequest(({ request }) => void request.url)
    app.onAfterResponse(({ request, set, responseValue }) => {
      const status = responseValue instanceof Response ? responseValue.status : set.status
      context.log.info(
        `${request.method} ${withoutSecrets(request.url)} ${status}${context.thread > 0 ? ` (thread ${context.thread})` : ''}`,
      )
    })
  }
  for (const base of bases) {
    app
      .use(buildInfoRoute(base, context.version, commit))
      .use(metricsRoute(context, base))
      .use(pageRoutes(context, base))
    for (const prefix of PREFIXES) {
      const group = new Elysia()
      if (prefix !== '/data') group.onBeforeHandle(({ params }) => checkVersion(params as { version?: string }))
      const at = base + prefix
      group.use(healthRoutes(at))
      for (const routes of ROUTES) group.use(routes(context, at))
      app.use(group)
    }
  }
  let document: string | undefined
  app.get(
    '/openapi.json',
    () => {
      document ??= JSON.stringify(openApi(app.routes, context.version))
      return new Response(document, { headers: { ...COMMON, 'Content-Type': 'application/json' } })
    },
    { detail: describe('This list of routes') },
  )
  return app
}

/** What a client is told of an error. One nobody expected is logged. */
function answerOf(error: unknown, request: Request, { log }: Context): Response {
  // nobody hears it; it is for the log of requests and the metrics
  if (request.signal.aborted) return new Response(null, { status: CLIENT_LEFT, headers: COMMON })
  const response = errorResponse(error, COMMON)
  if (response.status === 500)
    log.trouble('500', `${request.method} ${new URL(request.url).pathname}: ${error instanceof Error ? error.stack : String(error)}`)
  return response
}

/** Path and query, tokens left out. */
function withoutSecrets(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search.replace(/([?&](?:token|link|key)=)[^&]+/gi, '$1…')
}
