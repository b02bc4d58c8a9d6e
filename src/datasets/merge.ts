/** Puts together what discovery found and what datasets.json says. Where both name a dataset they are one, and the entry's keys win. */
import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import type { ImageLayer } from '../formats/format.ts'
import { AllowedFolders } from '../stores/allowed.ts'
import { FileStore } from '../stores/file.ts'
import type { FileHandles } from '../stores/handles.ts'
import { isRemoteSource } from '../stores/source.ts'
import { messageOf } from '../volume/errors.ts'
import { bossEntry } from './boss-entry.ts'
import { configuredLayers } from './configured-layers.ts'
import type { DatasetEntry, Entries } from './entries.ts'
import { layerFiles, listFolder } from './folders.ts'
import { type FoundDataset, keyOf } from './found.ts'
import { fingerprintOf, imageLayers } from './images.ts'
import { remoteEntry } from './remote-entry.ts'
import { configOfFolder, sourcesDataset, versionOfInfos } from './sources.ts'
import { stemOf } from './stacks.ts'

export interface Merged {
  readonly datasets: FoundDataset[]
  readonly notes: string[]
}

/** `found` in order of precedence: of two of the same name the first one counts, and the other is said. */
export async function mergeEntries(
  found: readonly FoundDataset[],
  entries: Entries,
  dataFolder: string,
  handles: FileHandles,
): Promise<Merged> {
  const datasets = new Map<string, FoundDataset>()
  const notes: string[] = []
  for (const dataset of found) {
    const key = keyOf(dataset.organization, dataset.name)
    const first = datasets.get(key)
    if (first)
      notes.push(
        `${key} is there twice; served from ${first.descriptor?.folder ?? first.rule}, not from ${dataset.descriptor?.folder ?? dataset.rule}`,
      )
    else datasets.set(key, dataset)
  }
  for (const entry of entries.usable) {
    const key = keyOf(entry.organization, entry.name)
    datasets.set(key, marked(await applyEntry(entry, datasets.get(key), dataFolder, handles), entry))
  }
  for (const { organization, name, reason } of entries.unusable) {
    const key = keyOf(organization, name)
    if (!datasets.has(key)) datasets.set(key, { organization, name, reason, rule: 'datasets.json', fingerprint: reason })
    else notes.push(`${key}: ${reason}; served from its folder instead`)
  }
  return { datasets: [...datasets.values()], notes }
}

/** What a stranger wrote stays known as that. */
const marked = (found: FoundDataset, { addedOverHttp }: DatasetEntry): FoundDataset =>
  addedOverHttp && found.descriptor ? { ...found, descriptor: { ...found.descriptor, addedOverHttp } } : found

/** A Precomputed volume named by its path: one layer, called as its folder. */
function asSource(entry: DatasetEntry, path: string): DatasetEntry {
  const layer = new URL(path.replace(/^precomputed:\/\//, '')).pathname.split('/').findLast((part) => part !== '') ?? entry.name
  return { ...entry, path: undefined, config: { ...entry.config, layers: { [layer]: { source: path } } } }
}

async function applyEntry(
  entry: DatasetEntry,
  found: FoundDataset | undefined,
  dataFolder: string,
  handles: FileHandles,
): Promise<FoundDataset> {
  const { organization, name, backend, scale } = entry
  const bad = (reason: string): FoundDataset => ({ organization, name, reason, rule: 'datasets.json', fingerprint: reason })
  if (backend === 'boss') return bossEntry(entry)
  if (entry.config?.layers) return sourcesDataset(entry, dataFolder, handles)
  const fingerprint = `${found?.fingerprint} ${JSON.stringify(entry)}`
  if (entry.path === undefined) {
    if (!found)
      return bad(`datasets.json names it, but there is no folder ${organization}/${name} in ${dataFolder}, and the entry has no path`)
    const rule = `${found.rule}, and datasets.json`
    if (found.descriptor?.format !== 'tiff' || backend !== 'tiff') {
      if (!found.descriptor || found.descriptor.format === backend)
        return { ...found, descriptor: found.descriptor && { ...found.descriptor, scale, config: entry.written }, rule, fingerprint }
    } else {
      const { folder, root, images = [] } = found.descriptor
      const store = new FileStore(folder, handles, await AllowedFolders.of([root]))
      try {
        const layers = await configuredLayers(entry.written, async () => images, store)
        const files = layers === images ? '' : ` ${await fingerprintOf(folder, layers)}`
        return {
          ...found,
          descriptor: { ...found.descriptor, images: layers, scale, config: entry.written },
          rule,
          fingerprint: fingerprint + files,
        }
      } catch (error) {
        return bad(messageOf(error))
      }
    }
  }
  if (entry.path !== undefined && isRemoteSource(entry.path))
    return backend === 'neuroglancer' ? sourcesDataset(asSource(entry, entry.path), dataFolder, handles) : remoteEntry(entry, entry.path)
  const path = entry.path === undefined ? found!.descriptor!.folder : resolve(dataFolder, entry.path)
  try {
    const [root, isFile] = await handles.patience.wait(path, path, async () => {
      const real = await realpath(path)
      return [real, (await stat(real)).isFile()] as const
    })
    const folder = isFile ? dirname(root) : root
    const place = { organization, name, rule: `datasets.json, ${path}` }
    if (backend === 'neuroglancer') {
      if (isFile) return bad(`${path} is a file, a Precomputed dataset is a folder`)
      const { folders } = await listFolder(root, await AllowedFolders.of([root]))
      const descriptor = { format: backend, folder, root, scale, config: await configOfFolder(path, root) }
      return { ...place, descriptor, fingerprint: `${fingerprint} ${await versionOfInfos(root, folders)}` }
    }
    if (backend === 'wkw') {
      if (isFile) return bad(`${path} is a file, a WKW dataset is a folder`)
      return {
        ...place,
        descriptor: { format: 'wkw', folder, root, scale, config: entry.written },
        fingerprint: `${fingerprint} ${(await stat(root)).mtimeMs}`,
      }
    }
    const allowed = await AllowedFolders.of([root])
    const store = new FileStore(folder, handles, allowed)
    const found = async () =>
      isFile ? [fileLayer(path, root)] : imageLayers(store, layerFiles(await listFolder(folder, allowed)), basename(path))
    const images = await configuredLayers(entry.written, found, store)
    return {
      ...place,
      descriptor: { format: 'tiff', folder, root, images, scale, config: entry.written },
      fingerprint: `${fingerprint} ${await fingerprintOf(folder, images)}`,
    }
  } catch (error) {
    return { ...bad(`datasets.json gives its path as ${path}, which cannot be read: ${messageOf(error)}`), lost: true }
  }
}

/** A file given by itself: named as the path calls it, read from where its links lead. */
const fileLayer = (path: string, root: string): ImageLayer => ({ name: stemOf(basename(path)), slices: [{ key: basename(root), z: 0 }] })
