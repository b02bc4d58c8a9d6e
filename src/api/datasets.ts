/** What datasets there are, and asking to look again (protocol.md 2.9, 2.10). */
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { within } from '../datasets/catalogue.ts'
import { dataSourceOf, listedDataset } from '../datasets/data-source.ts'
import { idOf } from '../datasets/found.ts'
import { CannotWrite } from '../datasets/write.ts'
import type { DatasetParams } from './access.ts'
import { JsonBody } from './body.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { COMMON } from './headers.ts'
import { findDataset, OPENING_MS } from './lookup.ts'

const json = (value: unknown) => new Response(JSON.stringify(value), { headers: { ...COMMON, 'Content-Type': 'application/json' } })
const text = (value: string) => new Response(value, { headers: COMMON })

export const datasetRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  app.get('/datasets', async ({ request }) => {
    context.access.checkRead(request)
    const until = performance.now() + OPENING_MS
    await context.catalogue.firstLook(OPENING_MS)
    const entries = context.catalogue.entries()
    await within(Promise.all(entries.map(({ opened }) => opened)), Math.max(0, until - performance.now()))
    return json(context.catalogue.entries().map((entry) => listedDataset(entry, context.overviews?.jobs.progress(entry.versionedId))))
  })
  app.post('/datasets', ({ request }) => addDatasets(context, request), { parse: 'none' })
  const one = async (params: DatasetParams, request: Request) => {
    return json({ dataSource: dataSourceOf(await findDataset(context, params, request)), messages: [] })
  }
  app.get('/datasets/:first', ({ params, request }) => one(params, request))
  app.get('/datasets/:first/:second', ({ params, request }) => one(params, request))

  // not deletion: core calls it after each change (protocol.md 9.1), and unknown ids are fine
  app.delete('/datasets/:first', async ({ params, request }) => {
    context.access.checkHost(request)
    await context.control.invalidate(params.first)
    return text('')
  })
  app.delete('/datasets/:first/:second', async ({ params, request }) => {
    context.access.checkHost(request)
    await context.control.invalidate(idOf(params.first, params.second))
    return text('')
  })

  const look = async (request: Request) => {
    context.access.checkHost(request)
    await context.control.look()
    return text('Ok')
  }
  const reload = async ({ first, second }: { first: string; second: string }, request: Request) => {
    context.access.checkHost(request)
    // organization and dataset name, or organization and dataset id
    const id = context.catalogue.byName(first, second)?.id ?? second
    if (!(await context.control.reload(id))) throw new HttpError(404, `There is no dataset ${second} of organization ${first}.`)
    return text('Ok')
  }
  for (const method of ['get', 'post'] as const) {
    app[method]('/triggers/checkInboxBlocking', ({ request }) => look(request))
    app[method]('/triggers/reload/:first/:second', ({ params, request }) => reload(params, request))
  }
  return app
}

const entriesBody = new JsonBody(Type.Unknown())

/** webknossos-connect's way to add datasets: its JSON, 200 with an empty text, or a message for each one that cannot be opened. */
async function addDatasets({ access, control }: Context, request: Request): Promise<Response> {
  access.checkHost(request)
  const type = request.headers.get('content-type') ?? ''
  // a page of another site can send forms and plain text without asking, but not JSON
  if (!/^application\/json\b/i.test(type))
    throw new HttpError(415, `The body must be application/json, this is ${type || 'of no stated type'}.`)
  const entries = await entriesBody.read(request)
  access.checkAdmin(request)
  try {
    const problems = await control.add(entries)
    if (problems.length === 0) return text('')
    const messages = problems.map(({ dataset, reason }) => ({ error: `${dataset}: ${reason}` }))
    return new Response(JSON.stringify({ messages }), { status: 400, headers: { ...COMMON, 'Content-Type': 'application/json' } })
  } catch (error) {
    throw error instanceof CannotWrite ? new HttpError(400, error.message) : error
  }
}
