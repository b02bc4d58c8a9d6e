/**
 * The part of OME-XML that says which page is which plane. Only attributes are looked at, with patterns that cannot backtrack;
 * entities are never expanded. Spec: OME-TIFF specification (OME 2016-06), formats.md 4.4.
 */
import { Unusable } from '../../volume/errors.ts'
import { nanometersPer } from '../../volume/voxel-size.ts'
import type { Arrangement } from './arrangement.ts'

const MAX_XML = 64 * 1024 * 1024

/** Undefined where the XML describes no pixels (a companion file does). Throws `Unusable` for what cannot be shown rightly yet. */
export function parseOme(xml: string, pages: number, fileName: string): Arrangement | undefined {
  if (xml.length > MAX_XML) throw new Unusable(`${xml.length} characters of OME-XML`)
  const images = [...elements(xml, 'Pixels')]
  const pixels = images[0]
  if (!pixels) return undefined
  if (images.length > 1) throw new Unusable(`an OME-TIFF with ${images.length} images in one file, which is not supported yet`)
  const attribute = (name: string) => pixels.attributes.get(name)
  const size = (name: string) => {
    const value = Number(attribute(name) ?? 1)
    if (!Number.isSafeInteger(value) || value < 1 || value > 1e7) throw new Unusable(`its OME-XML says ${name}="${attribute(name)}"`)
    return value
  }
  const depth = size('SizeZ')
  const times = size('SizeT')
  if (times > 1) throw new Unusable(`an OME-TIFF with ${times} time points, which is not supported yet`)
  const channelElements = [...elements(pixels.content, 'Channel')]
  const samples = Math.max(1, Number(channelElements[0]?.attributes.get('SamplesPerPixel') ?? 1) || 1)
  const channels = Math.max(1, Math.floor(size('SizeC') / samples))
  const order = attribute('DimensionOrder') ?? 'XYZCT'
  if (!/^XY[ZCT]{3}$/.test(order)) throw new Unusable(`its OME-XML says DimensionOrder="${order}"`)
  const planes = planeTable(pixels.content, { order, depth, channels, pages, fileName })
  const edge = (axis: string) => {
    const value = Number(attribute(`PhysicalSize${axis}`))
    const nm = nanometersPer(attribute(`PhysicalSize${axis}Unit`) ?? 'µm')
    return value > 0 && Number.isFinite(value) && nm ? value * nm : undefined
  }
  return {
    source: 'OME',
    depth,
    channels,
    channelNames: channelElements.map(({ attributes }, n) => layerSuffix(attributes.get('Name')) ?? `c${n}`),
    pageOf: (z, channel) => planes.get(z * channels + channel),
    voxelSize: [edge('X'), edge('Y'), edge('Z')],
  }
}

interface Dimensions {
  readonly order: string
  readonly depth: number
  readonly channels: number
  readonly pages: number
  readonly fileName: string
}

/** z · channels + channel → page, from the TiffData elements. */
function planeTable(content: string, { order, depth, channels, pages, fileName }: Dimensions): Map<number, number> {
  const zFirst = order.indexOf('Z') < order.indexOf('C')
  // planes in the order they are stored; there is one point in time
  const rank = (z: number, c: number) => (zFirst ? z + depth * c : c + channels * z)
  const planeAt = (n: number) => (zFirst ? { z: n % depth, c: Math.floor(n / depth) } : { z: Math.floor(n / channels), c: n % channels })
  const total = depth * channels
  if (total > 1e7) throw new Unusable(`its OME-XML claims ${total} planes`)
  const table = new Map<number, number>()
  const blocks = [...elements(content, 'TiffData')]
  for (const { attributes, content: inner } of blocks.length > 0 ? blocks : [{ attributes: new Map<string, string>(), content: '' }]) {
    const file = [...elements(inner, 'UUID')][0]?.attributes.get('FileName')
    if (file !== undefined && file !== fileName && pages < total)
      throw new Unusable('an OME-TIFF in several files, which is not supported yet')
    const number = (name: string) => (attributes.has(name) ? Number(attributes.get(name)) : undefined)
    const ifd = number('IFD')
    const count = number('PlaneCount') ?? (ifd === undefined ? total : 1)
    const first = rank(number('FirstZ') ?? 0, number('FirstC') ?? 0)
    for (let i = 0; i < Math.min(count, total - first); i++) {
      const { z, c } = planeAt(first + i)
      const page = (ifd ?? 0) + i
      if (page >= pages) throw new Unusable(`its OME-XML places plane z=${z}, c=${c} on page ${page}, the file has ${pages}`)
      table.set(z * channels + c, page)
    }
  }
  return table
}

interface Element {
  readonly attributes: ReadonlyMap<string, string>
  readonly content: string
}

/** The elements of a name, in order, whatever their namespace prefix. Linear: an end tag is looked for only up to the next start. */
function* elements(xml: string, name: string): Generator<Element> {
  const starts = [...xml.matchAll(new RegExp(`<(?:\\w+:)?${name}(?=[\\s/>])`, 'g'))]
  for (const [n, match] of starts.entries()) {
    const own = xml.slice(match.index + match[0].length, starts[n + 1]?.index)
    const end = own.indexOf('>')
    if (end < 0) continue
    const head = own.slice(0, end)
    const close = head.endsWith('/') ? -1 : own.search(new RegExp(`</(?:\\w+:)?${name}\\s*>`))
    yield { attributes: attributesOf(head), content: close < 0 ? '' : own.slice(end + 1, close) }
  }
}

function attributesOf(head: string): Map<string, string> {
  const attributes = new Map<string, string>()
  for (const [, name, double, single] of head.matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
    attributes.set(name!, unescapeXml(double ?? single ?? ''))
  }
  return attributes
}

const ENTITIES: Record<string, string> = {
  '&lt;': '<',
  '&gt;': '>',
  '&amp;': '&',
  '&quot;': '"',
  '&apos;': "'",
  '&#181;': 'µ',
  '&#xB5;': 'µ',
}
const unescapeXml = (text: string): string => text.replace(/&[#\w]+;/g, (entity) => ENTITIES[entity] ?? entity)

/** A channel's name as the end of a layer name; undefined where nothing of it is left. */
function layerSuffix(name: string | undefined): string | undefined {
  const plain = name
    ?.trim()
    .replace(/[^\p{L}\p{N}._+-]+/gu, '_')
    .replace(/^_+|_+$/g, '')
  return plain ? plain.slice(0, 60) : undefined
}
