/** napari's reader: axes, sizes, colours, contrast and voxels of images, and the segmentation it finds through them. */
import { createHash } from 'node:crypto'
import { growCells } from '../../src/sample/cells.ts'
import { emptyFolder } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'
import { asked, type ClientRow, python, startServer } from './client.ts'

interface Shown {
  readonly kind: 'image' | 'labels'
  readonly axes: readonly string[]
  readonly drawn: readonly string[]
  readonly units: readonly string[]
  readonly scale: readonly number[]
  readonly contrast: readonly number[] | null
  readonly colormap: readonly number[] | null
  readonly shapes: readonly (readonly number[])[]
  readonly sha256: string
}

interface Answer {
  readonly version: string
  readonly layers: readonly (readonly Shown[] | { readonly error: string })[]
}

const SIZE = [192, 192, 96] as const
const ROUTES = ['zarr-zyx', 'zarr3-zyx', 'zarr-planes'] as const
const hash = (voxels: Uint8Array | Uint32Array) => createHash('sha256').update(new Uint8Array(voxels.buffer)).digest('hex')

export async function run(): Promise<ClientRow[]> {
  return [...(await Promise.all(ROUTES.map(readThrough))), await readColumns()]
}

/** The axes it draws are the last two. */
async function readThrough(route: (typeof ROUTES)[number]): Promise<ClientRow> {
  await using server = await startServer(['--data', emptyFolder(), '--sample', `${GOLDEN}/data`])
  const { version, layers } = await open(server.url, route, [
    'sample_organization/cells/color',
    'wkw/rgb/color',
    'tiff/imagej_tzc_little/color_c0',
  ])
  const { color, segmentation } = growCells(SIZE)
  const [cells, rgb, times] = layers.map((one) => {
    if ('error' in one) throw new Error(`napari, ${route}: ${one.error}`)
    return one
  }) as [readonly Shown[], readonly Shown[], readonly Shown[]]
  const space = { axes: ['z', 'y', 'x'], drawn: ['y', 'x'], units: ['nanometer', 'nanometer', 'nanometer'] }
  const depths = route === 'zarr-planes' ? [96, 96, 96, 96] : [96, 48, 24, 24]
  const shapes = depths.map((depth, level) => [depth, 192 >> level, 192 >> level])
  const scale = [28, 11.24, 11.24]
  expectSame(route, cells.map(described), [
    { ...space, kind: 'image', scale, contrast: [22, 174], colormap: [1, 1, 1], shapes, sha256: hash(color) },
    { ...space, kind: 'labels', scale, contrast: null, colormap: null, shapes, sha256: hash(segmentation) },
  ])
  expectSame(
    route,
    rgb.map(({ axes, colormap, contrast, scale: edges }) => ({ axes, colormap, contrast, edges })),
    [0, 1, 2].map((channel) => ({
      axes: space.axes,
      colormap: [0, 1, 2].map((one) => (one === channel ? 1 : 0)),
      contrast: [0, 255],
      edges: [40, 4, 4],
    })),
  )
  expectSame(
    route,
    times.map(({ axes, drawn, shapes: [finest] }) => ({ axes, drawn, times: finest![0] })),
    [{ axes: ['t', 'z', 'y', 'x'], drawn: ['y', 'x'], times: 2 }],
  )
  return {
    client: 'napari’s reader',
    version,
    opened: `cells with its labels, colours, times through ${route}`,
    compared: `${(2 * color.length).toLocaleString('en')} voxels, axes, units, sizes, colours, contrast, all equal`,
    asked: await asked(server),
  }
}

/** In the protocol's order it has the same voxels, and draws y and z. */
async function readColumns(): Promise<ClientRow> {
  await using server = await startServer(['--data', emptyFolder(), '--sample'])
  const { version, layers } = await open(server.url, 'zarr', ['sample_organization/cells/color'])
  const [first] = layers
  if (!first || 'error' in first) throw new Error(`napari, zarr: ${first?.error}`)
  const { color } = growCells(SIZE)
  const turned = new Uint8Array(color.length)
  let at = 0
  for (let x = 0; x < SIZE[0]; x++)
    for (let y = 0; y < SIZE[1]; y++) for (let z = 0; z < SIZE[2]; z++) turned[at++] = color[x + SIZE[0] * (y + SIZE[1] * z)]!
  expectSame(
    'zarr',
    first.map(({ axes, drawn, scale, contrast, sha256 }) => ({ axes, drawn, scale, contrast, sha256 })),
    [{ axes: ['x', 'y', 'z'], drawn: ['y', 'z'], scale: [11.24, 11.24, 28], contrast: [22, 174], sha256: hash(turned) }],
  )
  return {
    client: 'napari’s reader',
    version,
    opened: 'cells through zarr',
    compared: `${color.length.toLocaleString('en')} voxels, axes, sizes, contrast, all equal; it draws y and z`,
    asked: await asked(server),
  }
}

const open = async (url: string, route: string, paths: readonly string[]) =>
  (await python('read_napari.py', { layers: paths.map((path) => `${url}/data/${route}/${path}`) }, 'napari')) as Answer

const described = ({ kind, axes, drawn, units, scale, contrast, colormap, shapes, sha256 }: Shown) => ({
  axes,
  drawn,
  units,
  kind,
  scale,
  contrast,
  colormap,
  shapes,
  sha256,
})

function expectSame(route: string, found: unknown, expected: unknown): void {
  if (!Bun.deepEquals(found, expected))
    throw new Error(`napari through ${route} has ${JSON.stringify(found)} instead of ${JSON.stringify(expected)}`)
}
