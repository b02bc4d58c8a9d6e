/** Query parameters as numbers, mags and the like. All throw `HttpError` 400 that names the parameter and what was sent. */
import type { Static } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { type Coordinate, type Layer, type Mag, magOf } from '../volume/chunked-array.ts'
import { magLiteral, parseMag, type Vec3 } from '../volume/vec.ts'
import { asksForSeveral, Coordinates } from './buckets.ts'
import { HttpError } from './errors.ts'
import type { Query } from './paths.ts'

const refuse = (name: string, wanted: string, text: string | undefined): HttpError =>
  new HttpError(400, `Query parameter ${name} must be ${wanted}, got ${JSON.stringify(text?.slice(0, 200) ?? null)}.`)

export function integer(query: Query, name: string): number {
  const text = query[name]
  if (text === undefined || !/^-?\d{1,15}$/.test(text)) throw refuse(name, 'a whole number', text)
  return Number(text)
}

export function number(query: Query, name: string): number {
  const text = query[name]
  if (text === undefined || text.trim() === '' || !Number.isFinite(Number(text))) throw refuse(name, 'a number', text)
  return Number(text)
}

export function boolean(query: Query, name: string): boolean {
  const text = query[name]
  if (text && text !== 'true' && text !== 'false') throw refuse(name, 'true or false', text)
  return text === 'true'
}

/** `#rrggbb` as parts of 1, as it is or without the #. */
export function colour(query: Query, name: string): Vec3 | undefined {
  const text = query[name]
  if (text === undefined) return undefined
  if (!/^#?[0-9a-f]{6}$/i.test(text)) throw refuse(name, 'a colour such as #ff8000', text)
  const parts = Number.parseInt(text.replace('#', ''), 16)
  return [(parts >> 16) / 255, ((parts >> 8) & 255) / 255, (parts & 255) / 255]
}

/** `[{"name":"t","value":3}]`. */
export function coordinates(query: Query, name = 'additionalCoordinates'): readonly Coordinate[] | undefined {
  const text = query[name]
  if (text === undefined || text === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw refuse(name, 'JSON', text)
  }
  if (!Value.Check(Coordinates, value)) throw refuse(name, 'a list such as [{"name":"t","value":3}]', text)
  return single(value)
}

/** Throws 400 for coordinates that ask for more than one cuboid. */
export function single(asked: Static<typeof Coordinates> | undefined): readonly Coordinate[] | undefined {
  if (asksForSeveral(asked)) throw new HttpError(400, 'additionalCoordinates with a length other than 1 are not served.')
  return asked ?? undefined
}

/** The mag of this factor. Throws 404 with those there are. */
export function findMag(layer: Layer, factor: Vec3): Mag {
  const mag = magOf(layer, factor)
  if (mag) return mag
  const there = layer.mags.map((one) => magLiteral(one.factor)).join(', ')
  throw new HttpError(404, `Layer ${layer.name} has no mag ${magLiteral(factor)}; it has ${there}.`)
}

/** `2-2-1`, or the short `2`. */
export function mag(layer: Layer, query: Query, name = 'mag'): Mag {
  const text = query[name]
  const factor = parseMag(text ?? '')
  if (!factor) throw refuse(name, 'like 2-2-1', text)
  return findMag(layer, factor)
}
