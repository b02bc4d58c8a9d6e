/** A CPU profile of the running server, for people who want to know what it is doing. */
import { Elysia } from 'elysia'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { COMMON, json } from './headers.ts'
import { describe } from './openapi.ts'
import type { Query } from './paths.ts'

/** Nothing is sent meanwhile, and a silent connection is closed after 60 s. */
const MAX_SECONDS = 50
const DEFAULT_SECONDS = 10

export const traceRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const method of ['GET', 'POST'] as const) {
    app.route(method, '/triggers/trace', ({ request, query }) => record(context, request, query as Query), {
      parse: 'none',
      detail: describe('Records a CPU profile and answers with it', { query: ['seconds', 'threads'] }),
    })
  }
  return app
}

async function record({ access, control }: Context, request: Request, query: Query): Promise<Response> {
  access.checkHost(request)
  access.checkAdmin(request)
  const { seconds = String(DEFAULT_SECONDS), threads = 'serving' } = query
  const count = /^\d{1,4}$/.test(seconds) ? Number(seconds) : 0
  if (count < 1 || count > MAX_SECONDS)
    throw new HttpError(400, `A recording takes 1 to ${MAX_SECONDS} whole seconds, got ${JSON.stringify(seconds)}.`)
  if (threads !== 'serving' && threads !== 'all') throw new HttpError(400, `threads is serving or all, got ${JSON.stringify(threads)}.`)
  const profiles = await control.record(count * 1000)
  if (!profiles) throw new HttpError(409, 'Somebody else is recording just now; one recording is made at a time.')
  // the profiles are JSON already
  if (threads === 'all') return json({ threads: profiles.map(({ name, profile }) => ({ name, profile: JSON.parse(profile) })) })
  const headers = {
    ...COMMON,
    'Content-Type': 'application/json',
    'Content-Disposition': 'attachment; filename="wkconnect.cpuprofile"',
  }
  return new Response(profiles[0]!.profile, { headers })
}
