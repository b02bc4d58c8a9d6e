/** From OME-XML to where each plane lies: TiffData with and without IFD, in one file or in a set of files of one folder. */
import { Unusable } from '../../../volume/errors.ts'
import { dimsOfImage, type Ome, type OmeImage, type TiffData } from './ome.ts'
import { countOf, planeNumber, relabel, type Series } from './series.ts'

export interface OmeSource {
  /** The name of the file the XML is in; undefined where that has no pages. */
  readonly ownName: string | undefined
  /** Pages of that file. */
  readonly ownPages: number
  /** The folder it lies in, as the beginning of keys. */
  readonly folder: string
  /** Names of the files of the folder; undefined where it cannot be listed. */
  readonly present: ReadonlySet<string> | undefined
  /** Samples of a pixel of the first page. */
  readonly samples: number
}

const MAX_PLANES = 4e6

/** Throws `Unusable` where a file is named that lies elsewhere, or no plane is there. */
export function omeSeries(ome: Ome, image: OmeImage, source: OmeSource, axes: string | undefined): Series {
  const { samples } = source
  const perPixel =
    image.samples !== undefined && image.samples > 1 ? image.samples : samples > 1 && image.sizeC % samples === 0 ? samples : 1
  const stated = dimsOfImage(image, perPixel)
  const planes = stated.reduce((product, { size }) => product * size, 1)
  if (planes > MAX_PLANES) throw new Unusable(`its OME-XML claims ${planes} planes`)
  const table = planeTable(ome, image, planeNumber(stated), planes, source)
  const first = table.pages.findIndex((page) => page >= 0)
  if (first < 0) throw new Unusable(`none of the ${planes} planes its OME-XML names is there`)
  const dims = relabel(stated, axes)
  const number = planeNumber(dims)
  const addressOf = (n: number) => ({ file: table.files[table.fileOf[n]!], page: table.pages[n]!, behind: 0 })
  const shown = countOf(dims, 'C')
  const absent = table.pages.reduce((count, page) => count + Number(page < 0), 0)
  return {
    source: 'OME',
    depth: countOf(dims, 'Z'),
    channels: Array.from({ length: shown }, (_, n) => image.channels[n] ?? {}),
    times: countOf(dims, 'T'),
    planeOf: (z, c, t) => {
      const n = number(z, c, t)
      return table.pages[n]! >= 0 ? addressOf(n) : undefined
    },
    first: addressOf(first),
    voxelSize: image.voxelSize,
    notes: [
      ...(absent > 0 ? [`${absent} of ${planes} planes are not there: empty`] : []),
      ...(table.missing.size > 0
        ? [
            `${table.missing.size} files of the set are missing, or not in the folder that was given: ${[...table.missing].slice(0, 3).join(', ')}`,
          ]
        : []),
    ],
  }
}

interface PlaneTable {
  /** −1 where nothing is stored. */
  readonly pages: Int32Array
  readonly fileOf: Uint32Array
  /** Keys; undefined for the file itself. */
  readonly files: readonly (string | undefined)[]
  readonly missing: ReadonlySet<string>
}

function planeTable(
  ome: Ome,
  { blocks }: OmeImage,
  number: (z: number, c: number, t: number) => number,
  planes: number,
  source: OmeSource,
): PlaneTable {
  const pages = new Int32Array(planes).fill(-1)
  const fileOf = new Uint32Array(planes)
  const files: (string | undefined)[] = [undefined]
  const missing = new Set<string>()
  const indices = new Map<string, number>()
  const isOwn = ownBlocks(ome, blocks, source)
  const all: readonly TiffData[] =
    blocks.length > 0 ? blocks : [{ file: undefined, uuid: undefined, page: undefined, count: undefined, z: 0, c: 0, t: 0 }]
  for (const block of all) {
    const own = isOwn(block)
    if (!own) checkName(block.file!)
    if (!own && source.present && !source.present.has(block.file!)) {
      missing.add(block.file!)
      continue
    }
    let file = 0
    if (!own) {
      const known = indices.get(block.file!)
      file = known ?? files.push(`${source.folder}${block.file}`) - 1
      indices.set(block.file!, file)
    }
    // a block without numbers stands for all planes, but in a set for one
    const count = block.count ?? (block.page !== undefined || (!own && blocks.length > 1) ? 1 : planes)
    const start = number(block.z, block.c, block.t)
    const page = block.page ?? 0
    for (let i = 0; i < count && start + i < planes && (!own || page + i < source.ownPages); i++) {
      pages[start + i] = page + i
      fileOf[start + i] = file
    }
  }
  return { pages, fileOf, files, missing }
}

/** Whether a block means the file the XML is in: it says so, or says nothing, or names one file only, which was renamed since. */
function ownBlocks(ome: Ome, blocks: readonly TiffData[], { ownName, present }: OmeSource): (block: TiffData) => boolean {
  const names = new Set(blocks.map(({ file }) => file))
  return ({ file, uuid }) => {
    if (file === undefined || (ownName !== undefined && (file === ownName || (uuid !== undefined && uuid === ome.uuid)))) return true
    return ownName !== undefined && names.size === 1 && !(present?.has(file) ?? false)
  }
}

/** Names become keys of the folder, so they must not lead out of it. */
export const isPlainName = (name: string): boolean => name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name)

function checkName(name: string): void {
  if (!isPlainName(name))
    throw new Unusable(`its OME-XML names the file ${JSON.stringify(name.slice(0, 200))}, which is not in its own folder`)
}

/** Names of the other files the XML speaks of, as far as they are plain names. */
export function omeMembers({ images, companion }: Ome): string[] {
  const names = images.flatMap(({ blocks }) => blocks.flatMap(({ file }) => (file === undefined ? [] : [file])))
  return [...new Set([...names, ...(companion === undefined ? [] : [companion])])].filter(isPlainName)
}
