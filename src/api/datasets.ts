/** What datasets there are, and asking to look again (protocol.md 2.9, 2.10). */
import { Elysia } from 'elysia'
import { dataSourceOf } from '../datasets/data-source.ts'
import { idOf } from '../datasets/found.ts'
import type { Layer } from '../volume/chunked-array.ts'
import type { DatasetParams } from './access.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { json, text } from './headers.ts'
import { findDataset, knownId } from './lookup.ts'
import { describe } from './openapi.ts'
import { datasetPaths } from './paths.ts'

/** An answer without the intensities that are still being measured is better than none. */
export const CONTRAST_MS = 500

interface VersionedParams extends DatasetParams {
  readonly version?: string | undefined
}

/** Ids larger than a JSON number holds are written in webKnossos's envelope since version 15 (protocol.md 8). */
const takesBigIds = ({ version }: VersionedParams): boolean => Number(version?.slice(1) ?? 0) >= 15

export const datasetRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  app.get('/datasets', async ({ request }) => {
    context.access.checkRead(request)
    return json(await context.control.list())
  })
  const dataSource = async (params: VersionedParams, request: Request) => {
    const entry = await findDataset(context, params, request)
    await context.contrasts.settle([entry], CONTRAST_MS)
    const contrastOf = (layer: Layer) => context.contrasts.of(entry, layer)
    return dataSourceOf(entry, { contrastOf, bigIds: takesBigIds(params) ? 'envelope' : 'clamp' })
  }
  for (const path of ['/datasets/:first', '/datasets/:first/:second'] as const) {
    app.get(path, async ({ params, request }) => json({ dataSource: await dataSource(params, request), messages: [] }), {
      detail: describe('The data source of a dataset, or {id, status} where it cannot be opened'),
    })
  }
  for (const path of datasetPaths('readInboxDataSource'))
    app.get(path, async ({ params, request }) => json(await dataSource(params, request)), { detail: describe('The data source alone') })

  // not deletion: core calls it after each change (protocol.md 9.1), and unknown ids are fine
  app.delete('/datasets/:first', async ({ params, request }) => {
    await context.access.checkInvalidation(request, params)
    context.access.forget(params.first)
    await context.control.invalidate(params.first)
    return text('')
  })
  app.delete('/datasets/:first/:second', async ({ params, request }) => {
    await context.access.checkInvalidation(request, params)
    await context.control.invalidate(idOf(params.first, params.second))
    return text('')
  })

  const look = async (request: Request, organization: string | undefined) => {
    await context.access.checkAdministration(request, organization)
    await context.control.look()
    return text('Ok')
  }
  const reload = async ({ first, second }: { first: string; second: string }, request: Request) => {
    await context.access.checkAdministration(request, first)
    // organization and dataset name, or organization and dataset id
    const id = context.catalogue.byName(first, second)?.id ?? (await knownId(context, second))
    if (context.virtual?.held(id)) await context.control.invalidate(id)
    else if (!(await context.control.reload(id))) throw new HttpError(404, `There is no dataset ${second} of organization ${first}.`)
    return text('Ok')
  }
  for (const method of ['get', 'post'] as const) {
    app[method]('/triggers/checkInboxBlocking', ({ request, query }) => look(request, query['organizationId']))
    app[method]('/triggers/reload/:first/:second', ({ params, request }) => reload(params, request))
  }
  return app
}
