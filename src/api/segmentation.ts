/**
 * What a segmentation may have beside its voxels and meshes: mappings, agglomerates and the like (protocol.md 3). Nothing here has
 * any yet, and says so in the ways that keep viewers quiet: empty lists with 200, 404 for what is asked for by name all the same.
 */
import { Elysia } from 'elysia'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { json } from './headers.ts'
import { findLayer, type LayerParams } from './lookup.ts'
import { describe } from './openapi.ts'
import { layerPaths } from './paths.ts'

const LISTS: readonly (readonly [string, string])[] = [
  ['mappings', 'Mappings of the layer: none'],
  ['agglomerates', 'Agglomerate files of the layer: none'],
  ['connectomes', 'Connectome files of the layer: none'],
]

/** Method, path below the layer, what there is none of. */
const MISSING: readonly (readonly ['GET' | 'POST', string, string])[] = [
  ['GET', 'mappings/:name', 'mapping'],
  ['GET', 'agglomerates/:name/*', 'agglomerate file'],
  ['POST', 'agglomerates/:name/*', 'agglomerate file'],
  ['POST', 'connectomes/synapses', 'connectome'],
  ['POST', 'connectomes/synapses/:direction', 'connectome'],
  ['POST', 'segmentIndex', 'segment index'],
  ['POST', 'segmentIndex/:segment', 'segment index'],
  ['GET', 'segmentIndex/:segment', 'segment index'],
  ['POST', 'segmentStatistics/:statistic', 'segment index'],
  ['GET', 'colorStatistics', 'statistics of colours'],
]

/** Method, path below the layer, what is not served. */
const UNSUPPORTED: readonly (readonly [string, string])[] = [
  ['adHocMesh', 'Meshes are not computed by this server'],
  ['isosurface', 'Meshes are not computed by this server'],
]

export const segmentationRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  // who may not read is told so first, and so is who asks for a layer that is not there
  const answer =
    (of: (layer: string) => Response) =>
    async ({ params, request }: { params: Record<string, string>; request: Request }) => {
      const { layer } = await findLayer(context, params as unknown as LayerParams, request)
      return of(layer.name)
    }
  for (const [rest, summary] of LISTS)
    for (const path of layerPaths(rest)) app.get(path, answer(() => json([])) as never, { detail: describe(summary) })
  for (const path of layerPaths('hasSegmentIndex')) {
    // core makes no annotation on a layer that does not answer this with 200
    app.get(path, answer(() => json(false)) as never, { detail: describe('Whether there is a segment index: no') })
  }
  for (const [method, rest, what] of MISSING) {
    const none = answer((layer) => {
      throw new HttpError(404, `Layer ${layer} has no ${what}.`)
    })
    for (const path of layerPaths(rest))
      app.route(method, path, none as never, { parse: 'none', detail: describe(`404: there is no ${what}`) })
  }
  for (const [rest, words] of UNSUPPORTED) {
    const refuse = answer(() => {
      throw new HttpError(501, `${words}.`)
    })
    for (const path of layerPaths(rest)) app.post(path, refuse as never, { parse: 'none', detail: describe(`501: ${words}`) })
  }
  return app
}
