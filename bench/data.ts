/** Data for the HTTP benches: volumes put together from mirrored copies of a pattern; made once, kept in .bench. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writePyramid } from '../src/sample/write-tiff.ts'
import { writeWkwMag } from '../src/sample/write-wkw.ts'
import type { Vec3 } from '../src/volume/vec.ts'
import { labels, texture } from './texture.ts'

const PATTERN: Vec3 = [256, 256, 128]
export const COLOR_SIZE: Vec3 = [1024, 1024, 512]
export const LABEL_SIZE: Vec3 = [512, 512, 512]
export const PLANE = 8192
/** 1 GiB each. */
export const GIB_COLOR_SIZE: Vec3 = [1024, 1024, 1024]
export const GIB_LABEL_SIZE: Vec3 = [512, 512, 1024]

/** The folder with organization `bench`: `vol` (uint8), `seg` (uint32), `plane` (TIFF), and static files for nginx. */
export async function benchData(): Promise<string> {
  const folder = join(import.meta.dir, '../.bench/data')
  if (existsSync(folder)) return folder
  const making = `${folder}.tmp`
  await rm(making, { recursive: true, force: true })
  console.error('Making the data of the benches, once …')
  const color = texture(PATTERN)
  const segmentation = labels(PATTERN)
  await wkwDataset(making, 'vol', 'color', tiled(color, COLOR_SIZE), COLOR_SIZE)
  await wkwDataset(making, 'seg', 'segmentation', tiled(segmentation, LABEL_SIZE), LABEL_SIZE)
  await mkdir(join(making, 'bench/plane'), { recursive: true })
  const size: Vec3 = [PLANE, PLANE, 1]
  await writePyramid(join(making, 'bench/plane/color.tif'), [{ voxels: tiled(color, size), size }], 4)
  await mkdir(join(making, 'static'), { recursive: true })
  const noise = crypto.getRandomValues(new Uint8Array(32768))
  await writeFile(join(making, 'static/32k.bin'), noise)
  await writeFile(join(making, 'static/192k.bin'), Buffer.concat(Array.from({ length: 6 }, () => noise)))
  await rename(making, folder)
  return folder
}

/** The folder with organization `bench`: `vol` (uint8) and `seg` (uint32), whose only mags are 1 GiB each. */
export async function gibData(): Promise<string> {
  const folder = join(import.meta.dir, '../.bench/gib')
  if (existsSync(folder)) return folder
  const making = `${folder}.tmp`
  await rm(making, { recursive: true, force: true })
  console.error('Making two mags of 1 GiB, once …')
  const color = texture(PATTERN)
  const segmentation = labels(PATTERN)
  await wkwDataset(making, 'vol', 'color', tiled(color, GIB_COLOR_SIZE), GIB_COLOR_SIZE)
  await wkwDataset(making, 'seg', 'segmentation', tiled(segmentation, GIB_LABEL_SIZE), GIB_LABEL_SIZE)
  await rename(making, folder)
  return folder
}

export const sizeOnDisk = async (file: string): Promise<number> => (await stat(file)).size

/** By the reference library where `PYTHON` names an interpreter that has it, as webKnossos's own tools do it. */
async function wkwDataset(
  root: string,
  name: string,
  layer: 'color' | 'segmentation',
  voxels: Uint8Array | Uint32Array,
  size: Vec3,
): Promise<void> {
  const folder = join(root, 'bench', name)
  const mag = join(folder, layer, '1')
  const elementClass = layer === 'color' ? 'uint8' : 'uint32'
  const python = process.env['PYTHON']
  if (python) {
    await mkdir(join(folder, layer), { recursive: true })
    const writer = Bun.spawn([python, join(import.meta.dir, 'write_wkw.py'), mag, elementClass, ...size.map(String)], {
      stdin: new Blob([voxels as Uint8Array<ArrayBuffer>]),
      stdout: 'ignore',
      stderr: 'inherit',
    })
    if ((await writer.exited) !== 0) throw new Error('write_wkw.py failed')
  } else {
    console.error('PYTHON names no interpreter with wkw: our own writer packs less, and what it packs takes longer to unpack.')
    await writeWkwMag(mag, voxels, size)
  }
  await writeProperties(folder, name, layer, elementClass, size)
}

/** What webKnossos keeps beside a WKW dataset, of one layer with one mag. */
export async function writeProperties(
  folder: string,
  name: string,
  layer: 'color' | 'segmentation',
  elementClass: 'uint8' | 'uint32',
  size: Vec3,
): Promise<void> {
  const boundingBox = { topLeft: [0, 0, 0], width: size[0], height: size[1], depth: size[2] }
  const dataLayers = [{ name: layer, category: layer, elementClass, dataFormat: 'wkw', boundingBox, mags: [{ mag: 1 }] }]
  await writeFile(join(folder, 'datasource-properties.json'), JSON.stringify({ id: { name, team: 'bench' }, scale: [4, 4, 4], dataLayers }))
}

/** Copies of the pattern beside each other, every second one mirrored. */
export function tiled<T extends Uint8Array | Uint32Array>(pattern: T, size: Vec3): T {
  const out = new (pattern.constructor as new (length: number) => T)(size[0] * size[1] * size[2])
  const mirror = (at: number, edge: number) => (Math.floor(at / edge) % 2 ? edge - 1 - (at % edge) : at % edge)
  for (let z = 0, i = 0; z < size[2]; z++) {
    for (let y = 0; y < size[1]; y++) {
      const row = PATTERN[0] * (mirror(y, PATTERN[1]) + PATTERN[1] * mirror(z, PATTERN[2]))
      for (let x = 0; x < size[0]; x++) out[i++] = pattern[row + mirror(x, PATTERN[0])]!
    }
  }
  return out
}
