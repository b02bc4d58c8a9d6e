import { Elysia } from 'elysia'
import { COMMON } from './headers.ts'

/** Versions in front of a path (protocol.md 0.1); higher ones are welcome. */
export const CURRENT_VERSION = 15
export const OLDEST_VERSION = 5

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
