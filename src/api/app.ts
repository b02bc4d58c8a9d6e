/** All routes, with and without a version in front, and what every one of them shares. */
import { Elysia } from 'elysia'
import type { Context } from './context.ts'
import { dataRoutes } from './data.ts'
import { datasetRoutes } from './datasets.ts'
import { errorResponse, HttpError } from './errors.ts'
import { COMMON, preflight } from './headers.ts'
import { buildInfoRoute, healthRoutes } from './health.ts'
import { pageRoutes } from './page.ts'
import { zarrRoutes } from './zarr.ts'

/** Nothing in our routes depends on the version, so unknown higher ones are welcome (protocol.md 0.1). */
const PREFIXES = ['/data', '/data/:version'] as const

export interface AppOptions {
  readonly commit: string
  readonly logRequests: boolean
}

export const createApp = (context: Context, { commit, logRequests }: AppOptions) => {
  const app = new Elysia({ normalize: false })
    .onError(({ error, code, request }) => {
      if (code === 'NOT_FOUND')
        return errorResponse(new HttpError(404, `There is no route ${request.method} ${new URL(request.url).pathname}.`), COMMON)
      const response = errorResponse(error, COMMON)
      if (response.status === 500)
        context.log.trouble(
          '500',
          `${request.method} ${new URL(request.url).pathname}: ${error instanceof Error ? error.stack : String(error)}`,
        )
      return response
    })
    .options('/*', ({ request }) => preflight(request.headers.get('access-control-request-headers')))
    .use(buildInfoRoute(context.version, commit))
    .use(pageRoutes(context))
  if (logRequests) {
    app.onAfterResponse(({ request, set, responseValue }) => {
      const status = responseValue instanceof Response ? responseValue.status : set.status
      context.log.info(`${request.method} ${withoutSecrets(request.url)} ${status}`)
    })
  }
  for (const prefix of PREFIXES) {
    const group = new Elysia()
    if (prefix !== '/data') group.onBeforeHandle(({ params }) => checkVersion(params as { version?: string }))
    app.use(
      group.use(healthRoutes(prefix)).use(datasetRoutes(context, prefix)).use(dataRoutes(context, prefix)).use(zarrRoutes(context, prefix)),
    )
  }
  return app
}

/** Path and query, tokens left out. */
function withoutSecrets(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search.replace(/([?&](?:token|link|key)=)[^&]+/gi, '$1…')
}

function checkVersion({ version = '' }: { version?: string }): void {
  if (!/^v\d{1,4}$/.test(version)) throw new HttpError(404, `There is no version ${version} of this API.`)
}
