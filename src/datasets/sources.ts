/** Datasets of the neuroglancer backend: layers whose sources are named one by one, or a folder of this machine. */
import { realpath, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { isRemote, plain } from '../formats/precomputed/source.ts'
import type { FileHandles } from '../stores/handles.ts'
import type { DatasetEntry } from './entries.ts'
import type { FoundDataset } from './found.ts'
import { mapLimit } from './map-limit.ts'

const INFO = 'info'

/** The path a source leads to from the data folder; undefined where it lies on the network. */
export const localPathOf = (source: string, dataFolder: string): string | undefined =>
  isRemote(source) ? undefined : resolve(dataFolder, plain(source).replace(/^file:\/\//i, ''))

/** Sources on the network stay as they are written, those of this machine become absolute; a layer that is not there is told when opened. */
export async function sourcesDataset(entry: DatasetEntry, dataFolder: string, handles: FileHandles): Promise<FoundDataset> {
  const { organization, name, config, scale } = entry
  const places = await mapLimit(Object.entries(config?.layers ?? {}), 16, async ([layer, { source, type }]) => {
    const path = localPathOf(source, dataFolder)
    if (path === undefined) return { layer, source, type, real: undefined, version: '' }
    const found = await handles.patience.wait(path, path, () => lookAt(path)).catch(() => undefined)
    return { layer, source: found?.real ?? path, type, real: found?.real, version: found?.version ?? 'missing' }
  })
  const layers = Object.fromEntries(places.map(({ layer, source, type }) => [layer, { source, ...(type !== undefined && { type }) }]))
  const folder = await realpath(dataFolder).catch(() => '/')
  // hashed: credentials are part of it
  const version = Bun.hash(`${JSON.stringify(entry)} ${places.map((place) => place.version).join(' ')}`).toString(36)
  return {
    organization,
    name,
    descriptor: {
      format: 'neuroglancer',
      folder,
      root: folder === '/' ? resolve(dataFolder) : folder,
      roots: places.map(({ real }) => real).filter((real) => real !== undefined),
      config: { ...config, layers },
      scale,
    },
    rule: 'datasets.json',
    fingerprint: `sources ${version}`,
  }
}

/** Layers of a folder an entry names: one called as the folder where it has an info itself, else those found in it. */
export async function configOfFolder(path: string, folder: string): Promise<DatasetEntry['config']> {
  const info = await stat(join(folder, INFO)).catch(() => undefined)
  return info?.isFile() ? { layers: { [basename(path)]: { source: folder } } } : undefined
}

/** Changes when an info of the folder or of one directly below does. */
export async function versionOfInfos(folder: string, below: readonly string[]): Promise<string> {
  const keys = [INFO, ...below.map((name) => join(name, INFO))]
  const stats = await mapLimit(keys, 16, (key) => stat(join(folder, key)).catch(() => undefined))
  return stats.flatMap((info, n) => (info ? [`${keys[n]} ${info.ino} ${info.mtimeMs} ${info.size}`] : [])).join(' ')
}

async function lookAt(path: string): Promise<{ real: string; version: string }> {
  const real = await realpath(path)
  return { real, version: await versionOfInfos(real, []) }
}
