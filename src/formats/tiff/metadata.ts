/**
 * What the description of a TIFF says about its pages: which of them are slices, channels, points in time, and how large a voxel
 * is. OME-XML (OME 2016-06), ImageJ and the resolution tags. Spec: formats.md 4.4.
 */
import type { VoxelSize } from '../../volume/chunked-array.ts'
import { Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { nanometersPer } from '../../volume/voxel-size.ts'
import type { Arrangement } from './arrangement.ts'
import { type Ifd, Tag, type TiffReader } from './ifd.ts'
import { parseOme } from './ome.ts'

/** Reads the description of the first page. Throws `Unusable` for what cannot be shown rightly yet. */
export async function readArrangement(reader: TiffReader, first: Ifd, pages: number, fileName: string): Promise<Arrangement> {
  const description = (await reader.text(first, Tag.ImageDescription)) ?? ''
  const ome = /<(\w+:)?OME[\s>]/.test(description.slice(0, 65536)) ? parseOme(description, pages, fileName) : undefined
  if (ome) return ome
  if (description.startsWith('ImageJ=')) return imageJ(description, pages, await resolution(reader, first))
  checkShaped(description, pages)
  return { source: 'pages', depth: pages, channels: 1, channelNames: [], pageOf: (z) => z, voxelSize: [undefined, undefined, undefined] }
}

/** ImageJ hyperstacks: c fastest, then z, then t. */
function imageJ(description: string, pages: number, pixelsPerUnit: readonly [number, number] | undefined): Arrangement {
  const values = new Map(description.split(/\r?\n/).map((line) => [line.split('=')[0] ?? '', line.slice(line.indexOf('=') + 1)]))
  const count = (key: string) => Math.max(1, Math.floor(Number(values.get(key)) || 1))
  const images = count('images')
  if (images > pages)
    throw new Unusable(
      `an ImageJ stack of ${images} images with a directory for only ${pages} of them, which is not supported yet: save it again as BigTIFF`,
    )
  const channels = count('channels')
  const frames = count('frames')
  if (frames > 1) throw new Unusable(`an ImageJ stack of ${frames} time points (frames), which is not supported yet`)
  const depth = Math.max(1, Math.floor(pages / channels))
  const nm = nanometersPer(values.get('unit')?.replace('\\u00B5', 'µ') ?? '')
  const edge = (perUnit: number | undefined) => (nm && perUnit && perUnit > 0 && Number.isFinite(perUnit) ? nm / perUnit : undefined)
  const spacing = Math.abs(Number(values.get('spacing')))
  return {
    source: 'ImageJ',
    depth,
    channels,
    channelNames: [],
    pageOf: (z, channel) => z * channels + channel,
    voxelSize: [
      edge(pixelsPerUnit?.[0]),
      edge(pixelsPerUnit?.[1]),
      nm && spacing > 0 && Number.isFinite(spacing) ? spacing * nm : undefined,
    ],
  }
}

/** tifffile's own descriptions: {"shape": …} with fewer directories than images, or with axes that are not z, y, x. */
function checkShaped(description: string, pages: number): void {
  if (!description.startsWith('{"shape":')) return
  let parsed: { shape?: unknown; axes?: unknown; truncated?: unknown }
  try {
    parsed = JSON.parse(description)
  } catch {
    return
  }
  if (parsed.truncated === true && Array.isArray(parsed.shape)) {
    throw new Unusable(
      `a stack of shape ${parsed.shape.join('×')} with a directory for only ${pages} of its pages, which is not supported yet`,
    )
  }
  const axes = typeof parsed.axes === 'string' ? parsed.axes.toUpperCase() : ''
  if (pages > 1 && /[CT].*YX/.test(axes)) throw new Unusable(`its axes are ${axes}: only stacks along z are supported yet`)
}

/**
 * The voxel size and where it comes from: the format's own, else the resolution tags unless they are meant for a printer.
 * z unknown = xy.
 */
export async function voxelSizeOf(reader: TiffReader, first: Ifd, arrangement: Arrangement): Promise<VoxelSize> {
  const [x, y, z] = arrangement.voxelSize
  if (x !== undefined && y !== undefined) {
    const unknown = z === undefined && arrangement.depth > 1 ? ', z unknown: taken as x' : ''
    return { nm: [x, y, z ?? x] as Vec3, source: `${arrangement.source}${unknown}` }
  }
  const perUnit = await resolution(reader, first)
  const unit = (await reader.number(first, Tag.ResolutionUnit)) ?? 2
  if (unit === 3 && perUnit) {
    const edges = [1e7 / perUnit[0], 1e7 / perUnit[1]] as const
    if (edges.every((edge) => edge >= 0.1 && edge <= 1e6))
      return { nm: [edges[0], edges[1], z ?? edges[0]], source: `resolution tags${z === undefined ? ', z taken as x' : ''}` }
  }
  return { nm: [1, 1, 1], source: 'guessed: nothing in the file says how large a voxel is' }
}

async function resolution(reader: TiffReader, ifd: Ifd): Promise<readonly [number, number] | undefined> {
  const x = await reader.number(ifd, Tag.XResolution)
  const y = await reader.number(ifd, Tag.YResolution)
  return x !== undefined && y !== undefined ? [x, y] : undefined
}
