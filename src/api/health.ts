import { Elysia } from 'elysia'
import { COMMON } from './headers.ts'

/** Never waits for anything. */
export const healthRoutes = (prefix: string) => new Elysia({ prefix }).get('/health', () => new Response('Ok', { headers: COMMON }))

/** protocol.md 1.5: what a front end compares with core's answer. */
export const buildInfoRoute = (prefix: string, version: string, commit: string) => {
  const info = {
    webknossosDatastore: { name: 'wkconnect', version, commitHash: commit, datastoreApiVersion: '2.0' },
    httpApiVersioning: { currentApiVersion: 15, oldestSupportedApiVersion: 5 },
  }
  return new Elysia({ prefix }).get(
    '/api/buildinfo',
    () => new Response(JSON.stringify(info), { headers: { ...COMMON, 'Content-Type': 'application/json' } }),
  )
}
