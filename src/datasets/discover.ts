/** Finds the datasets of a folder without any configuration. The rules, with examples: docs/datasets.md. */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { ImageLayer } from '../formats/format.ts'
import { uniqueName } from '../formats/layer.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { FileStore } from '../stores/file.ts'
import type { FileHandles } from '../stores/handles.ts'
import { Patience } from '../stores/patience.ts'
import { messageOf } from '../volume/errors.ts'
import { type FolderKind, imagesBelow, kindOf, type Listing, layerFiles, listFolder } from './folders.ts'
import type { FoundDataset } from './found.ts'
import { fingerprintOf, groupByRole, imageLayers } from './images.ts'
import { mapLimit } from './map-limit.ts'
import { versionOfInfos } from './sources.ts'
import { stemOf } from './stacks.ts'

export interface Discovery {
  readonly datasets: FoundDataset[]
  /** Said once in the summary: folders that were not taken, and why. */
  readonly notes: string[]
  /** Links at the level of organizations that lead out. */
  readonly refused: { readonly path: string; readonly target: string }[]
  /** Organizations whose folder could not be read, or all of them: nothing says that their datasets are gone. */
  readonly lost: 'all' | readonly string[]
}

export interface DiscoverOptions {
  /** Organization of datasets that lie in none. */
  readonly organization: string
  readonly allowed: AllowedFolders
  readonly handles: FileHandles
  /** The path was given by itself, and is not the data folder: folders with an info in it are its layers, not datasets. */
  readonly isArgument?: boolean
  /** How long a folder may take to be listed. */
  readonly patience?: Patience
}

const PARALLEL_FOLDERS = 16
const NOTHING: Discovery = { datasets: [], notes: [], refused: [], lost: [] }

/** Looks through a data folder, or a folder or file given as an argument. Never throws: what cannot be read is a note. */
export async function discover(path: string, options: DiscoverOptions): Promise<Discovery> {
  const { patience = new Patience() } = options
  try {
    const [root, isFile] = await patience.wait(path, path, async () => {
      const real = await realpath(path)
      return [real, (await stat(real)).isFile()] as const
    })
    const within = { ...options, allowed: options.allowed.and(root) }
    if (isFile) return { ...NOTHING, datasets: [await fileDataset(path, root, options)] }
    return await discoverFolder(path, root, within)
  } catch (error) {
    return { ...NOTHING, notes: [`${path} cannot be read: ${messageOf(error)}`], lost: 'all' }
  }
}

async function fileDataset(path: string, root: string, { organization }: DiscoverOptions): Promise<FoundDataset> {
  const images = [{ name: stemOf(basename(path)), slices: [{ key: basename(root), z: 0 }] }]
  const folder = dirname(root)
  return {
    organization,
    name: stemOf(basename(path)),
    descriptor: { format: 'tiff', folder, root, images },
    rule: `file ${path}`,
    fingerprint: await fingerprintOf(folder, images),
  }
}

async function discoverFolder(path: string, root: string, options: DiscoverOptions): Promise<Discovery> {
  const { organization, allowed, patience } = options
  const listing = await (patience ?? new Patience()).wait(path, path, () => listFolder(root, allowed, patience))
  const kind = await kindOf(root, listing, allowed, patience, options.isArgument)
  if (kind !== undefined && kind !== 'images') {
    return { ...NOTHING, datasets: [await folderDataset(root, root, organization, basename(root), kind, listing, options)] }
  }
  const hasBinary = listing.folders.includes('binary')
  const top = hasBinary ? join(root, 'binary') : root
  const shown = hasBinary ? join(path, 'binary') : path
  const topListing = hasBinary ? await listFolder(top, allowed, patience) : listing
  const loose = layerFiles(topListing)
  const datasets = loose.length > 0 ? await looseImages(top, root, basename(resolve(path)), loose, options) : []
  const notes: string[] = []
  const refused = topListing.refused.map(({ name, target }) => ({ path: join(shown, name), target }))
  const below = await mapLimit(topListing.folders, PARALLEL_FOLDERS, (name) =>
    firstLevel(join(top, name), root, name, join(shown, name), options),
  )
  for (const found of below) {
    datasets.push(...found.datasets)
    notes.push(...found.notes)
  }
  return { datasets, notes, refused, lost: topListing.folders.filter((_, n) => below[n]!.lost === 'all') }
}

/** A folder directly below the data folder: a dataset if it holds one's files, else an organization. */
async function firstLevel(folder: string, root: string, name: string, shown: string, options: DiscoverOptions): Promise<Discovery> {
  const { allowed, patience = new Patience() } = options
  try {
    const listing = await patience.wait(folder, folder, () => listFolder(folder, allowed, patience))
    const kind = await kindOf(folder, listing, allowed, patience)
    if (kind) return { ...NOTHING, datasets: [await folderDataset(folder, root, options.organization, name, kind, listing, options)] }
    const notes: string[] = []
    const refused = (dataset: string, path: string, target: string): FoundDataset => ({
      organization: name,
      name: dataset,
      reason: `${path} leads to ${target}, outside the data folder: add --allow-path ${dirname(target)} to serve it`,
      leadsTo: target,
      rule: 'link',
      fingerprint: target,
    })
    const silent = (dataset: string, reason: string): FoundDataset => ({
      organization: name,
      name: dataset,
      reason,
      lost: true,
      rule: 'folder',
      fingerprint: 'silent',
    })
    const datasets = [
      ...listing.refused.map((link) => refused(link.name, join(shown, link.name), link.target)),
      ...listing.silent.map((link) => silent(link.name, link.reason)),
    ]
    const lookInto = async (dataset: string): Promise<FoundDataset | undefined> => {
      const at = join(folder, dataset)
      const inside = await listFolder(at, options.allowed)
      const insideKind = await kindOf(at, inside, options.allowed, patience, true)
      if (insideKind) return folderDataset(at, root, name, dataset, insideKind, inside, options)
      const link = inside.refused[0]
      if (link) return refused(dataset, join(shown, dataset, link.name), link.target)
      const images = await imagesBelow(at, inside, options.allowed)
      if (images > 0)
        notes.push(`${join(shown, dataset)} holds ${images} images but was not taken: a dataset folder has its .tif files directly in it`)
      return undefined
    }
    const found = await mapLimit(listing.folders, PARALLEL_FOLDERS, (dataset) => {
      const at = join(folder, dataset)
      return patience.wait(at, at, () => lookInto(dataset)).catch((error) => silent(dataset, messageOf(error)))
    })
    return { ...NOTHING, datasets: [...datasets, ...found.filter((dataset) => dataset !== undefined)], notes }
  } catch (error) {
    return { ...NOTHING, notes: [`${shown} cannot be read: ${messageOf(error)}`], lost: 'all' }
  }
}

async function folderDataset(
  folder: string,
  root: string,
  organization: string,
  name: string,
  kind: NonNullable<FolderKind>,
  listing: Listing,
  options: DiscoverOptions,
): Promise<FoundDataset> {
  if (kind === 'precomputed' || kind === 'precomputed-layers') {
    return {
      organization,
      name,
      descriptor: { format: 'neuroglancer', folder, root },
      rule: kind === 'precomputed' ? 'info file' : '<layer>/info files',
      fingerprint: await versionOfInfos(folder, kind === 'precomputed' ? [] : listing.folders),
    }
  }
  if (kind === 'images') {
    const store = new FileStore(folder, options.handles, options.allowed)
    const images = await imageLayers(store, layerFiles(listing), name)
    return imageDataset(folder, root, organization, name, images, 'TIFF files, each a layer')
  }
  const stats = await stat(join(folder, kind === 'properties' ? 'datasource-properties.json' : '.'))
  const rule = kind === 'properties' ? 'datasource-properties.json' : '<layer>/<mag>/header.wkw'
  return {
    organization,
    name,
    descriptor: { format: 'wkw', folder, root },
    rule,
    fingerprint: `${stats.ino} ${stats.mtimeMs} ${stats.size}`,
  }
}

async function imageDataset(
  folder: string,
  root: string,
  organization: string,
  name: string,
  images: readonly ImageLayer[],
  rule: string,
): Promise<FoundDataset> {
  return {
    organization,
    name,
    descriptor: { format: 'tiff', folder, root, images },
    rule,
    fingerprint: await fingerprintOf(folder, images),
  }
}

/** TIFFs that lie directly in the data folder: each a dataset, but color and segmentation of one volume are one. */
async function looseImages(
  folder: string,
  root: string,
  folderName: string,
  names: readonly string[],
  options: DiscoverOptions,
): Promise<FoundDataset[]> {
  const { organization } = options
  const store = new FileStore(folder, options.handles, options.allowed)
  const { together, alone } = await groupByRole(store, await imageLayers(store, names, folderName))
  const taken = new Set<string>()
  const datasets: FoundDataset[] = []
  for (const layers of together) {
    datasets.push(
      await imageDataset(
        folder,
        root,
        organization,
        uniqueName(folderName, taken),
        layers,
        'TIFF files of equal extent, the layers of one dataset',
      ),
    )
  }
  for (const layer of alone) {
    datasets.push(
      await imageDataset(
        folder,
        root,
        organization,
        uniqueName(layer.name, taken),
        [layer],
        layer.slices.length > 1 ? 'image files, a z-stack' : 'TIFF file',
      ),
    )
  }
  return datasets
}
