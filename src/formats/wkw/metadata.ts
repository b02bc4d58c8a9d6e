/**
 * datasource-properties.json as webKnossos, its Python library and older tools write it. Everything that is not needed may be
 * missing or of any shape. Spec: formats.md 1.5.
 */
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { boxAt } from '../../volume/box.ts'
import type { Layer, VoxelSize } from '../../volume/chunked-array.ts'
import { Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { nanometersPer } from '../../volume/voxel-size.ts'

export const PROPERTIES_FILE = 'datasource-properties.json'

const Triple = Type.Tuple([Type.Number(), Type.Number(), Type.Number()])
const MagFactor = Type.Union([Triple, Type.Number()])
const open = { additionalProperties: true }

const LayerProperties = Type.Object(
  {
    name: Type.String({ minLength: 1 }),
    category: Type.Optional(Type.String()),
    boundingBox: Type.Object({ topLeft: Triple, width: Type.Number(), height: Type.Number(), depth: Type.Number() }, open),
    dataFormat: Type.Optional(Type.String()),
    mags: Type.Optional(Type.Array(Type.Object({ mag: MagFactor, path: Type.Optional(Type.Union([Type.String(), Type.Null()])) }, open))),
    wkwResolutions: Type.Optional(
      Type.Array(Type.Object({ resolution: MagFactor, path: Type.Optional(Type.Union([Type.String(), Type.Null()])) }, open)),
    ),
    largestSegmentId: Type.Optional(Type.Any()),
  },
  open,
)
export type LayerProperties = Static<typeof LayerProperties>

const Properties = Type.Object(
  { scale: Type.Optional(Type.Any()), dataLayers: Type.Array(Type.Unknown()), defaultViewConfiguration: Type.Optional(Type.Any()) },
  open,
)

export interface WkwMagProperties {
  readonly factor: Vec3
  readonly path?: string | undefined
}

export interface PropertiesLayer {
  readonly name: string
  /** Set where the entry cannot be used at all. */
  readonly problem?: string
  readonly properties?: LayerProperties
  readonly mags: readonly WkwMagProperties[]
}

export interface ParsedProperties {
  readonly voxelSize: VoxelSize | undefined
  readonly layers: readonly PropertiesLayer[]
  readonly extra: Readonly<Record<string, unknown>>
}

/** Throws `Unusable` where the document as a whole is not one; a bad layer only carries its problem. */
export function parseProperties(text: string): ParsedProperties {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new Unusable(`${PROPERTIES_FILE} is not valid JSON: ${error instanceof Error ? error.message : error}`)
  }
  if (!Value.Check(Properties, json)) throw new Unusable(`${PROPERTIES_FILE} ${firstProblem(Properties, json)}`)
  const extra = json.defaultViewConfiguration === undefined ? {} : { defaultViewConfiguration: json.defaultViewConfiguration }
  return { voxelSize: parseScale(json.scale), layers: json.dataLayers.map(parseLayer), extra }
}

function parseLayer(json: unknown, index: number): PropertiesLayer {
  const name =
    typeof json === 'object' && json !== null && 'name' in json && typeof json.name === 'string' ? json.name : `dataLayers[${index}]`
  if (!Value.Check(LayerProperties, json))
    return { name, problem: `its entry in ${PROPERTIES_FILE} ${firstProblem(LayerProperties, json)}`, mags: [] }
  const { width, height, depth, topLeft } = json.boundingBox
  if (![...topLeft, width, height, depth].every(Number.isSafeInteger) || width < 1 || height < 1 || depth < 1) {
    return { name, problem: `its bounding box is ${width}×${height}×${depth} at ${topLeft.join(', ')}`, mags: [] }
  }
  const stated = json.mags
    ? json.mags.map(({ mag, path }) => ({ mag, path }))
    : (json.wkwResolutions ?? []).map(({ resolution, path }) => ({ mag: resolution, path }))
  if (stated.length === 0) return { name, problem: 'it has neither mags nor wkwResolutions', mags: [] }
  const mags: WkwMagProperties[] = []
  for (const { mag, path } of stated) {
    const factor: Vec3 = typeof mag === 'number' ? [mag, mag, mag] : [mag[0], mag[1], mag[2]]
    if (!factor.every((component) => Number.isSafeInteger(component) && component > 0))
      return { name, problem: `its mag ${factor.join('-')} is not one`, mags: [] }
    mags.push({ factor, path: path ?? undefined })
  }
  return { name, properties: json, mags }
}

/** `[x, y, z]` in nm, or `{factor, unit}`. Undefined where there is none or it makes no sense. */
export function parseScale(scale: unknown): VoxelSize | undefined {
  const factor = typeof scale === 'object' && scale !== null && 'factor' in scale ? scale.factor : scale
  const unit = typeof scale === 'object' && scale !== null && 'unit' in scale && typeof scale.unit === 'string' ? scale.unit : 'nanometer'
  const nm = nanometersPer(unit)
  if (!nm || !Value.Check(Triple, factor) || !factor.every((edge) => edge > 0 && Number.isFinite(edge))) return undefined
  return { nm: [factor[0] * nm, factor[1] * nm, factor[2] * nm], source: PROPERTIES_FILE }
}

export const boundingBoxOf = ({ boundingBox: { topLeft, width, height, depth } }: LayerProperties) =>
  boxAt([topLeft[0], topLeft[1], topLeft[2]], [width, height, depth])

/** A plain number, or webKnossos's envelope for 64-bit ones (protocol.md 0.2). */
export function largestSegmentIdOf({ largestSegmentId }: LayerProperties): number | bigint | undefined {
  const value = typeof largestSegmentId === 'object' && largestSegmentId !== null ? largestSegmentId.value : largestSegmentId
  if (typeof value === 'string' && /^\d{16,20}$/.test(value)) {
    const id = BigInt(value)
    return id > BigInt(Number.MAX_SAFE_INTEGER) ? id : Number(id)
  }
  const id = Number(value)
  // beyond 2^53 JSON.parse has rounded it, so that the largest id may be a little above
  return value === null || value === undefined || !Number.isFinite(id) || id < 0 ? undefined : Math.min(id, Number.MAX_SAFE_INTEGER)
}

const HANDED_ON = ['defaultViewConfiguration', 'adminViewConfiguration', 'coordinateTransformations', 'mappings'] as const

/** What webKnossos wrote for itself and only wants back. */
export const extraOf = (properties: LayerProperties & Record<string, unknown>): NonNullable<Layer['extra']> =>
  Object.fromEntries(HANDED_ON.filter((key) => properties[key] !== undefined).map((key) => [key, properties[key]]))

function firstProblem(schema: Parameters<typeof Value.Errors>[0], json: unknown): string {
  const problem = Value.Errors(schema, json).First()
  return problem ? `at ${problem.path || '/'}: ${problem.message}` : 'is not one'
}
