/** Stored coordinates → nm: 3 rows of 4 numbers, the last a shift. */
import { Unusable } from '../../../volume/errors.ts'
import type { Vec3 } from '../../../volume/vec.ts'

export type Transform = readonly number[]

export const IDENTITY: Transform = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]

/** Throws `Unusable`. */
export function parseTransform(json: unknown): Transform {
  if (json === undefined || json === null) return IDENTITY
  if (!Array.isArray(json) || json.length !== 12 || !json.every((one) => typeof one === 'number' && Number.isFinite(one)))
    throw new Unusable(`its meshes' transform is ${JSON.stringify(json).slice(0, 200)}, not 12 numbers`)
  return json
}

/** Moves and stretches along the axes alone: all that a webKnossos page can do (protocol.md 5.2). */
export const isAlongAxes = (t: Transform): boolean => [1, 2, 4, 6, 8, 9].every((n) => t[n] === 0) && [0, 5, 10].every((n) => t[n] !== 0)

export const apply = (t: Transform, [x, y, z]: Vec3): Vec3 => [
  t[0]! * x + t[1]! * y + t[2]! * z + t[3]!,
  t[4]! * x + t[5]! * y + t[6]! * z + t[7]!,
  t[8]! * x + t[9]! * y + t[10]! * z + t[11]!,
]

/** Points `origin + scale · stored`, then transformed, in place. */
export function place(points: Float32Array, origin: Vec3, scale: Vec3, t: Transform): Float32Array {
  for (let n = 0; n + 2 < points.length; n += 3) {
    const point = apply(t, [
      origin[0] + scale[0] * points[n]!,
      origin[1] + scale[1] * points[n + 1]!,
      origin[2] + scale[2] * points[n + 2]!,
    ])
    points.set(point, n)
  }
  return points
}
