/** Three numbers in the order x, y, z. Whose voxels they count stands in the name of the variable or its doc line. */
export type Vec3 = readonly [number, number, number]

export const ZERO: Vec3 = [0, 0, 0]
export const ONE: Vec3 = [1, 1, 1]

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
export const multiply = (a: Vec3, b: Vec3): Vec3 => [a[0] * b[0], a[1] * b[1], a[2] * b[2]]
export const floorDivide = (a: Vec3, b: Vec3): Vec3 => [Math.floor(a[0] / b[0]), Math.floor(a[1] / b[1]), Math.floor(a[2] / b[2])]
export const ceilDivide = (a: Vec3, b: Vec3): Vec3 => [Math.ceil(a[0] / b[0]), Math.ceil(a[1] / b[1]), Math.ceil(a[2] / b[2])]
export const product = (a: Vec3): number => a[0] * a[1] * a[2]
export const equals = (a: Vec3, b: Vec3): boolean => a[0] === b[0] && a[1] === b[1] && a[2] === b[2]

/** webKnossos's mag literal: "2-2-1". */
export const magLiteral = (factor: Vec3): string => `${factor[0]}-${factor[1]}-${factor[2]}`

/** Reads "2-2-1" or the short "2"; undefined when it is neither or a component is not a positive integer. */
export function parseMag(text: string): Vec3 | undefined {
  const match = /^(\d{1,9})(?:-(\d{1,9})-(\d{1,9}))?$/.exec(text)
  if (!match) return undefined
  const x = Number(match[1])
  const factor: Vec3 = [x, Number(match[2] ?? x), Number(match[3] ?? x)]
  return factor.every((component) => component > 0) ? factor : undefined
}
