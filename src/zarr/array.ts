/**
 * One mag as a Zarr array: axes c, additional axes, x, y, z; chunks of 32³ voxels with all channels, byte for byte a bucket
 * (protocol.md 6.2, 6.4). The origin is always 0: where a layer begins elsewhere, its offset is inside the shape.
 */
import type { Layer, Mag } from '../volume/chunked-array.ts'
import { type DataType, sampleBytes } from '../volume/data-type.ts'

export const CHUNK_EDGE = 32

const axesOf = ({ additionalAxes = [] }: Layer) => additionalAxes

/** Names of the axes, slowest first; in memory c varies fastest. */
export const dimensionNames = (layer: Layer): string[] => ['c', ...axesOf(layer).map(({ name }) => name), 'x', 'y', 'z']

/** Rounded up, so that no border voxel is lost; a layer that ends below the origin has one voxel, which is empty. */
export const shapeOf = (layer: Layer, { factor }: Mag): number[] => [
  layer.channels,
  ...axesOf(layer).map(({ bounds }) => Math.max(1, bounds[1])),
  ...layer.boundingBox.max.map((end, d) => Math.max(1, Math.ceil(end / factor[d]!))),
]

const chunksOf = (layer: Layer): number[] => [layer.channels, ...axesOf(layer).map(() => 1), CHUNK_EDGE, CHUNK_EDGE, CHUNK_EDGE]

/** numpy's word, little endian. */
function dtypeOf(type: DataType): string {
  const bytes = sampleBytes(type)
  const kind = type.startsWith('uint') ? 'u' : type.startsWith('int') ? 'i' : 'f'
  return `${bytes === 1 ? '|' : '<'}${kind}${bytes}`
}

/** `.zarray` of Zarr v2. */
export const arrayV2 = (layer: Layer, mag: Mag) => ({
  zarr_format: 2,
  shape: shapeOf(layer, mag),
  chunks: chunksOf(layer),
  dtype: dtypeOf(layer.dataType),
  order: 'F',
  compressor: null,
  filters: null,
  fill_value: 0,
  dimension_separator: '.',
})

/** `zarr.json` of an array of Zarr v3, with the chunk keys of v2. */
export function arrayV3(layer: Layer, mag: Mag) {
  const shape = shapeOf(layer, mag)
  return {
    zarr_format: 3,
    node_type: 'array',
    shape,
    data_type: layer.dataType,
    chunk_grid: { name: 'regular', configuration: { chunk_shape: chunksOf(layer) } },
    chunk_key_encoding: { name: 'v2', configuration: { separator: '.' } },
    fill_value: 0,
    codecs: [
      { name: 'transpose', configuration: { order: shape.map((_, n) => shape.length - 1 - n) } },
      // single bytes have no order, and some readers refuse to be told one
      { name: 'bytes', ...(sampleBytes(layer.dataType) > 1 && { configuration: { endian: 'little' } }) },
    ],
    dimension_names: dimensionNames(layer),
    attributes: {},
  }
}
