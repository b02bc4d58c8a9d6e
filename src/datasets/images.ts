/** Makes layers of the TIFF files of a folder: stacks first, then every other file by itself. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageLayer } from '../formats/format.ts'
import { uniqueName } from '../formats/layer.ts'
import { extentOf, type Probe, probe } from '../formats/tiff/probe.ts'
import type { Store } from '../stores/store.ts'
import { mapLimit } from './map-limit.ts'
import { findStacks, stemOf } from './stacks.ts'

/** Layers of the files, in the order of their names. `folderName` is the name of stacks whose files have nothing else in common. */
export async function imageLayers(store: Store, names: readonly string[], folderName: string): Promise<ImageLayer[]> {
  const taken = new Set<string>()
  const { stacks, rest } = await alikeStacks(store, names)
  const layers: ImageLayer[] = []
  for (const { prefix, suffix, slices } of stacks) {
    const plain = prefix || folderName
    const name = uniqueName(taken.has(plain) && suffix ? `${plain}${suffix}` : plain, taken)
    layers.push({ name, slices: slices.map((slice) => ({ key: slice.name, z: slice.z })) })
  }
  for (const name of rest) layers.push({ name: uniqueName(stemOf(name), taken), slices: [{ key: name, z: 0 }] })
  return layers.sort((a, b) => (a.slices[0]!.key < b.slices[0]!.key ? -1 : 1))
}

/** Stacks of files that are single pages of equal size and type. Files whose names make no stack are not even opened. */
async function alikeStacks(store: Store, names: readonly string[]): Promise<ReturnType<typeof findStacks>> {
  const byName = findStacks(names)
  const candidates = byName.stacks.flatMap(({ slices }) => slices.map(({ name }) => name))
  const probes = await mapLimit(candidates, 16, async (name, n) => {
    // reads of a local disk are synchronous; let others have their turn
    if (n % 64 === 63) await new Promise((resolve) => setImmediate(resolve))
    return probe(store, name)
  })
  const kinds = new Map<string, string[]>()
  candidates.forEach((name, n) => {
    const found: Probe | undefined = probes[n]
    if (!found?.isSinglePage) return
    const alike = kinds.get(found.kind)
    if (alike) alike.push(name)
    else kinds.set(found.kind, [name])
  })
  const stacks = [...kinds.values()].flatMap((alike) => findStacks(alike).stacks)
  const stacked = new Set(stacks.flatMap(({ slices }) => slices.map(({ name }) => name)))
  return { stacks, rest: names.filter((name) => !stacked.has(name)) }
}

/** `layers` sorted into those that belong together as color, raw, segmentation, labels of one volume, and the others. */
export async function groupByRole(store: Store, layers: readonly ImageLayer[]): Promise<{ together: ImageLayer[][]; alone: ImageLayer[] }> {
  const named = layers.filter(({ name }) => /^(color|raw|segmentation|labels)/i.test(name))
  if (named.length < 2) return { together: [], alone: [...layers] }
  const byExtent = new Map<string, ImageLayer[]>()
  for (const layer of named) {
    const extent = await extentOf(store, layer.slices[0]!.key)
    if (!extent) continue
    const depth = layer.slices.length > 1 ? Math.max(...layer.slices.map(({ z }) => z)) + 1 : extent[2]
    const key = `${extent[0]}×${extent[1]}×${depth}`
    byExtent.set(key, [...(byExtent.get(key) ?? []), layer])
  }
  const together = [...byExtent.values()].filter((group) => group.length > 1).sort((a, b) => b.length - a.length)
  const grouped = new Set(together.flat())
  return { together, alone: layers.filter((layer) => !grouped.has(layer)) }
}

/** Changes when a file of these layers does. */
export async function fingerprintOf(folder: string, layers: readonly ImageLayer[]): Promise<string> {
  const keys = layers.flatMap(({ slices }) => slices.map(({ key }) => key))
  const stats = await mapLimit(keys, 32, async (key) => stat(join(folder, key)).catch(() => undefined))
  return Bun.hash(stats.map((s, n) => `${keys[n]} ${s?.ino} ${s?.mtimeMs} ${s?.size}`).join('\n')).toString(36)
}
