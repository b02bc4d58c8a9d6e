/** `POST /data/datasets/exploreRemote`: what webKnossos's "Add remote dataset" asks (protocol.md 2.11). Always 200, with a report. */
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Elysia } from 'elysia'
import type { Vec3 } from '../volume/vec.ts'
import { nanometersPer } from '../volume/voxel-size.ts'
import { JsonBody } from './body.ts'
import type { Context } from './context.ts'
import { json } from './headers.ts'
import { describe } from './openapi.ts'

const Edge = Type.Number({ exclusiveMinimum: 0 })
const Edges = Type.Tuple([Edge, Edge, Edge])
const VoxelSize = Type.Union([Edges, Type.Object({ factor: Edges, unit: Type.String() })])
const Optional = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]))

const ExploreRemote = Type.Object({
  layerParameters: Type.Array(
    Type.Object({ remoteUri: Type.String({ minLength: 1, maxLength: 4096 }), preferredVoxelSize: Optional(VoxelSize) }),
    { minItems: 1, maxItems: 100 },
  ),
  organizationId: Type.Optional(Type.String()),
  organizationName: Type.Optional(Type.String()),
})

const body = new JsonBody(ExploreRemote)

export const exploreRoutes = ({ access, control }: Context, prefix: string) =>
  new Elysia({ prefix, normalize: false }).post(
    '/datasets/exploreRemote',
    async ({ request }) => {
      const { layerParameters, organizationId, organizationName } = await body.read(request)
      await access.checkAdding(request, [organizationId ?? organizationName])
      const addresses = layerParameters.map(({ remoteUri, preferredVoxelSize }) => ({
        uri: remoteUri,
        voxelSize: nmOf(preferredVoxelSize),
      }))
      return json(await control.explore(addresses, organizationId ?? organizationName ?? ''))
    },
    { parse: 'none', detail: describe('The layers at these addresses as a data source, and a report', { body: ExploreRemote }) },
  )

function nmOf(size: Static<typeof VoxelSize> | null | undefined): Vec3 | undefined {
  if (!size) return undefined
  if (Value.Check(Edges, size)) return size
  const { factor, unit } = size as { factor: Vec3; unit: string }
  const nm = nanometersPer(unit)
  return nm === undefined ? undefined : [factor[0] * nm, factor[1] * nm, factor[2] * nm]
}
