/** What lies in a folder, as far as finding datasets goes. */
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isPicture } from '../formats/tiff/picture.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import { Patience } from '../stores/patience.ts'
import { messageOf } from '../volume/errors.ts'
import { parseMag } from '../volume/vec.ts'
import { mapLimit } from './map-limit.ts'
import { findStacks } from './stacks.ts'

export interface Listing {
  readonly files: readonly string[]
  readonly folders: readonly string[]
  /** Links that lead out of the folders that may be read. */
  readonly refused: readonly { readonly name: string; readonly target: string }[]
  /** Links to what does not answer. */
  readonly silent: readonly { readonly name: string; readonly reason: string }[]
}

/** Litter of file managers, NAS boxes and writers that have not finished. */
const IGNORED = /^(\..*|@eaDir|#recycle|Thumbs\.db|.*\.tmp|.*\.wkw_tmp)$/i

/** Names a TIFF may have; what it is its content says. */
export const isTiffName = (name: string): boolean => /\.(tiff?|btf|tf[28]|svs|ndpi|scn|stk|lsm|qptiff)$/i.test(name)
const isImageName = (name: string): boolean =>
  isTiffName(name) || /\.(png|jpe?g|bmp|gif|webp|jp2|jxl|czi|lif|nd2|dm[34]|mrc|h5|nii)$/i.test(name)

/**
 * The files of a folder that layers are made of: TIFFs and what describes them. Pictures (PNG, JPEG) only where there is nothing else
 * and their names make a stack: in most folders they are previews and figures.
 */
export function layerFiles({ files, folders }: Pick<Listing, 'files' | 'folders'>): string[] {
  const tiffs = files.filter((name) => isTiffName(name) || /\.companion\.ome$/i.test(name))
  if (tiffs.some(isTiffName)) return tiffs
  const pictures = files.filter(isPicture)
  return folders.length === 0 && findStacks(pictures).stacks.length > 0 ? pictures : []
}

/** Lists a folder, sorted by name. Entries that vanish meanwhile and everything that is no file or folder are left out. */
export async function listFolder(folder: string, allowed: AllowedFolders, patience = new Patience()): Promise<Listing> {
  const entries = await readdir(folder, { withFileTypes: true })
  const files: string[] = []
  const folders: string[] = []
  const refused: { name: string; target: string }[] = []
  const silent: { name: string; reason: string }[] = []
  const followed = await mapLimit(
    entries.filter((entry) => entry.isSymbolicLink() && !IGNORED.test(entry.name)),
    16,
    async ({ name }) => [name, await follow(join(folder, name), patience)] as const,
  )
  const links = new Map(followed)
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (IGNORED.test(entry.name)) continue
    if (!entry.isSymbolicLink()) {
      if (entry.isDirectory()) folders.push(entry.name)
      else if (entry.isFile()) files.push(entry.name)
      continue
    }
    const link = links.get(entry.name)
    if (!link) continue
    if ('reason' in link) silent.push({ name: entry.name, reason: link.reason })
    else if (!allowed.includes(link.target)) refused.push({ name: entry.name, target: link.target })
    else if (link.isFolder) folders.push(entry.name)
    else files.push(entry.name)
  }
  return { files, folders, refused, silent }
}

/** Where a link leads; undefined where there is neither file nor folder, a reason where that does not answer. */
async function follow(path: string, patience: Patience): Promise<{ target: string; isFolder: boolean } | { reason: string } | undefined> {
  try {
    return await patience.wait(path, path, async () => {
      const target = await realpath(path).catch(() => undefined)
      const stats = target === undefined ? undefined : await stat(target).catch(() => undefined)
      return target !== undefined && (stats?.isDirectory() || stats?.isFile()) ? { target, isFolder: stats.isDirectory() } : undefined
    })
  } catch (error) {
    return { reason: messageOf(error) }
  }
}

export type FolderKind = 'properties' | 'precomputed' | 'precomputed-layers' | 'wkw' | 'images' | undefined

/**
 * What kind of dataset a folder is, if any. Images are what is looked at last. A folder below that does not answer is no layer.
 * `mayHoldInfos`: whether folders below with an info are its layers, and not datasets of their own.
 */
export async function kindOf(
  folder: string,
  listing: Listing,
  allowed: AllowedFolders,
  patience = new Patience(),
  mayHoldInfos = false,
): Promise<FolderKind> {
  if (listing.files.includes('datasource-properties.json')) return 'properties'
  if (listing.files.includes('info')) return 'precomputed'
  const layers = await mapLimit(listing.folders, 16, (name) => {
    const layer = join(folder, name)
    return patience.wait(layer, layer, () => hasWkwMag(layer, allowed)).catch(() => false)
  })
  if (layers.includes(true)) return 'wkw'
  if (mayHoldInfos) {
    const infos = await mapLimit(listing.folders, 16, (name) => {
      const layer = join(folder, name)
      return patience.wait(layer, layer, () => hasInfo(layer, allowed)).catch(() => false)
    })
    if (infos.includes(true)) return 'precomputed-layers'
  }
  return layerFiles(listing).length > 0 ? 'images' : undefined
}

async function hasInfo(layer: string, allowed: AllowedFolders): Promise<boolean> {
  const info = await realpath(join(layer, 'info')).catch(() => undefined)
  return info !== undefined && allowed.includes(info) && (await stat(info)).isFile()
}

async function hasWkwMag(layer: string, allowed: AllowedFolders): Promise<boolean> {
  const listing = await listFolder(layer, allowed).catch(() => undefined)
  for (const name of listing?.folders ?? []) {
    if (!parseMag(name)) continue
    const header = await stat(join(layer, name, 'header.wkw')).catch(() => undefined)
    if (header?.isFile()) return true
  }
  return false
}

/** Images of any kind in the folder or directly below: worth a word in the summary when nothing was made of them. */
export async function imagesBelow(folder: string, listing: Listing, allowed: AllowedFolders): Promise<number> {
  let count = listing.files.filter(isImageName).length
  for (const name of listing.folders.slice(0, 100)) {
    const below = await listFolder(join(folder, name), allowed).catch(() => undefined)
    count += below?.files.filter(isImageName).length ?? 0
  }
  return count
}
