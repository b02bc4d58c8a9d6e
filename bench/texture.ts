/**
 * Voxels that pack as well as those of real volumes do: LZ4 halves denoised, quantised electron microscopy and leaves a thirtieth to an
 * eightieth of labels. Periodic and always the same.
 */
import type { Vec3 } from '../src/volume/vec.ts'

const STEP = 12
/** Voxels from one lattice point to the next, and how much each of the three fields counts. */
const OCTAVES = [
  [4, 0.6],
  [16, 1],
  [32, 0.8],
] as const
const CELL = 32

/** uint8, x fastest; the size a multiple of 32. */
export function texture(size: Vec3): Uint8Array {
  const field = new Float32Array(size[0] * size[1] * size[2])
  for (const [spacing, gain] of OCTAVES) addNoise(field, size, spacing, gain)
  const random = numbers(3)
  return Uint8Array.from(field, (value) => {
    const grey = Math.round((128 + 55 * value) / STEP) * STEP
    return Math.max(0, Math.min(252, grey + (random() < 0.1 ? Math.floor(4 * random()) : 0)))
  })
}

/** Random values at the points of a lattice, smooth in between. */
function addNoise(field: Float32Array, [nx, ny, nz]: Vec3, spacing: number, gain: number): void {
  const [lx, ly, lz] = [nx / spacing, ny / spacing, nz / spacing]
  const random = numbers(spacing)
  const lattice = Float32Array.from({ length: lx * ly * lz }, () => 2 * random() - 1)
  const fade = Float32Array.from({ length: spacing }, (_, n) => (n / spacing) ** 2 * (3 - (2 * n) / spacing))
  const line = new Float32Array(lx)
  for (let z = 0, i = 0; z < nz; z++) {
    const [z0, z1] = [Math.floor(z / spacing), (Math.floor(z / spacing) + 1) % lz]
    for (let y = 0; y < ny; y++) {
      const [y0, y1] = [Math.floor(y / spacing), (Math.floor(y / spacing) + 1) % ly]
      const [fy, fz] = [fade[y % spacing]!, fade[z % spacing]!]
      const at = (x: number, row: number, plane: number) => lattice[x + lx * (row + ly * plane)]!
      for (let x = 0; x < lx; x++) line[x] = mix(mix(at(x, y0, z0), at(x, y1, z0), fy), mix(at(x, y0, z1), at(x, y1, z1), fy), fz)
      for (let x = 0; x < nx; x++, i++)
        field[i]! += gain * mix(line[Math.floor(x / spacing)]!, line[(Math.floor(x / spacing) + 1) % lx]!, fade[x % spacing]!)
    }
  }
}

const mix = (a: number, b: number, part: number): number => a + (b - a) * part

/** uint32, x fastest: the cells of a jittered grid, in steps of two voxels, every eleventh without a label. */
export function labels([nx, ny, nz]: Vec3): Uint32Array {
  const grid: Vec3 = [nx / CELL, ny / CELL, nz / CELL]
  const random = numbers(5)
  const seeds = Array.from({ length: grid[0] * grid[1] * grid[2] }, () => [random(), random(), random()] as const)
  const out = new Uint32Array(nx * ny * nz)
  for (let z = 0; z < nz; z += 2) {
    for (let y = 0; y < ny; y += 2) {
      for (let x = 0; x < nx; x += 2) {
        const cell = nearest(seeds, grid, [x / CELL, y / CELL, z / CELL])
        const label = cell % 11 === 0 ? 0 : (cell + 1) * 65537
        for (let n = 0; n < 8; n++) out[x + (n & 1) + nx * (y + ((n >> 1) & 1) + ny * (z + (n >> 2)))] = label
      }
    }
  }
  return out
}

function nearest(seeds: readonly Vec3[], [gx, gy, gz]: Vec3, [x, y, z]: Vec3): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let dz = -1; dz <= 1; dz++) {
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const [cx, cy, cz] = [Math.floor(x) + dx, Math.floor(y) + dy, Math.floor(z) + dz]
        const cell = wrap(cx, gx) + gx * (wrap(cy, gy) + gy * wrap(cz, gz))
        const seed = seeds[cell]!
        const distance = (cx + seed[0] - x) ** 2 + (cy + seed[1] - y) ** 2 + (cz + seed[2] - z) ** 2
        if (distance < least) [least, best] = [distance, cell]
      }
    }
  }
  return best
}

const wrap = (n: number, length: number): number => (n + length) % length

/** From 0 to 1. Park and Miller's minimal standard generator. */
function numbers(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 0x7fffffff) / 0x7fffffff
}
