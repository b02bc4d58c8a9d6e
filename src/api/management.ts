/**
 * Routes of a datastore that keeps the data itself: uploads, deletion, storage, exports (protocol.md 2.9 to 2.12). This one only reads
 * what lies there, and answers what leaves core and its pages in peace (protocol.md 11).
 */
import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { JsonBody } from './body.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { json, text } from './headers.ts'
import { describe } from './openapi.ts'
import { datasetPaths } from './paths.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Nothing of the kind is here: a value. */
const NOTHING: readonly (readonly [Method, string, unknown, string])[] = [
  ['GET', '/datasets/unfinishedUploads', [], 'Uploads that were broken off: none'],
  ['GET', '/datasets/getUnfinishedUploads', [], 'Uploads that were broken off: none'],
  ['GET', '/datasets/upload/:domain/unfinishedUploads', [], 'Uploads that were broken off: none'],
  ['DELETE', '/datasets/deletePaths', [], 'Paths for core to delete elsewhere: none'],
  ['POST', '/datasets/measureUsedStorage/:organization', { reports: [] }, 'Storage used: not measured'],
  ['GET', '/datasets/measureUsedStorage/:organization', [], 'Storage used: not measured'],
  ['POST', '/datasets/writeMirrors', [], 'Mirrors written: none'],
  ['POST', '/triggers/scanRealPathsForVirtual', [], 'Paths found: none'],
]

const UPLOAD = 'Nothing can be uploaded to this server: copy the data into its folder, or list them in datasets.json.'
const ON_DISK = 'This server only reads data: what lies on its disks is deleted there.'
const PATHS = 'This server does not tell where its data lie.'
const SETTINGS = 'This server does not store settings sent this way: edit datasource-properties.json, or use wkconnect set.'
const PROXY = 'This server does not hand out the stored files themselves; read voxels, or stream them as Zarr.'

/** Nothing of the kind is done here: 501. */
const REFUSED: readonly (readonly [Method, string, string])[] = [
  ['POST', '/datasets/reserveUpload', UPLOAD],
  ['POST', '/datasets/reserveManualUpload', UPLOAD],
  ['POST', '/datasets/finishUpload', UPLOAD],
  ['POST', '/datasets/cancelUpload', UPLOAD],
  ['GET', '/datasets/upload/:domain', UPLOAD],
  ['POST', '/datasets/upload/:domain', UPLOAD],
  ['POST', '/datasets/upload/:domain/:step', UPLOAD],
  ['POST', '/datasets/compose', 'This server does not put datasets together.'],
  ['GET', '/datasets/baseDirAbsolute', PATHS],
  ['GET', '/datasets/getOneBaseDirForOrgaAbsolute', PATHS],
  ['POST', '/datasets/:first/:second', SETTINGS],
  ['PUT', '/datasets/:first/:second', SETTINGS],
  ...datasetPaths('deleteOnDisk').map((path) => ['DELETE', path, ON_DISK] as const),
  ['GET', '/datasets/:first/proxy/*', PROXY],
  ['GET', '/exports/:job/download', 'There are no exports on this server.'],
  ['POST', '/aiModels/effectiveVoxelSize', 'There are no AI models on this server.'],
]

/** Folders of organizations are made by whoever puts data there. The last one asks without a token (protocol.md 2.10). */
const NO_ACTION: readonly (readonly [Method, string])[] = [
  ['POST', '/triggers/createOrganizationDirectory'],
  ['POST', '/triggers/newOrganizationFolder'],
  ['GET', '/triggers/checkNewOrganizationFolder'],
]

const paths = new JsonBody(Type.Array(Type.String(), { maxItems: 10_000 }))

export const managementRoutes = (_context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const [method, path, value, summary] of NOTHING)
    app.route(method, path, () => json(value), { parse: 'none', detail: describe(summary) })
  for (const [method, path] of NO_ACTION)
    app.route(method, path, () => text('Ok'), { parse: 'none', detail: describe('Nothing has to be done') })
  for (const [method, path, words] of REFUSED) {
    const refuse = () => {
      throw new HttpError(501, words)
    }
    app.route(method, path, refuse, { parse: 'none', detail: describe(`501: ${words}`) })
  }
  app.post('/datasets/validatePaths', async ({ request }) => json((await paths.read(request)).map((path) => ({ path, valid: false }))), {
    parse: 'none',
    detail: describe('Whether data may be put at these paths: never', { body: Type.Array(Type.String()) }),
  })
  return app
}
