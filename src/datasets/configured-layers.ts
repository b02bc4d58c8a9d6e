/** The layers an entry of datasets.json makes of files: `layers: {name: {path | pattern}}`. Keys are relative to the dataset's folder. */
import type { ImageLayer } from '../formats/format.ts'
import type { Store } from '../stores/store.ts'
import { Unusable } from '../volume/errors.ts'
import { isRecord } from './entries.ts'
import { findStacks } from './stacks.ts'

/**
 * `found`: what the folder's files make without configuration. Where any layer names its files only the layers that are listed are
 * there; else all, and what is said about them is the format's concern. Throws `Unusable` where a pattern finds nothing.
 */
export async function configuredLayers(
  config: Readonly<Record<string, unknown>> | undefined,
  found: () => Promise<readonly ImageLayer[]>,
  store: Store,
): Promise<readonly ImageLayer[]> {
  const layers = isRecord(config?.['layers'])
    ? Object.entries(config['layers']).filter((one): one is [string, Record<string, unknown>] => isRecord(one[1]))
    : []
  const namesFiles = layers.some(([, { path, pattern }]) => path !== undefined || pattern !== undefined)
  if (!namesFiles) return found()
  const known = new Map((await found().catch(() => [])).map((layer) => [layer.name, layer]))
  const made: ImageLayer[] = []
  for (const [name, { path, pattern }] of layers) {
    if (typeof path === 'string') made.push({ name, slices: [{ key: keyOf(path), z: 0 }] })
    else if (typeof pattern === 'string') made.push({ name, slices: await slicesOf(keyOf(pattern), store) })
    else {
      const layer = known.get(name)
      if (layer) made.push(layer)
    }
  }
  return made
}

/** What lies above the dataset's folder is the store's to refuse. */
const keyOf = (path: string): string => path.replaceAll('\\', '/').replace(/^(\.\/)+/, '')

async function slicesOf(pattern: string, store: Store): Promise<ImageLayer['slices']> {
  const at = pattern.lastIndexOf('/') + 1
  const folder = pattern.slice(0, at)
  const matches = new RegExp(
    `^${[...pattern.slice(at)].map((letter) => (letter === '*' ? '.*' : letter === '?' ? '.' : escaped(letter))).join('')}$`,
  )
  const names = ((await store.list?.(folder)) ?? []).filter(({ name, isFolder }) => !isFolder && matches.test(name)).map(({ name }) => name)
  if (names.length === 0) throw new Unusable(`no file of ${store.url} matches the pattern ${pattern}`)
  const { stacks, rest } = findStacks(names)
  const numbered = stacks.length === 1 && rest.length === 0 ? stacks[0]!.slices : undefined
  const slices = numbered ?? names.sort(naturally).map((name, z) => ({ name, z }))
  return slices.map(({ name, z }) => ({ key: `${folder}${name}`, z }))
}

const escaped = (letter: string): string => letter.replace(/[.+^${}()|[\]\\]/, '\\$&')
const naturally = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true })
