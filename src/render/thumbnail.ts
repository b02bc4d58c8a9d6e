/** A small picture of a layer, as core asks for it (protocol.md 2.5): one voxel of a mag a pixel, one voxel deep. */
import { JPEG_ROWS, JpegEncoder } from '../../codecs/jpeg-encoder.ts'
import { boxAt, toMag } from '../volume/box.ts'
import { type Layer, type Mag, wireBytes } from '../volume/chunked-array.ts'
import { type CutoutOptions, cutout } from '../volume/cutout.ts'
import type { Vec3 } from '../volume/vec.ts'
import { encodePalettePng } from './png.ts'
import { type Colouring, SEGMENT_COLOURS, toPixels } from './wk-colours.ts'

export interface ThumbnailRequest extends Pick<Colouring, 'intensityRange' | 'colour' | 'isInverted'> {
  readonly mag: Mag
  /** The upper left corner, in voxels of the mag; may lie outside the layer. */
  readonly corner: Vec3
  /** Pixels. */
  readonly width: number
  readonly height: number
}

/** Voxels are read in bands of rows, so that the largest picture of the widest type does not have to be held. */
const BAND_BYTES = 4 * 1024 * 1024

/** What is not stored is zero: black, or the grey of no segment. Throws what reading throws: a picture with a hole would be believed. */
export async function drawJpeg(layer: Layer, request: ThumbnailRequest, options: CutoutOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height, intensityRange, colour, isInverted } = request
  const { dataType, channels, category } = layer
  const colouring = { dataType, channels, isSegmentation: category === 'segmentation', intensityRange, colour, isInverted }
  const encoder = new JpegEncoder({ width, height, samples: 3 })
  await readRows(layer, request, options, async (voxels, rows) => {
    const pixels = new Uint8Array(width * rows * 3)
    toPixels(voxels, colouring, pixels)
    for (let y = 0; y < rows; y += JPEG_ROWS) {
      encoder.add(pixels.subarray(y * width * 3, Math.min(rows, y + JPEG_ROWS) * width * 3))
      if (options.pace.due()) await options.pace.turn()
    }
  })
  return encoder.finish()
}

/** A segmentation as webknossos-connect showed it: the lowest byte of the ids through a palette in which 0 is transparent. */
export async function drawPalette(layer: Layer, request: ThumbnailRequest, options: CutoutOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { width, height } = request
  const size = wireBytes(layer)
  const indices = new Uint8Array(width * height)
  let at = 0
  await readRows(layer, request, options, async (voxels) => {
    for (let from = 0; from < voxels.length; from += size) indices[at++] = voxels[from]!
  })
  return encodePalettePng(width, height, indices, PALETTE)
}

const PALETTE = Uint8Array.from({ length: 256 }, (_, n) => n).reduce(
  (colours, n) => {
    colours.set(SEGMENT_COLOURS[n % SEGMENT_COLOURS.length]!, 3 * n)
    return colours
  },
  new Uint8Array(256 * 3),
)

async function readRows(
  layer: Layer,
  { mag, corner, width, height }: ThumbnailRequest,
  options: CutoutOptions,
  use: (voxels: Uint8Array, rows: number) => Promise<void>,
): Promise<void> {
  const row = width * wireBytes(layer)
  const clip = toMag(layer.boundingBox, mag.factor)
  const most = Math.max(JPEG_ROWS, Math.floor(BAND_BYTES / row / JPEG_ROWS) * JPEG_ROWS)
  for (let y = 0; y < height; y += most) {
    const rows = Math.min(most, height - y)
    const voxels = new Uint8Array(rows * row)
    await cutout(mag, boxAt([corner[0], corner[1] + y, corner[2]], [width, rows, 1]), clip, voxels, options)
    await use(voxels, rows)
    if (options.pace.due()) await options.pace.turn()
  }
}
