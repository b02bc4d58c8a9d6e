/** The meshes of a segmentation, where its `info` names a folder of them (formats.md 2.9). */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { CodecError } from '../../../../codecs/codec.ts'
import { FileChanged } from '../../../stores/store.ts'
import { CorruptChunk, DataError, messageOf, Unusable, UpstreamError } from '../../../volume/errors.ts'
import type { MeshSource } from '../../../volume/meshes.ts'
import type { OpenContext } from '../../format.ts'
import { firstProblem } from '../metadata.ts'
import { parseSharding } from '../sharding.ts'
import { Shards } from '../shards.ts'
import type { Volume } from '../volume.ts'
import { LegacyMeshes } from './legacy.ts'
import { MultilodMeshes } from './multilod.ts'
import { isAlongAxes, parseTransform } from './transform.ts'

const MULTILOD = 'neuroglancer_multilod_draco'
const LEGACY = 'neuroglancer_legacy_mesh'
const MAX_INFO_BYTES = 1024 * 1024

const Info = Type.Object(
  {
    '@type': Type.Optional(Type.String()),
    vertex_quantization_bits: Type.Optional(Type.Union([Type.Literal(10), Type.Literal(16)])),
    transform: Type.Optional(Type.Unknown()),
    sharding: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: true },
)

/** Undefined where the info names none. Throws `Unusable` where they cannot be served. `id` of the layer: organization/dataset/layer. */
export async function openMeshes(volume: Volume, layer: string, context: OpenContext): Promise<MeshSource | undefined> {
  const { store, info } = volume
  const folder = info.mesh?.replace(/\/+$/, '')
  if (info.category !== 'segmentation' || !folder) return undefined
  if (/^[a-z][a-z0-9+.-]*:|^\/|\\/i.test(folder) || folder.split('/').includes('..'))
    throw new Unusable(`its meshes are said to lie in ${folder}, outside its folder`)
  const bytes = await store.get(`${folder}/info`, undefined, undefined, MAX_INFO_BYTES)
  const json = bytes ? parseJson(bytes) : {}
  if (!Value.Check(Info, json)) throw new Unusable(`the info of its meshes ${firstProblem(Info, json)}`)
  const type = json['@type'] ?? LEGACY
  const id = `${context.id}/${layer}/${folder}`
  const parts = { id, name: folder, store, folder, transform: parseTransform(json.transform), tables: context.tables }
  const details = { dataset: context.id.replace(/@.*$/, ''), layer }
  if (type === LEGACY) return named(new LegacyMeshes(parts), details)
  if (type !== MULTILOD) throw new Unusable(`its meshes are of type ${JSON.stringify(type)}, known are ${MULTILOD} and ${LEGACY}`)
  if (!isAlongAxes(parts.transform))
    throw new Unusable('its meshes are turned or sheared (transform of their info), which webKnossos cannot show')
  const bits = json.vertex_quantization_bits
  if (!bits) throw new Unusable('the info of its meshes has no vertex_quantization_bits')
  const sharding = json.sharding === undefined || json.sharding === null ? undefined : parseSharding(json.sharding)
  const decoder = await context.pool.decoder({ codec: 'draco' })
  const shards = sharding && new Shards({ id, store, folder, sharding, tables: context.tables })
  return named(new MultilodMeshes({ ...parts, bits, decoder, shards, isZipped: sharding?.dataEncoding === 'gzip' }), details)
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch (error) {
    throw new Unusable(`the info of its meshes is not valid JSON: ${messageOf(error)}`)
  }
}

/** What goes wrong names dataset, layer and segment. */
function named(source: MeshSource, where: { dataset: string; layer: string }): MeshSource {
  const tell = async <T>(segment: bigint, made: Promise<T>): Promise<T> => {
    try {
      return await made
    } catch (error) {
      const details = { ...where, chunk: `segment ${segment}` }
      if (error instanceof CodecError) throw new CorruptChunk({ ...details, cause: error.message })
      if (error instanceof FileChanged) throw new UpstreamError({ ...details, cause: error.message })
      if (error instanceof CorruptChunk) throw new CorruptChunk({ ...error.details, ...details })
      if (error instanceof DataError && error instanceof UpstreamError) throw new UpstreamError({ ...error.details, ...details })
      throw error
    }
  }
  return {
    name: source.name,
    find: (segment, signal) => tell(segment, source.find(segment, signal)),
    draco: (segment, fragment, signal) => tell(segment, source.draco(segment, fragment, signal)),
    triangles: (segment, ...rest) => tell(segment, source.triangles(segment, ...rest)),
  }
}
