/** OME-NGFF 0.4 (Zarr v2) and 0.5 (Zarr v3): what viewers have to know to show a layer in its size and colours. */
import type { Axis, Layer } from '../volume/chunked-array.ts'
import { multiply, type Vec3 } from '../volume/vec.ts'
import { arrayV3 } from './array.ts'
import { type AxisOrder, arrange } from './axis-order.ts'
import { magName } from './name.ts'
import { omeroOf } from './omero.ts'
import { LABELS } from './path.ts'

interface AxisJson {
  readonly name: string
  readonly type?: string
  readonly unit?: string
}

/** What is neither time nor one of x, y, z is of a type of its own in NGFF, which has none, and of type space in the protocol (6.4). */
function axisOf({ name }: Axis, order: AxisOrder): AxisJson {
  if (/^t(ime)?\d*$/i.test(name)) return { name, type: 'time' }
  return order === 'cxyz' ? { name, type: 'space' } : { name }
}

const spaceAxis = (name: string): AxisJson => ({ name, type: 'space', unit: 'nanometer' })

/** `nm`: size of a voxel of mag 1. */
function multiscale(layer: Layer, nm: Vec3, order: AxisOrder) {
  const { name, mags, additionalAxes = [] } = layer
  return {
    name,
    axes: arrange<AxisJson>(
      order,
      { name: 'c', type: 'channel' },
      additionalAxes.map((axis) => axisOf(axis, order)),
      [spaceAxis('x'), spaceAxis('y'), spaceAxis('z')],
    ),
    datasets: mags.map(({ factor }) => ({
      path: magName(factor),
      coordinateTransformations: [
        {
          type: 'scale',
          scale: arrange<number>(
            order,
            1,
            additionalAxes.map(() => 1),
            multiply(nm, factor),
          ),
        },
      ],
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
export const attributesV2 = (layer: Layer, nm: Vec3, order: AxisOrder) => ({
  multiscales: [{ version: '0.4', ...multiscale(layer, nm, order) }],
  ...display(layer, '0.4'),
})

const plainGroupV3 = (layer: Layer, nm: Vec3, order: AxisOrder) => ({
  zarr_format: 3,
  node_type: 'group',
  // neuroglancer 2.41.2 looks for omero beside ome, the specification puts it inside
  attributes: { ome: { version: '0.5', multiscales: [multiscale(layer, nm, order)], ...display(layer, '0.5') }, ...display(layer, '0.5') },
})

const arraysV3 = (layer: Layer, order: AxisOrder, folder = '') =>
  layer.mags.map((mag) => [folder + magName(mag.factor), arrayV3(layer, mag, order)] as const)

/** `zarr.json` of a layer, with those of its mags inside, and of the segmentations reached through it. */
export const groupV3 = (layer: Layer, nm: Vec3, order: AxisOrder, labels: readonly Layer[]) => ({
  ...plainGroupV3(layer, nm, order),
  consolidated_metadata: {
    kind: 'inline',
    must_understand: false,
    metadata: Object.fromEntries<object>([
      ...arraysV3(layer, order),
      ...(labels.length > 0 ? [[LABELS, labelsV3(labels)] as const] : []),
      ...labels.flatMap((one) => {
        const folder = `${LABELS}/${one.name}`
        return [[folder, plainGroupV3(one, nm, order)] as const, ...arraysV3(one, order, `${folder}/`)]
      }),
    ]),
  },
})

const namesOf = (labels: readonly Layer[]) => labels.map(({ name }) => name)

/** `.zattrs` of the group of an image's segmentations. */
export const labelsV2 = (labels: readonly Layer[]) => ({ labels: namesOf(labels) })

export const labelsV3 = (labels: readonly Layer[]) => ({
  zarr_format: 3,
  node_type: 'group',
  attributes: { ome: { version: '0.5', labels: namesOf(labels) } },
})
