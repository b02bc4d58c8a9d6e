/** Thumbnails in the parameter sets of all eras (protocol.md 2.5). */
import { Elysia } from 'elysia'
import { drawJpeg, drawPalette, type ThumbnailRequest } from '../render/thumbnail.ts'
import type { Range } from '../render/wk-colours.ts'
import { sizeOf, toMag } from '../volume/box.ts'
import type { Layer, Mag } from '../volume/chunked-array.ts'
import { messageOf } from '../volume/errors.ts'
import { Pace } from '../volume/pace.ts'
import type { Vec3 } from '../volume/vec.ts'
import type { Context } from './context.ts'
import { HttpError } from './errors.ts'
import { COMMON } from './headers.ts'
import { findLayer, type LayerParams, type OpenLayer } from './lookup.ts'
import { describe } from './openapi.ts'
import { layerPaths, type Query } from './paths.ts'
import { boolean, colour, integer, mag as magOfQuery, number } from './query.ts'

const MAX_EDGE = 5000
const MODERN = ['mag', 'x', 'y', 'z'] as const
const CENTRE = ['centerX', 'centerY', 'centerZ'] as const
const LOOKS = ['intensityMin', 'intensityMax', 'color', 'invertColor', 'mappingName'] as const
const PARAMETERS = [...MODERN, 'width', 'height', 'zoom', ...CENTRE, ...LOOKS]

export const pictureRoutes = (context: Context, prefix: string) => {
  const app = new Elysia({ prefix, normalize: false })
  for (const path of layerPaths('thumbnail.jpg')) {
    app.get(
      path,
      async ({ params, query, request }) => {
        const { bytes, type } = await thumbnail(context, params as unknown as LayerParams, query, request)
        return new Response(bytes, { headers: { ...COMMON, 'Content-Type': type } })
      },
      { detail: describe('A picture of a layer; today’s parameters (mag, x, y, z) or those of before 2023', { query: PARAMETERS }) },
    )
  }
  for (const path of layerPaths('thumbnail.json')) {
    app.get(
      path,
      async ({ params, query, request }) => {
        const { bytes, type } = await thumbnail(context, params as unknown as LayerParams, query, request)
        const body = JSON.stringify({ mimeType: type, value: bytes.toBase64() })
        return new Response(body, { headers: { ...COMMON, 'Content-Type': 'application/json' } })
      },
      { detail: describe('The same picture in JSON, as webKnossos asked before 2022', { query: PARAMETERS }) },
    )
  }
  return app
}

interface Drawn {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: 'image/jpeg' | 'image/png'
}

async function thumbnail(context: Context, params: LayerParams, query: Query, request: Request): Promise<Drawn> {
  const [width, height] = [edge(query, 'width'), edge(query, 'height')]
  const looks = readLooks(query)
  const open = await findLayer(context, params, request)
  const { layer } = open
  const isModern = MODERN.some((name) => query[name] !== undefined)
  const mag = isModern && query['mag'] !== undefined ? magOfQuery(layer, query) : goodMag(layer, query, Math.max(width, height))
  const asked: ThumbnailRequest = { ...looks, mag, width, height, corner: cornerOf(layer, mag, query, width, height, isModern) }
  const options = { chunks: context.chunks, pace: new Pace(), signal: request.signal }
  try {
    if (isModern) return { bytes: await drawJpeg(layer, asked, options), type: 'image/jpeg' }
    if (layer.category === 'segmentation') return { bytes: await drawPalette(layer, asked, options), type: 'image/png' }
    // the core of that time says nothing about intensities
    const intensityRange = looks.intensityRange ?? (await usualRange(context, open))
    return { bytes: await drawJpeg(layer, { ...asked, intensityRange }, options), type: 'image/jpeg' }
  } catch (error) {
    const where = `${open.entry.organization}/${open.entry.name}, layer ${layer.name}`
    if (!request.signal.aborted) context.log.trouble(where, `${where}: thumbnail: ${messageOf(error)}`)
    throw error
  }
}

function edge(query: Query, name: 'width' | 'height'): number {
  const value = integer(query, name)
  if (value < 1 || value > MAX_EDGE) throw new HttpError(400, `Query parameter ${name} must be between 1 and ${MAX_EDGE}, got ${value}.`)
  return value
}

function readLooks(query: Query): Pick<ThumbnailRequest, 'intensityRange' | 'colour' | 'isInverted'> {
  const hasRange = query['intensityMin'] !== undefined && query['intensityMax'] !== undefined
  return {
    intensityRange: hasRange ? [number(query, 'intensityMin'), number(query, 'intensityMax')] : undefined,
    colour: colour(query, 'color'),
    isInverted: boolean(query, 'invertColor'),
  }
}

const CONTRAST_MS = 2000

async function usualRange({ contrasts }: Context, { entry, layer }: OpenLayer): Promise<Range | undefined> {
  if (layer.dataType === 'uint8') return undefined
  await contrasts.settle([entry], CONTRAST_MS)
  return contrasts.of(entry, layer)
}

/** The mag closest to `zoom`; without it the coarsest one that still fills the picture. */
function goodMag(layer: Layer, query: Query, longest: number): Mag {
  const { mags, boundingBox } = layer
  if (query['zoom'] !== undefined && query['zoom'] !== '') {
    const zoom = number(query, 'zoom')
    const distance = ({ factor }: Mag) => Math.abs(Math.max(...factor) - zoom)
    return mags.reduce((best, one) => (distance(one) < distance(best) ? one : best))
  }
  const fills = ({ factor }: Mag) => Math.max(...sizeOf(toMag(boundingBox, factor)).slice(0, 2)) >= longest
  return mags.findLast(fills) ?? mags[0]!
}

/** The upper left corner in voxels of the mag. What is not said is so that the middle of the layer is in the middle. */
function cornerOf(layer: Layer, mag: Mag, query: Query, width: number, height: number, isModern: boolean): Vec3 {
  const { min, max } = layer.boundingBox
  const pixels = [width, height, 1] as const
  const names = isModern ? (['x', 'y', 'z'] as const) : CENTRE
  const corner = names.map((name, d) => {
    const given = query[name] === undefined || query[name] === '' ? undefined : integer(query, name)
    if (isModern && given !== undefined) return Math.floor(given / mag.factor[d]!)
    const centre = given ?? Math.floor((min[d]! + max[d]!) / 2)
    return Math.floor(centre / mag.factor[d]!) - (pixels[d]! >> 1)
  })
  return corner as unknown as Vec3
}
