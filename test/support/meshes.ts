/** The golden meshes in a folder of their own, with the colons their names have everywhere but on Windows. */
import { cpSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { GOLDEN } from './golden.ts'

export function copyMeshes(folder: string): string {
  const target = join(folder, 'meshes')
  cpSync(join(GOLDEN, 'data/meshes'), target, { recursive: true })
  const legacy = join(target, 'legacy/mesh')
  for (const name of readdirSync(legacy)) renameSync(join(legacy, name), join(legacy, name.replaceAll('%3A', ':')))
  return target
}

export interface MeshCase {
  readonly dataset: string
  readonly segment: string
  readonly lods: readonly {
    readonly triangles: number
    readonly min: readonly number[]
    readonly max: readonly number[]
    readonly mean: readonly number[]
    readonly meanSquare: readonly number[]
  }[]
}

/** What `MeshCase` says, of corners: 9 numbers per triangle. */
export function statisticsOf(corners: Float32Array) {
  const [min, max] = [
    [Infinity, Infinity, Infinity],
    [-Infinity, -Infinity, -Infinity],
  ]
  const [mean, meanSquare] = [
    [0, 0, 0],
    [0, 0, 0],
  ]
  const count = corners.length / 3
  for (const [n, value] of corners.entries()) {
    const d = n % 3
    min[d] = Math.min(min[d]!, value)
    max[d] = Math.max(max[d]!, value)
    mean[d]! += value / count
    meanSquare[d]! += value ** 2 / count
  }
  return { triangles: corners.length / 9, min, max, mean, meanSquare }
}

/** Corners out of binary STL. */
export function cornersOfStl(bytes: Uint8Array): Float32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = view.getUint32(80, true)
  if (bytes.length !== 84 + 50 * count) throw new Error(`${bytes.length} bytes of STL for ${count} triangles`)
  return Float32Array.from({ length: 9 * count }, (_, n) => view.getFloat32(84 + 50 * Math.floor(n / 9) + 12 + 4 * (n % 9), true))
}
