/** Adding datasets, and changing how they are described (protocol.md 2.9, 2.12). */
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { EditedDataSource } from '../datasets/overrides.ts'
import { CannotWrite } from '../datasets/write.ts'
import { JsonBody } from './body.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { COMMON } from './headers.ts'
import { knownId } from './lookup.ts'
import { describe } from './openapi.ts'

export const editRoutes = (context: Context, prefix: string) =>
  new Elysia({ prefix, normalize: false })
    .post('/datasets', ({ request }) => addDatasets(context, request), {
      parse: 'none',
      detail: describe('Adds datasets as datasets.json lists them, all or none'),
    })
    .put('/datasets/:first', ({ params, request }) => editDataset(context, params.first, request), {
      parse: 'none',
      detail: describe('Changes how a dataset is described', { body: EditedDataSource }),
    })

const MAX_ORGANIZATIONS = 100

const nothing = () => new Response('', { headers: COMMON })

const entriesBody = new JsonBody(Type.Unknown())
const editedBody = new JsonBody(EditedDataSource)

/** A page of another site can send forms and plain text without asking, but not JSON. Throws 415, 501 for uploads. */
function checkJson(request: Request): void {
  const type = request.headers.get('content-type') ?? ''
  if (/^multipart\//i.test(type)) throw new HttpError(501, 'Uploads are not supported: data are shown where they lie.')
  if (!/^application\/json\b/i.test(type))
    throw new HttpError(415, `The body must be application/json, this is ${type || 'of no stated type'}.`)
}

/** webknossos-connect's way to add datasets: its JSON, 200 with an empty text, or a message for each one that cannot be opened. */
async function addDatasets({ access, control }: Context, request: Request): Promise<Response> {
  checkJson(request)
  const entries = await entriesBody.read(request)
  await access.checkAdding(request, organizationsOf(entries))
  try {
    const problems = await control.add(entries)
    if (problems.length === 0) return nothing()
    const messages = problems.map(({ dataset, reason }) => ({ error: `${dataset}: ${reason}` }))
    return new Response(JSON.stringify({ messages }), { status: 400, headers: { ...COMMON, 'Content-Type': 'application/json' } })
  } catch (error) {
    throw error instanceof CannotWrite ? new HttpError(400, error.message) : error
  }
}

/** Somebody saved a dataset's settings in webKnossos, which takes them only when we do. */
async function editDataset(context: Context, id: string, request: Request): Promise<Response> {
  const { access, control } = context
  checkJson(request)
  const dataSource = await editedBody.read(request)
  await access.checkEditing(request)
  try {
    const outcome = await control.edit(await knownId(context, id), dataSource)
    if (outcome === 'unknown') throw new HttpError(404, `There is no dataset with id ${id}.`)
    if (outcome === 'unusable') throw new HttpError(400, 'The dataset cannot be opened; its description cannot be changed.')
    return nothing()
  } catch (error) {
    throw error instanceof CannotWrite ? new HttpError(400, error.message) : error
  }
}

/** In the body of an addition; at least one, so that somebody is always asked. Throws 400 for more than anybody has. */
function organizationsOf(entries: unknown): (string | undefined)[] {
  const organizations = [...new Set(Object.values(Object(entries)).flatMap((backend) => Object.keys(Object(backend))))]
  if (organizations.length > MAX_ORGANIZATIONS)
    throw new HttpError(400, `${organizations.length} organizations in one request; at most ${MAX_ORGANIZATIONS} are taken.`)
  return organizations.length > 0 ? organizations : [undefined]
}
