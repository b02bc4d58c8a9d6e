/** The volumes of bench/matrix.ts: 64 MiB of voxels in every format, near on the disk and far behind bench/far.ts. Made once, kept in .bench. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Vec3 } from '../src/volume/vec.ts'
import { tiled, writeProperties } from './data.ts'
import { labels, texture } from './texture.ts'

export interface Volume {
  readonly name: string
  readonly layer: 'color' | 'segmentation'
  readonly size: Vec3
  readonly voxelBytes: number
  readonly says: string
}

const color = { layer: 'color', size: [512, 512, 256], voxelBytes: 1 } as const
const plane = { layer: 'color', size: [8192, 8192, 1], voxelBytes: 1 } as const
const segmentation = { layer: 'segmentation', size: [256, 256, 256], voxelBytes: 4 } as const

export const VOLUMES: readonly Volume[] = [
  { name: 'wkw-lz4', says: 'WKW uint8, LZ4', ...color },
  { name: 'wkw-labels', says: 'WKW uint32 segmentation, LZ4', ...segmentation },
  { name: 'wkw-raw', says: 'WKW uint8, uncompressed', ...color },
  { name: 'tiff-raw', says: 'TIFF, 256² tiles, uncompressed', ...plane },
  { name: 'tiff-lzw', says: 'TIFF, 256² tiles, LZW', ...plane },
  { name: 'tiff-jpeg', says: 'TIFF, 256² tiles, JPEG', ...plane },
  { name: 'precomputed-raw', says: 'Precomputed uint8, 64³ chunks, raw', ...color },
  { name: 'precomputed-jpeg', says: 'Precomputed uint8, 64³ chunks, jpeg', ...color },
  { name: 'precomputed-cseg', says: 'Precomputed uint32, 64³ chunks, compressed_segmentation', ...segmentation },
  { name: 'precomputed-sharded', says: 'Precomputed uint8, 64³ chunks, raw and gzip in shards', ...color },
]

const PATTERN: Vec3 = [256, 256, 128]

/** The folder of all volumes; undefined where `PYTHON` names no interpreter with the writers. */
export async function matrixData(): Promise<string | undefined> {
  const folder = join(import.meta.dir, '../.bench/matrix')
  if (existsSync(folder)) return folder
  const python = process.env['PYTHON']
  if (!python) return undefined
  console.error('Making a volume of each format, once …')
  const making = `${folder}.tmp`
  await rm(making, { recursive: true, force: true })
  await mkdir(join(making, 'voxels'), { recursive: true })
  const grey = texture(PATTERN)
  await writeFile(join(making, 'voxels/color.bin'), tiled(grey, color.size))
  await writeFile(join(making, 'voxels/plane.bin'), tiled(grey, plane.size))
  await writeFile(join(making, 'voxels/labels.bin'), tiled(labels(PATTERN), segmentation.size))
  const writer = Bun.spawnSync([python, join(import.meta.dir, 'matrix.py'), making], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (writer.exitCode !== 0) throw new Error('matrix.py failed')
  await rm(join(making, 'voxels'), { recursive: true })
  for (const { name, layer, size, voxelBytes } of VOLUMES) {
    if (!name.startsWith('wkw')) continue
    await writeProperties(join(making, name), name, layer, voxelBytes === 1 ? 'uint8' : 'uint32', size)
  }
  await rename(making, folder)
  return folder
}

/** A data folder that lists each volume twice, as `near-NAME` and, behind `url`, as `far-NAME`. */
export async function listVolumes(folder: string, url: string, listing: string): Promise<void> {
  const list: Record<string, { bench: Record<string, unknown> }> = { wkw: { bench: {} }, tiff: { bench: {} }, neuroglancer: { bench: {} } }
  for (const { name, layer } of VOLUMES) {
    for (const [where, root] of [
      ['near', folder],
      ['far', url],
    ] as const) {
      const entry = `${where}-${name}`
      const type = layer === 'color' ? 'image' : 'segmentation'
      if (name.startsWith('wkw')) list['wkw']!.bench[entry] = { path: `${root}/${name}` }
      else if (name.startsWith('tiff')) list['tiff']!.bench[entry] = { path: `${root}/${name}/color.tif`, scale: [4, 4, 4] }
      else list['neuroglancer']!.bench[entry] = { layers: { [layer]: { source: `${root}/${name}`, type } } }
    }
  }
  await mkdir(listing, { recursive: true })
  await writeFile(join(listing, 'datasets.json'), JSON.stringify(list, undefined, 2))
}
