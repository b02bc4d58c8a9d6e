/** Makes layers of the image files of a folder: OME sets first, then stacks, then every other file by itself. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageLayer } from '../formats/format.ts'
import { uniqueName } from '../formats/layer.ts'
import { isPicture } from '../formats/tiff/picture.ts'
import { extentOf, type Probe, probe, setOf } from '../formats/tiff/probe.ts'
import type { Store } from '../stores/store.ts'
import { mapLimit } from './map-limit.ts'
import { findStacks, type Stack, stemOf } from './stacks.ts'

/** Layers of the files, in the order of their names. `folderName` is the name of stacks whose files have nothing else in common. */
export async function imageLayers(store: Store, names: readonly string[], folderName: string): Promise<ImageLayer[]> {
  const taken = new Set<string>()
  const sets = await omeSets(store, names)
  const inSets = new Set(sets.flatMap(({ slices, others = [] }) => [...slices.map(({ key }) => key), ...others]))
  const { stacks, rest } = await alikeStacks(
    store,
    names.filter((name) => !inSets.has(name) && !isCompanion(name)),
  )
  const layers: ImageLayer[] = sets.map((set) => ({ ...set, name: uniqueName(set.name, taken) }))
  for (const { prefix, suffix, slices, notes } of stacks) {
    const plain = prefix || folderName
    const name = uniqueName(taken.has(plain) && suffix ? `${plain}${suffix}` : plain, taken)
    layers.push({ name, slices: slices.map((slice) => ({ key: slice.name, z: slice.z })), notes })
  }
  for (const name of rest) if (!isPicture(name)) layers.push({ name: uniqueName(stemOf(name), taken), slices: [{ key: name, z: 0 }] })
  return layers.sort((a, b) => (a.slices[0]!.key < b.slices[0]!.key ? -1 : 1))
}

const isCompanion = (name: string): boolean => /\.companion\.ome$/i.test(name)

/** Files that describe others, with these. A companion file goes before the files it is for. */
async function omeSets(store: Store, names: readonly string[]): Promise<ImageLayer[]> {
  const present = new Set(names)
  const claimed = new Set<string>()
  const sets: ImageLayer[] = []
  const candidates = [...names.filter(isCompanion), ...names.filter((name) => /\.ome\.(tiff?|btf|tf[28])$/i.test(name))]
  for (const name of candidates) {
    if (claimed.has(name)) continue
    const others = (await setOf(store, name)).filter((other) => present.has(other) && !claimed.has(other))
    // a companion file without files says why when it is opened
    if (others.length === 0 && !isCompanion(name)) continue
    for (const member of [name, ...others]) claimed.add(member)
    sets.push({ name: stemOf(name.replace(/\.companion\.ome$/i, '.ome')), slices: [{ key: name, z: 0 }], others })
  }
  return sets
}

interface AlikeStack extends Stack {
  readonly notes: readonly string[]
}

/**
 * Stacks of files that are single pages of equal size and type. Files whose names make no stack are not even opened. A few that differ
 * from most others of their stack are left out of it with a reason; their slices stay empty.
 */
async function alikeStacks(store: Store, names: readonly string[]): Promise<{ stacks: AlikeStack[]; rest: string[] }> {
  const byName = findStacks(names)
  const candidates = byName.stacks.flatMap(({ slices }) => slices.map(({ name }) => name))
  const probes = await mapLimit(candidates, 16, async (name, n) => {
    // reads of a local disk are synchronous; let others have their turn
    if (n % 64 === 63) await new Promise((resolve) => setImmediate(resolve))
    return probe(store, name)
  })
  const probed = new Map(candidates.map((name, n) => [name, probes[n]]))
  const left = new Set<string>()
  const notes = new Map<string, string[]>()
  for (const stack of byName.stacks) {
    const { kind, odd } = mostCommon(stack, probed)
    if (!kind || odd.length === 0) continue
    for (const name of odd) left.add(name)
    const examples = odd.slice(0, 3).map((name) => `${name} (${probed.get(name)!.kind})`)
    notes.set(stack.slices.find(({ name }) => !left.has(name))!.name, [
      `${odd.length} ${odd.length === 1 ? 'slice is' : 'slices are'} not ${kind} as the others and left empty: ${examples.join(', ')}`,
    ])
  }
  const kinds = new Map<string, string[]>()
  for (const name of candidates) {
    const found = probed.get(name)
    if (!found?.isSinglePage || left.has(name)) continue
    const alike = kinds.get(found.kind)
    if (alike) alike.push(name)
    else kinds.set(found.kind, [name])
  }
  const stacks = [...kinds.values()].flatMap((alike) => findStacks(alike).stacks)
  const stacked = new Set([...left, ...stacks.flatMap(({ slices }) => slices.map(({ name }) => name))])
  const noted = stacks.map((stack) => ({ ...stack, notes: stack.slices.flatMap(({ name }) => notes.get(name) ?? []) }))
  return { stacks: noted, rest: names.filter((name) => !stacked.has(name)) }
}

/** The kind of nine in ten or more files of a stack, and the single pages that are of another. */
function mostCommon({ slices }: Stack, probed: ReadonlyMap<string, Probe | undefined>): { kind: string | undefined; odd: string[] } {
  const counts = new Map<string, number>()
  const single = slices.filter(({ name }) => probed.get(name)?.isSinglePage)
  for (const { name } of single) counts.set(probed.get(name)!.kind, (counts.get(probed.get(name)!.kind) ?? 0) + 1)
  const [kind, count] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [undefined, 0]
  if (kind === undefined || count < 0.9 * slices.length) return { kind: undefined, odd: [] }
  return { kind, odd: single.map(({ name }) => name).filter((name) => probed.get(name)!.kind !== kind) }
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
  const keys = layers.flatMap(({ slices, others = [] }) => [...slices.map(({ key }) => key), ...others])
  const stats = await mapLimit(keys, 32, async (key) => stat(join(folder, key)).catch(() => undefined))
  return Bun.hash(stats.map((s, n) => `${keys[n]} ${s?.ino} ${s?.mtimeMs} ${s?.size}`).join('\n')).toString(36)
}
