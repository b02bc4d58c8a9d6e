/** What OME-XML says about the images of a TIFF or of a set of them. Spec: OME model 2016-06, OME-TIFF specification; formats.md 4.4. */
import { Unusable } from '../../../volume/errors.ts'
import { nanometersPer } from '../../../volume/voxel-size.ts'
import type { Channel, Dim } from './series.ts'
import { type Element, elements } from './xml.ts'

const MAX_XML = 64 * 1024 * 1024
const MAX_SIZE = 1e7

export interface OmeImage {
  readonly name: string | undefined
  readonly width: number
  readonly height: number
  readonly depth: number
  readonly times: number
  readonly sizeC: number
  /** Of a pixel; undefined where it is not stated. */
  readonly samples: number | undefined
  /** Slowest first; C in samples, before they are divided by those of a pixel. */
  readonly order: string
  readonly channels: readonly Channel[]
  readonly blocks: readonly TiffData[]
  readonly voxelSize: readonly [number | undefined, number | undefined, number | undefined]
}

/** Which planes lie where: `count` of them, in the order of dimensions, on pages from `page` on. */
export interface TiffData {
  readonly file: string | undefined
  readonly uuid: string | undefined
  readonly page: number | undefined
  readonly count: number | undefined
  readonly z: number
  readonly c: number
  readonly t: number
}

export interface Ome {
  readonly uuid: string | undefined
  /** The file that has the metadata of this one. */
  readonly companion: string | undefined
  readonly images: readonly OmeImage[]
}

export const isOme = (description: string): boolean => /<(\w+:)?OME[\s>]/.test(description.slice(0, 65536))

/** Throws `Unusable` where sizes make no sense. */
export function parseOme(xml: string): Ome {
  if (xml.length > MAX_XML) throw new Unusable(`${xml.length} characters of OME-XML`)
  const root = [...elements(xml, 'OME')][0]
  const images = [...elements(xml, 'Image')].flatMap(({ attributes, content }) => {
    const pixels = [...elements(content, 'Pixels')][0]
    return pixels ? [parsePixels(attributes.get('Name'), pixels)] : []
  })
  return {
    uuid: root?.attributes.get('UUID'),
    companion: [...elements(xml, 'BinaryOnly')][0]?.attributes.get('MetadataFile'),
    images,
  }
}

function parsePixels(name: string | undefined, { attributes, content }: Element): OmeImage {
  const size = (key: string) => {
    const value = Number(attributes.get(key) ?? 1)
    if (!Number.isSafeInteger(value) || value < 1 || value > MAX_SIZE)
      throw new Unusable(`its OME-XML says ${key}="${attributes.get(key)}"`)
    return value
  }
  const edge = (axis: string) => {
    const value = Number(attributes.get(`PhysicalSize${axis}`))
    const nm = nanometersPer(attributes.get(`PhysicalSize${axis}Unit`) ?? 'µm')
    return value > 0 && Number.isFinite(value) && nm ? value * nm : undefined
  }
  const order = attributes.get('DimensionOrder') ?? 'XYZCT'
  if (!/^XY(ZCT|ZTC|CZT|CTZ|TZC|TCZ)$/.test(order)) throw new Unusable(`its OME-XML says DimensionOrder="${order}"`)
  const channels = [...elements(content, 'Channel')]
  const perPixel = channels.map((channel) => Number(channel.attributes.get('SamplesPerPixel') ?? 1))
  if (perPixel.some((samples) => samples !== perPixel[0]))
    throw new Unusable(`its OME-XML has channels of ${perPixel.join(', ')} samples per pixel`)
  return {
    name,
    width: size('SizeX'),
    height: size('SizeY'),
    depth: size('SizeZ'),
    times: size('SizeT'),
    sizeC: size('SizeC'),
    samples: perPixel[0],
    order: [...order.slice(2)].reverse().join(''),
    channels: channels.map((channel) => ({ name: channel.attributes.get('Name'), color: colorOf(channel.attributes.get('Color')) })),
    blocks: [...elements(content, 'TiffData')].map(parseTiffData),
    voxelSize: [edge('X'), edge('Y'), edge('Z')],
  }
}

function parseTiffData({ attributes, content }: Element): TiffData {
  const number = (key: string) => {
    const value = attributes.has(key) ? Number(attributes.get(key)) : undefined
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0))
      throw new Unusable(`its OME-XML says ${key}="${attributes.get(key)}"`)
    return value
  }
  const uuid = [...elements(content, 'UUID')][0]
  return {
    file: uuid?.attributes.get('FileName'),
    uuid: uuid?.content.trim() || undefined,
    page: number('IFD'),
    count: number('PlaneCount') ?? number('NumPlanes'),
    z: number('FirstZ') ?? 0,
    c: number('FirstC') ?? 0,
    t: number('FirstT') ?? 0,
  }
}

/** A signed 32-bit number, red highest, opacity lowest. */
function colorOf(text: string | undefined): Channel['color'] {
  const value = Number(text)
  if (!text || !Number.isSafeInteger(value)) return undefined
  const [red, green, blue] = [(value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255]
  // some writers leave everything 0: black shows nothing
  return red + green + blue > 0 ? [red, green, blue] : undefined
}

/** Dimensions of pages, for as many samples as a pixel holds. */
export const dimsOfImage = (image: OmeImage, samples: number): Dim[] =>
  [...image.order].map((axis) => ({
    axis,
    size: axis === 'Z' ? image.depth : axis === 'T' ? image.times : Math.max(1, Math.floor(image.sizeC / samples)),
  }))
