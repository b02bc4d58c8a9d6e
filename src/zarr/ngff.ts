/** OME-NGFF 0.4 (Zarr v2) and 0.5 (Zarr v3): what viewers have to know to show a layer in its size and colours. */
import type { Axis, Layer } from '../volume/chunked-array.ts'
import { multiply, type Vec3 } from '../volume/vec.ts'
import { arrayV3 } from './array.ts'
import { magName } from './name.ts'
import { omeroOf } from './omero.ts'

const axisOf = ({ name }: Axis) => ({ name, type: /^t(ime)?\d*$/i.test(name) ? 'time' : 'space' })

const spaceAxes = ['x', 'y', 'z'].map((name) => ({ name, type: 'space', unit: 'nanometer' }))

/** `nm`: size of a voxel of mag 1. */
function multiscale(layer: Layer, nm: Vec3) {
  const { name, mags, additionalAxes = [] } = layer
  return {
    name,
    axes: [{ name: 'c', type: 'channel' }, ...additionalAxes.map(axisOf), ...spaceAxes],
    datasets: mags.map(({ factor }) => ({
      path: magName(factor),
      coordinateTransformations: [{ type: 'scale', scale: [1, ...additionalAxes.map(() => 1), ...multiply(nm, factor)] }],
    })),
  }
}

/** What is the same in both: colours of an image, or the word that it holds labels. */
const display = (layer: Layer, version: string) => {
  if (layer.category === 'segmentation') return { 'image-label': { version } }
  const omero = omeroOf(layer)
  return omero ? { omero: { ...omero, version } } : {}
}

/** `.zattrs` of a layer. `nm`: size of a voxel of mag 1. */
export const attributesV2 = (layer: Layer, nm: Vec3) => ({
  multiscales: [{ version: '0.4', ...multiscale(layer, nm) }],
  ...display(layer, '0.4'),
})

/** `zarr.json` of a layer, with those of its mags inside. */
export const groupV3 = (layer: Layer, nm: Vec3) => ({
  zarr_format: 3,
  node_type: 'group',
  // neuroglancer 2.41.2 looks for omero beside ome, the specification puts it inside
  attributes: { ome: { version: '0.5', multiscales: [multiscale(layer, nm)], ...display(layer, '0.5') }, ...display(layer, '0.5') },
  consolidated_metadata: {
    kind: 'inline',
    must_understand: false,
    metadata: Object.fromEntries(layer.mags.map((mag) => [magName(mag.factor), arrayV3(layer, mag)])),
  },
})
