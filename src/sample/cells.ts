/**
 * A volume that looks a little like cells under an electron microscope: a Voronoi diagram of jittered seeds, grey inside, dark at the
 * membranes, with grain. Deterministic, so that what is written can be compared with what is served.
 */
import type { Vec3 } from '../volume/vec.ts'

/** Voxels from one seed to the next. */
const SPACING = 28
const MEMBRANE = 2.2

export interface Cells {
  readonly size: Vec3
  /** x fastest. */
  readonly color: Uint8Array
  readonly segmentation: Uint32Array
}

export function growCells(size: Vec3): Cells {
  const [nx, ny, nz] = size
  const color = new Uint8Array(nx * ny * nz)
  const segmentation = new Uint32Array(nx * ny * nz)
  const grid = [nx, ny, nz].map((edge) => Math.ceil(edge / SPACING) + 2) as [number, number, number]
  const seeds = seedsOf(grid)
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        const { cell, edge } = nearest(seeds, grid, x, y, z)
        const grain = (noise(x, y, z) - 0.5) * 26
        const body = 130 + (hash(cell * 7919) - 0.5) * 70 + 14 * Math.sin((x + y) / 11 + cell) * Math.cos(z / 7)
        const wall = edge < MEMBRANE ? 0.35 : 1
        color[i] = Math.max(1, Math.min(255, body * wall + grain))
        segmentation[i] = edge < MEMBRANE * 0.6 ? 0 : cell + 1
      }
    }
  }
  return { size, color, segmentation }
}

function seedsOf([gx, gy, gz]: readonly [number, number, number]): Float32Array {
  const seeds = new Float32Array(gx * gy * gz * 3)
  for (let z = 0, n = 0; z < gz; z++) {
    for (let y = 0; y < gy; y++) {
      for (let x = 0; x < gx; x++, n++) {
        seeds[3 * n] = (x - 1 + hash(3 * n)) * SPACING
        seeds[3 * n + 1] = (y - 1 + hash(3 * n + 1)) * SPACING
        seeds[3 * n + 2] = (z - 1 + hash(3 * n + 2)) * SPACING
      }
    }
  }
  return seeds
}

/** The nearest seed and how far the plane half way to the second nearest one is. */
function nearest(
  seeds: Float32Array,
  [gx, gy, gz]: readonly [number, number, number],
  x: number,
  y: number,
  z: number,
): { cell: number; edge: number } {
  const cx = Math.floor(x / SPACING) + 1
  const cy = Math.floor(y / SPACING) + 1
  const cz = Math.floor(z / SPACING) + 1
  let first = Number.POSITIVE_INFINITY
  let second = Number.POSITIVE_INFINITY
  let cell = 0
  for (let k = Math.max(0, cz - 1); k <= Math.min(gz - 1, cz + 1); k++) {
    for (let j = Math.max(0, cy - 1); j <= Math.min(gy - 1, cy + 1); j++) {
      for (let i = Math.max(0, cx - 1); i <= Math.min(gx - 1, cx + 1); i++) {
        const n = i + gx * (j + gy * k)
        const distance = (seeds[3 * n]! - x) ** 2 + (seeds[3 * n + 1]! - y) ** 2 + (seeds[3 * n + 2]! - z) ** 2
        if (distance < first) {
          second = first
          first = distance
          cell = n
        } else if (distance < second) second = distance
      }
    }
  }
  return { cell, edge: (Math.sqrt(second) - Math.sqrt(first)) / 2 }
}

/** 0 ≤ hash < 1, the same for the same number. */
function hash(n: number): number {
  let h = Math.imul(n ^ (n >>> 16), 0x45d9f3b)
  h = Math.imul(h ^ (h >>> 16), 0x45d9f3b)
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32
}

const noise = (x: number, y: number, z: number): number => hash(x + 4099 * y + 1_000_003 * z)

/** Half the size along the axes of `factor`; the mean of colours, the first voxel of labels. */
export function halve<T extends Uint8Array | Uint32Array>(voxels: T, size: Vec3, factor: Vec3, mean: boolean): { voxels: T; size: Vec3 } {
  const half: Vec3 = [Math.ceil(size[0] / factor[0]), Math.ceil(size[1] / factor[1]), Math.ceil(size[2] / factor[2])]
  const out = new (voxels.constructor as new (length: number) => T)(half[0] * half[1] * half[2])
  for (let z = 0, i = 0; z < half[2]; z++) {
    for (let y = 0; y < half[1]; y++) {
      for (let x = 0; x < half[0]; x++, i++)
        out[i] = mean ? meanAt(voxels, size, factor, x, y, z) : voxels[x * factor[0] + size[0] * (y * factor[1] + size[1] * z * factor[2])]!
    }
  }
  return { voxels: out, size: half }
}

function meanAt(voxels: Uint8Array | Uint32Array, size: Vec3, factor: Vec3, x: number, y: number, z: number): number {
  let sum = 0
  let count = 0
  for (let k = z * factor[2]; k < Math.min(size[2], (z + 1) * factor[2]); k++) {
    for (let j = y * factor[1]; j < Math.min(size[1], (y + 1) * factor[1]); j++) {
      for (let i = x * factor[0]; i < Math.min(size[0], (x + 1) * factor[0]); i++, count++) sum += voxels[i + size[0] * (j + size[1] * k)]!
    }
  }
  return Math.round(sum / count)
}
