/**
 * One mag as a Zarr array of chunks of 32³ voxels. In the order cxyz a chunk has all channels and is byte for byte a bucket (protocol.md 6.2,
 * 6.4); in the order czyx it has one. The origin is always 0: where a layer begins elsewhere, its offset is inside the shape.
 */
import type { Layer, Mag } from '../volume/chunked-array.ts'
import { type DataType, sampleBytes } from '../volume/data-type.ts'
import { type AxisOrder, arrange } from './axis-order.ts'

export const CHUNK_EDGE = 32

const axesOf = ({ additionalAxes = [] }: Layer) => additionalAxes

const dimensionNames = (layer: Layer, order: AxisOrder): string[] =>
  arrange(
    order,
    'c',
    axesOf(layer).map(({ name }) => name),
    ['x', 'y', 'z'],
  )

/** Rounded up, so that no border voxel is lost; a layer that ends below the origin has one voxel, which is empty. */
function shapeOf(layer: Layer, { factor }: Mag, order: AxisOrder): number[] {
  const edge = (d: 0 | 1 | 2) => Math.max(1, Math.ceil(layer.boundingBox.max[d] / factor[d]))
  return arrange(
    order,
    layer.channels,
    axesOf(layer).map(({ bounds }) => Math.max(1, bounds[1])),
    [edge(0), edge(1), edge(2)],
  )
}

/** Channels that a chunk has. */
export const channelsPerChunk = ({ channels }: Layer, order: AxisOrder): number => (order === 'cxyz' ? channels : 1)

const chunksOf = (layer: Layer, order: AxisOrder): number[] =>
  arrange(
    order,
    channelsPerChunk(layer, order),
    axesOf(layer).map(() => 1),
    [CHUNK_EDGE, CHUNK_EDGE, CHUNK_EDGE],
  )

/** numpy's word, little endian. */
function dtypeOf(type: DataType): string {
  const bytes = sampleBytes(type)
  const kind = type.startsWith('uint') ? 'u' : type.startsWith('int') ? 'i' : 'f'
  return `${bytes === 1 ? '|' : '<'}${kind}${bytes}`
}

/** `.zarray` of Zarr v2. */
export const arrayV2 = (layer: Layer, mag: Mag, order: AxisOrder) => ({
  zarr_format: 2,
  shape: shapeOf(layer, mag, order),
  chunks: chunksOf(layer, order),
  dtype: dtypeOf(layer.dataType),
  order: order === 'cxyz' ? 'F' : 'C',
  compressor: null,
  filters: null,
  fill_value: 0,
  dimension_separator: '.',
})

/** `zarr.json` of an array of Zarr v3, with the chunk keys of v2. */
export function arrayV3(layer: Layer, mag: Mag, order: AxisOrder) {
  const shape = shapeOf(layer, mag, order)
  return {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: layer.dataType,
    chunk_grid: { name: 'regular', configuration: { chunk_shape: chunksOf(layer, order) } },
    chunk_key_encoding: { name: 'v2', configuration: { separator: '.' } },
    fill_value: 0,
    codecs: [
      ...(order === 'cxyz' ? [{ name: 'transpose', configuration: { order: shape.map((_, n) => shape.length - 1 - n) } }] : []),
      // single bytes have no order, and some readers refuse to be told one
      { name: 'bytes', ...(sampleBytes(layer.dataType) > 1 && { configuration: { endian: 'little' } }) },
    ],
    dimension_names: dimensionNames(layer, order),
    attributes: {},
  }
}
