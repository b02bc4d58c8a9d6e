/** What the API says of an experiment, its coordinate frame, its channels and their levels, checked. Spec: formats.md 3. */
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { type Box, sizeOf } from '../../volume/box.ts'
import type { DataType } from '../../volume/data-type.ts'
import { Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { nanometersPer } from '../../volume/voxel-size.ts'

const Count = Type.Integer({ minimum: 0, maximum: 1_000_000 })
const Position = Type.Integer({ minimum: -(2 ** 31), maximum: 2 ** 31 })
const Length = Type.Number({ exclusiveMinimum: 0 })

const Experiment = Type.Object({
  coord_frame: Type.String({ minLength: 1 }),
  channels: Type.Optional(Type.Array(Type.String())),
  num_hierarchy_levels: Type.Integer({ minimum: 0, maximum: 30 }),
  hierarchy_method: Type.Optional(Type.String()),
  num_time_samples: Type.Optional(Count),
})
const Frame = Type.Object({
  x_start: Position,
  x_stop: Position,
  y_start: Position,
  y_stop: Position,
  z_start: Position,
  z_stop: Position,
  x_voxel_size: Length,
  y_voxel_size: Length,
  z_voxel_size: Length,
  voxel_unit: Type.String(),
})
const Channel = Type.Object({
  type: Type.String(),
  datatype: Type.String(),
  base_resolution: Type.Optional(Type.Integer({ minimum: 0, maximum: 30 })),
  downsample_status: Type.Optional(Type.String()),
  default_time_sample: Type.Optional(Count),
})
const Triple = Type.Tuple([Type.Number(), Type.Number(), Type.Number()])
const Downsample = Type.Object({
  status: Type.Optional(Type.String()),
  num_hierarchy_levels: Type.Optional(Type.Integer({ minimum: 0, maximum: 30 })),
  voxel_size: Type.Optional(Type.Record(Type.String(), Triple)),
  cuboid_size: Type.Optional(Type.Record(Type.String(), Triple)),
})

export type Experiment = Static<typeof Experiment>

export interface Frame {
  /** Voxels of level 0, which are those of mag 1. */
  readonly box: Box
  readonly nm: Vec3
}

export interface Channel {
  readonly name: string
  readonly category: 'color' | 'segmentation'
  readonly dataType: DataType
  readonly base: number
  readonly status: string
}

/** One level that is there. */
export interface Level {
  readonly resolution: number
  readonly factor: Vec3
  readonly cuboid: Vec3
}

function check<T extends TSchema>(schema: T, json: unknown, what: string): Static<T> {
  if (Value.Check(schema, json)) return json as Static<T>
  const problem = Value.Errors(schema, json).First()
  throw new Unusable(`${what} is not described as BossDB does: ${problem?.path || 'it'}: ${problem?.message}`)
}

export const parseExperiment = (json: unknown, name: string): Experiment => check(Experiment, json, `the experiment ${name}`)

const ChannelList = Type.Object({ channels: Type.Array(Type.String()) })

export const parseChannelList = (json: unknown, name: string): readonly string[] =>
  check(ChannelList, json, `the list of channels of ${name}`).channels

export function parseFrame(json: unknown, name: string): Frame {
  const frame = check(Frame, json, `the coordinate frame ${name}`)
  const box: Box = { min: [frame.x_start, frame.y_start, frame.z_start], max: [frame.x_stop, frame.y_stop, frame.z_stop] }
  if (sizeOf(box).some((edge) => edge <= 0))
    throw new Unusable(`the coordinate frame ${name} goes from ${box.min.join(', ')} to ${box.max.join(', ')}: there is nothing in it`)
  const unit = nanometersPer(frame.voxel_unit)
  if (unit === undefined)
    throw new Unusable(`the voxel size of the coordinate frame ${name} is in ${JSON.stringify(frame.voxel_unit)}; set its scale in nm`)
  // 0.004 µm is 4 nm, not 4.000000000000001
  const nm = (size: number) => Number((size * unit).toPrecision(12))
  return { box, nm: [nm(frame.x_voxel_size), nm(frame.y_voxel_size), nm(frame.z_voxel_size)] }
}

const DATA_TYPES = ['uint8', 'uint16', 'uint32', 'uint64'] as const

/** Throws `Unusable` with the reason where such voxels cannot be shown. */
export function parseChannel(json: unknown, name: string): Channel {
  const channel = check(Channel, json, `the channel ${name}`)
  const type = channel.type.toLowerCase()
  if (type !== 'image' && type !== 'annotation')
    throw new Unusable(`its type is ${JSON.stringify(channel.type)}; image and annotation can be shown`)
  const dataType = DATA_TYPES.find((one) => one === channel.datatype.toLowerCase())
  if (!dataType) throw new Unusable(`its voxels are ${JSON.stringify(channel.datatype)}; ${DATA_TYPES.join(', ')} can be read`)
  if (type === 'image' && dataType === 'uint64')
    throw new Unusable('it is an image of uint64, which webKnossos shows only as a segmentation')
  return {
    name,
    category: type === 'image' ? 'color' : 'segmentation',
    dataType,
    base: channel.base_resolution ?? 0,
    status: (channel.downsample_status ?? 'NOT_DOWNSAMPLED').toUpperCase(),
  }
}

const CUBOID: Vec3 = [512, 512, 16]
const MAX_CUBOID = 4096

/**
 * The levels a channel has, finest first, and what is to be said about those that are missing: before it is wholly downsampled only its
 * base holds voxels, and the others would be read as black. `json`: what `downsample` answers, undefined where it does not.
 */
export function levelsOf(channel: Channel, experiment: Experiment, json: unknown): { levels: Level[]; note?: string } {
  const { name, base } = channel
  const downsample = json === undefined ? {} : check(Downsample, json, `the hierarchy of channel ${name}`)
  const status = (downsample.status ?? channel.status).toUpperCase()
  const isWhole = status === 'DOWNSAMPLED'
  const count = downsample.num_hierarchy_levels ?? experiment.num_hierarchy_levels
  const last = isWhole ? Math.max(base, count - 1) : base
  const levels: Level[] = []
  for (let resolution = base; resolution <= last; resolution++) {
    levels.push({
      resolution,
      factor: factorOf(resolution, experiment, downsample.voxel_size, name),
      cuboid: cuboidOf(downsample.cuboid_size?.[resolution], name),
    })
  }
  if (isWhole || count <= base + 1) return { levels }
  const why = status === 'NOT_DOWNSAMPLED' ? 'is not downsampled' : `is being downsampled or could not be (${status})`
  return { levels, note: `channel ${name} ${why}: only its level ${base} is there` }
}

function factorOf(
  resolution: number,
  { hierarchy_method: method }: Experiment,
  sizes: Static<typeof Downsample>['voxel_size'],
  name: string,
): Vec3 {
  const [own, first] = [sizes?.[resolution], sizes?.['0']]
  const edge = 2 ** resolution
  if (!own || !first) return [edge, edge, method?.toLowerCase() === 'isotropic' ? edge : 1]
  const factor = own.map((size, d) => Math.round(size / first[d]!)) as unknown as Vec3
  const isWhole = factor.every((f, d) => f >= 1 && f <= 2 ** 30 && Math.abs(own[d]! / first[d]! - f) <= 0.005 * f)
  if (!isWhole)
    throw new Unusable(`level ${resolution} of channel ${name} has voxels of ${own.join('×')}, no multiple of ${first.join('×')}`)
  return factor
}

function cuboidOf(stated: Static<typeof Triple> | undefined, name: string): Vec3 {
  if (!stated) return CUBOID
  if (!stated.every((edge) => Number.isInteger(edge) && edge >= 1 && edge <= MAX_CUBOID))
    throw new Unusable(`the cuboids of channel ${name} have ${stated.join('×')} voxels`)
  return stated
}
