/** A link that opens a dataset in neuroglancer, its state made from the metadata (neuroglancer 2.41, state JSON in the fragment). */
import { sizeOf } from '../volume/box.ts'
import type { Dataset, Layer } from '../volume/chunked-array.ts'
import type { Vec3 } from '../volume/vec.ts'
import { omeroOf } from '../zarr/omero.ts'

/** Channels of colours have to be one dimension that the shader sees as a whole, which the ^ says. */
const RGB_SHADER =
  'void main() { emitRGB(vec3(toNormalized(getDataValue(0)), toNormalized(getDataValue(1)), toNormalized(getDataValue(2)))); }'

/** `base`: where neuroglancer runs; `zarr`: the dataset's Zarr URL without a slash at the end. */
export function neuroglancerLink(base: string, zarr: string, dataset: Dataset): string {
  return `${base.replace(/#.*$/, '')}#!${encodeURIComponent(JSON.stringify(stateOf(zarr, dataset)))}`
}

function stateOf(zarr: string, { layers, voxelSize: { nm } }: Dataset) {
  const [first] = layers
  const dimensions = spaceOf(nm)
  return {
    dimensions,
    ...(first && { position: middleOf(first), crossSectionScale: Math.max(1, Math.max(...sizeOf(first.boundingBox)) / 600) }),
    layers: layers.map((layer) => layerState(`${zarr}/${encodeURIComponent(layer.name)}/|zarr2:`, layer, dimensions)),
    layout: '4panel',
  }
}

/** Metres per voxel of mag 1. */
const spaceOf = (nm: Vec3) => ({ x: [nm[0] / 1e9, 'm'], y: [nm[1] / 1e9, 'm'], z: [nm[2] / 1e9, 'm'] })

const middleOf = ({ boundingBox: { min, max } }: Layer): number[] => min.map((start, d) => (start + max[d]!) / 2)

function layerState(url: string, layer: Layer, dimensions: ReturnType<typeof spaceOf>) {
  const { name, category, channels, additionalAxes = [] } = layer
  if (category === 'segmentation') return { type: 'segmentation', source: url, name }
  if (channels === 1 || additionalAxes.length > 0) return { type: 'image', source: url, name, ...look(layer) }
  const source = { url, transform: { outputDimensions: { 'c^': [1, ''], ...dimensions } } }
  return { type: 'image', source, name, shader: RGB_SHADER }
}

/** Colour and contrast where they are known; otherwise neuroglancer's own. */
function look(layer: Layer) {
  const channel = omeroOf(layer)?.channels[0]
  if (!channel) return {}
  const { window, color, inverted } = channel
  const range = inverted ? [window.end, window.start] : [window.start, window.end]
  const shader = `#uicontrol invlerp normalized\n#uicontrol vec3 color color(default="#${color}")\nvoid main() { emitRGB(color * normalized()); }\n`
  return { shader, shaderControls: { normalized: { range } } }
}
