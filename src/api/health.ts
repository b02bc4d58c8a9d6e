import { Elysia } from 'elysia'
import { HttpError } from './errors.ts'
import { COMMON } from './headers.ts'

/** Versions in front of a path (protocol.md 0.1); higher ones are welcome. */
const CURRENT_VERSION = 15
const OLDEST_VERSION = 5

/** Of a path that begins with a version. Throws 404. */
export function checkVersion({ version = '' }: { readonly version?: string }): void {
  if (!/^v\d{1,4}$/.test(version)) throw new HttpError(404, `There is no version ${version} of this API.`)
  if (Number(version.slice(1)) < OLDEST_VERSION)
    throw new HttpError(
      404,
      `This server does not support version ${version} of the API; the oldest is v${OLDEST_VERSION}, the current one v${CURRENT_VERSION}.`,
    )
}

/** Never waits for anything. */
export const healthRoutes = (prefix: string) => new Elysia({ prefix }).get('/health', () => new Response('Ok', { headers: COMMON }))

/** protocol.md 1.5: what a front end compares with core's answer. */
export const buildInfoRoute = (prefix: string, version: string, commit: string) => {
  const info = {
    webknossosDatastore: { name: 'wkconnect', version, commitHash: commit, datastoreApiVersion: '2.0' },
    httpApiVersioning: { currentApiVersion: CURRENT_VERSION, oldestSupportedApiVersion: OLDEST_VERSION },
  }
  return new Elysia({ prefix }).get(
    '/api/buildinfo',
    () => new Response(JSON.stringify(info), { headers: { ...COMMON, 'Content-Type': 'application/json' } }),
  )
}
