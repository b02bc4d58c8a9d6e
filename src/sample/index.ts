/** Something to look at for who has no data at hand: cells as WKW, a section as TIFF, and the public datasets of webknossos-connect. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Vec3 } from '../volume/vec.ts'
import { growCells, halve } from './cells.ts'
import { PUBLIC_DATASETS } from './public-datasets.ts'
import { writePyramid } from './write-tiff.ts'
import { writeWkwMag } from './write-wkw.ts'

const SIZE: Vec3 = [192, 192, 96]
const SECTION: Vec3 = [1500, 1000, 1]
const NM: Vec3 = [11.24, 11.24, 28]
const SECTION_NM = 4

/** Writes into `data` unless it has datasets already; returns what to tell the user. */
export async function writeSample(data: string): Promise<string[]> {
  await mkdir(data, { recursive: true })
  const present = (await readdir(data, { withFileTypes: true })).filter(({ name }) => !name.startsWith('.'))
  if (present.some((entry) => entry.isDirectory() || entry.isSymbolicLink() || /\.tiff?$|^datasets\.json$/i.test(entry.name))) return []
  const folder = join(data, 'binary', 'sample_organization')
  await writeCells(join(folder, 'cells'))
  await writeSection(join(folder, 'section'))
  const list = join(data, 'datasets.json')
  if (!existsSync(list)) await writeFile(list, `${JSON.stringify(PUBLIC_DATASETS, null, 2)}\n`)
  return [`Wrote sample data to ${folder}: cells (WKW) and section (TIFF)`]
}

async function writeCells(folder: string): Promise<void> {
  const { color, segmentation } = growCells(SIZE)
  const mags: Vec3[] = []
  let colors = { voxels: color, size: SIZE }
  let labels = { voxels: segmentation, size: SIZE }
  for (const mag of [1, 2, 4]) {
    if (mag > 1) {
      colors = halve(colors.voxels, colors.size, [2, 2, 2], true)
      labels = halve(labels.voxels, labels.size, [2, 2, 2], false)
    }
    await writeWkwMag(join(folder, 'color', String(mag)), colors.voxels, colors.size)
    await writeWkwMag(join(folder, 'segmentation', String(mag)), labels.voxels, labels.size)
    mags.push([mag, mag, mag])
  }
  const shared = {
    boundingBox: { topLeft: [0, 0, 0], width: SIZE[0], height: SIZE[1], depth: SIZE[2] },
    dataFormat: 'wkw',
    mags: mags.map((mag) => ({ mag })),
  }
  const properties = {
    id: { name: 'cells', team: 'sample_organization' },
    scale: { factor: NM, unit: 'nanometer' },
    dataLayers: [
      { name: 'color', category: 'color', elementClass: 'uint8', ...shared },
      {
        name: 'segmentation',
        category: 'segmentation',
        elementClass: 'uint32',
        largestSegmentId: segmentation.reduce((a, b) => Math.max(a, b), 0),
        ...shared,
      },
    ],
    version: 1,
  }
  await writeFile(join(folder, 'datasource-properties.json'), `${JSON.stringify(properties, null, 2)}\n`)
}

async function writeSection(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  const levels = [{ voxels: growCells(SECTION).color, size: SECTION }]
  while (Math.max(...levels.at(-1)!.size) > 256) {
    const { voxels, size } = levels.at(-1)!
    // a level is the plain half, as every writer of pyramids rounds
    levels.push(halve(voxels, size, [2, 2, 1], true))
  }
  await writePyramid(join(folder, 'color.tif'), levels, SECTION_NM)
}
