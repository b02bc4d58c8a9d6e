/**
 * The `info` of a volume. Keys nobody needs may be missing or of any shape: writers add their own.
 * Spec: neuroglancer, src/datasource/precomputed/volume.md; formats.md 2.1. The published JSON schema asks for `chunk_size`, which nobody writes.
 */
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { MAX_CHUNK_BYTES } from '../../volume/chunked-array.ts'
import { type DataType, sampleBytes } from '../../volume/data-type.ts'
import { Unusable } from '../../volume/errors.ts'
import { product, type Vec3 } from '../../volume/vec.ts'
import { parseSharding, type Sharding } from './sharding.ts'

export type Encoding = 'raw' | 'jpeg' | 'png' | 'jxl' | 'compressed_segmentation' | 'compresso'

export interface Scale {
  readonly key: string
  /** nm per voxel. */
  readonly resolution: Vec3
  /** Voxels of this scale, as are all that follow. */
  readonly size: Vec3
  readonly offset: Vec3
  /** Each a complete copy of the scale. */
  readonly chunkSizes: readonly Vec3[]
  readonly encoding: Encoding
  readonly blockSize: Vec3 | undefined
  readonly sharding: Sharding | undefined
  readonly isHidden: boolean
}

/** A scale that cannot be read, and why; the others can. */
export interface BadScale {
  readonly key: string
  readonly resolution: Vec3 | undefined
  readonly problem: string
}

export interface VolumeInfo {
  readonly category: 'color' | 'segmentation'
  readonly dataType: DataType
  readonly channels: number
  readonly scales: readonly Scale[]
  readonly bad: readonly BadScale[]
  /** Folder of the meshes, relative to the info. */
  readonly mesh: string | undefined
}

const Triple = Type.Tuple([Type.Number(), Type.Number(), Type.Number()])
const open = { additionalProperties: true }
const Info = Type.Object(
  {
    '@type': Type.Optional(Type.Unknown()),
    type: Type.String(),
    data_type: Type.String(),
    num_channels: Type.Integer({ minimum: 1, maximum: 1024 }),
    scales: Type.Array(Type.Unknown(), { minItems: 1, maxItems: 256 }),
    mesh: Type.Optional(Type.Unknown()),
  },
  open,
)
const ScaleJson = Type.Object(
  {
    key: Type.String({ minLength: 1 }),
    size: Triple,
    resolution: Triple,
    voxel_offset: Type.Optional(Type.Union([Triple, Type.Null()])),
    chunk_sizes: Type.Array(Triple, { minItems: 1, maxItems: 32 }),
    encoding: Type.String(),
    compressed_segmentation_block_size: Type.Optional(Type.Union([Triple, Type.Null()])),
    sharding: Type.Optional(Type.Unknown()),
    hidden: Type.Optional(Type.Unknown()),
  },
  open,
)
type ScaleJson = Static<typeof ScaleJson>

const DATA_TYPES: readonly DataType[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'uint64', 'int64', 'float32']
/** What each encoding can hold: data types and numbers of channels. */
const LEGAL: Readonly<Record<Encoding, { readonly types: readonly DataType[]; readonly channels?: readonly number[] }>> = {
  raw: { types: DATA_TYPES },
  jpeg: { types: ['uint8'], channels: [1, 3] },
  png: { types: ['uint8', 'uint16'], channels: [1, 2, 3, 4] },
  jxl: { types: ['uint8'], channels: [1, 3, 4] },
  compressed_segmentation: { types: ['uint32', 'uint64', 'int32', 'int64'] },
  compresso: { types: DATA_TYPES.filter((type) => type !== 'float32'), channels: [1] },
}
const REFUSED: Readonly<Record<string, string>> = {
  fpzip: 'only cloud-volume reads it; copy the volume with encoding raw',
  kempressed: 'only cloud-volume reads it; copy the volume with encoding raw',
  zfpc: 'only cloud-volume reads it; copy the volume with encoding raw',
  crackle: 'only cloud-volume reads it; copy the volume with encoding compressed_segmentation',
}
const MAX_BLOCK_VOXELS = 2 ** 24
const LARGEST_POSITION = 2 ** 40

/** Throws `Unusable` where the document as a whole is not one; a bad scale only carries its problem. */
export function parseInfo(json: unknown): VolumeInfo {
  const type = typeof json === 'object' && json !== null && '@type' in json ? json['@type'] : undefined
  if (type !== undefined && type !== 'neuroglancer_multiscale_volume')
    throw new Unusable(`info describes ${JSON.stringify(type)}, not a volume (neuroglancer_multiscale_volume)`)
  if (isGraphene(json))
    throw new Unusable('info is that of a graphene server, whose segments change while they are proofread; that is not supported')
  if (!Value.Check(Info, json)) throw new Unusable(`info ${firstProblem(Info, json)}`)
  const kind = json.type.toLowerCase()
  if (kind !== 'image' && kind !== 'segmentation')
    throw new Unusable(`info has type ${JSON.stringify(json.type)}, known are image and segmentation`)
  const dataType = DATA_TYPES.find((one) => one === json.data_type.toLowerCase())
  if (!dataType) throw new Unusable(`info has data_type ${JSON.stringify(json.data_type)}, known are ${DATA_TYPES.join(', ')}`)
  const category = kind === 'image' ? 'color' : 'segmentation'
  if (category === 'segmentation' && json.num_channels !== 1)
    throw new Unusable(`info describes a segmentation of ${json.num_channels} channels; a segmentation has one`)
  const scales: Scale[] = []
  const bad: BadScale[] = []
  for (const [n, scale] of json.scales.entries()) {
    const parsed = parseScale(scale, n, dataType, json.num_channels)
    if ('problem' in parsed) bad.push(parsed)
    else scales.push(parsed)
  }
  if (scales.length === 0) throw new Unusable(bad.map(({ key, problem }) => `scale ${key}: ${problem}`).join('; '))
  return { category, dataType, channels: json.num_channels, scales, bad, mesh: typeof json.mesh === 'string' ? json.mesh : undefined }
}

/** Graphene serves chunk ids of its own instead of voxels' segments; its infos say so with these keys. */
const isGraphene = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && ('graph' in json || 'app' in json) && 'data_dir' in json

function parseScale(json: unknown, index: number, dataType: DataType, channels: number): Scale | BadScale {
  const named = typeof json === 'object' && json !== null && 'key' in json && typeof json.key === 'string' ? json.key : `[${index}]`
  if (!Value.Check(ScaleJson, json)) return { key: named, resolution: undefined, problem: `its entry ${firstProblem(ScaleJson, json)}` }
  const { key } = json
  const resolution = triple(json.resolution)
  try {
    return { key, resolution, ...checkedScale(json, dataType, channels), isHidden: json.hidden === true }
  } catch (error) {
    if (!(error instanceof Unusable)) throw error
    return { key, resolution: resolution.every((nm) => nm > 0) ? resolution : undefined, problem: error.message }
  }
}

function checkedScale(json: ScaleJson, dataType: DataType, channels: number): Omit<Scale, 'key' | 'resolution' | 'isHidden'> {
  const size = triple(json.size)
  const offset = triple(json.voxel_offset ?? [0, 0, 0])
  if (!size.every((edge) => Number.isInteger(edge) && edge > 0 && edge <= LARGEST_POSITION))
    throw new Unusable(`its size is ${size.join('×')} voxels`)
  if (!offset.every((edge) => Number.isInteger(edge) && Math.abs(edge) <= LARGEST_POSITION))
    throw new Unusable(`its voxel_offset is ${offset.join(', ')}`)
  if (!json.resolution.every((nm) => nm > 0 && Number.isFinite(nm))) throw new Unusable(`its resolution is ${json.resolution.join('×')} nm`)
  const encoding = parseEncoding(json.encoding, dataType, channels)
  const chunkSizes = json.chunk_sizes.map(triple)
  for (const chunk of chunkSizes) {
    if (!chunk.every((edge) => Number.isInteger(edge) && edge > 0)) throw new Unusable(`a chunk size is ${chunk.join('×')}`)
    const bytes = product(chunk) * channels * sampleBytes(dataType)
    if (bytes > MAX_CHUNK_BYTES)
      throw new Unusable(`chunks of ${chunk.join('×')} voxels have ${bytes} bytes, at most ${MAX_CHUNK_BYTES} are read at once`)
  }
  const sharding = json.sharding === undefined || json.sharding === null ? undefined : parseSharding(json.sharding)
  if (sharding && chunkSizes.length > 1)
    throw new Unusable(`it is sharded and lists ${chunkSizes.length} chunk sizes; a sharded scale has one`)
  const block = json.compressed_segmentation_block_size
  const blockSize = encoding === 'compressed_segmentation' ? block && triple(block) : undefined
  if (encoding === 'compressed_segmentation') {
    if (!blockSize?.every((edge) => Number.isInteger(edge) && edge > 0) || product(blockSize) > MAX_BLOCK_VOXELS)
      throw new Unusable(`its compressed_segmentation_block_size is ${JSON.stringify(block)}`)
  }
  return { size, offset, chunkSizes, encoding, blockSize: blockSize ?? undefined, sharding }
}

function parseEncoding(text: string, dataType: DataType, channels: number): Encoding {
  const name = text.toLowerCase()
  const hint = Object.hasOwn(REFUSED, name) ? REFUSED[name] : undefined
  if (hint) throw new Unusable(`its encoding is ${name}, which is not supported: ${hint}`)
  const legal = LEGAL[name as Encoding]
  if (!legal || !Object.hasOwn(LEGAL, name))
    throw new Unusable(`its encoding is ${JSON.stringify(text)}, known are ${Object.keys(LEGAL).join(', ')}`)
  if (!legal.types.includes(dataType) || (legal.channels && !legal.channels.includes(channels)))
    throw new Unusable(`${name} cannot hold ${channels} × ${dataType}`)
  return name as Encoding
}

const triple = (numbers: readonly number[]): Vec3 => [numbers[0]!, numbers[1]!, numbers[2]!]

export function firstProblem(schema: TSchema, json: unknown): string {
  const problem = Value.Errors(schema, json).First()
  return problem ? `at ${problem.path || '/'}: ${problem.message}` : 'is not one'
}
