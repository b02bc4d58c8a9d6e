/** What a person sees at start: every dataset, and for what is not served the reason and the fix. */
import type { CatalogueEntry, Look } from '../datasets/catalogue.ts'
import { sizeOf } from '../volume/box.ts'
import type { Layer, Mag } from '../volume/chunked-array.ts'
import { elementClassOf } from '../volume/data-type.ts'
import { magLiteral } from '../volume/vec.ts'

const MAX_DATASETS = 50
const MAX_NOTES = 20
/** More links than this that lead out are only counted, by where they lead. */
const MAX_LINKS = 3

export function summarize(entries: readonly CatalogueEntry[], look: Look): string {
  const lines: string[] = []
  const links = entries.filter(({ leadsTo }) => leadsTo !== undefined)
  const listed = links.length > MAX_LINKS ? entries.filter(({ leadsTo }) => leadsTo === undefined) : entries
  const shown = [...listed].sort((a, b) => Number(a.status === 'ok') - Number(b.status === 'ok')).slice(0, MAX_DATASETS)
  for (const entry of listed.filter((one) => shown.includes(one))) lines.push(...describe(entry))
  if (listed.length > MAX_DATASETS) lines.push(`  … and ${listed.length - MAX_DATASETS} more: GET /data/datasets lists all`)
  if (entries.length === 0)
    lines.push(
      'No datasets found. A dataset is a folder with datasource-properties.json, WKW layers or .tif files; --sample writes one to look at.',
    )
  lines.push(...advice(entries, look))
  lines.push(...look.notes.slice(0, MAX_NOTES).map((note) => `  note: ${note}`))
  if (look.notes.length > MAX_NOTES) lines.push(`  … and ${look.notes.length - MAX_NOTES} more notes`)
  const count = (status: string) => entries.filter((entry) => entry.status === status).length
  lines.push(
    `${entries.length} dataset${entries.length === 1 ? '' : 's'}: ${count('ok')} ok, ${count('unusable')} unusable${count('opening') ? `, ${count('opening')} still opening` : ''}`,
  )
  return lines.join('\n')
}

function describe(entry: CatalogueEntry): string[] {
  const title = `${entry.organization}/${entry.name}`
  if (entry.status === 'opening') return [`  … ${title}: opening`]
  if (!entry.dataset) return [`  ✗ ${title}: ${entry.reason}`]
  const { layers, broken, notes, voxelSize } = entry.dataset
  const size = voxelSize.nm.map((edge) => Number(edge.toPrecision(6))).join(' × ')
  return [
    `  ✓ ${title}   voxel ${size} nm (${voxelSize.source}), found by ${entry.found.rule}`,
    ...layers.map((layer) => `      ${describeLayer(layer)}`),
    ...broken.map(({ name, status }) => `      ✗ ${name}: ${status}`),
    ...notes.slice(0, 5).map((note) => `      note: ${note}`),
  ]
}

function describeLayer(layer: Layer): string {
  const list = (mags: readonly Mag[]) => {
    const all = mags.map(({ factor }) => magLiteral(factor))
    return (all.length > 8 ? [...all.slice(0, 7), '…'] : all).join(' ')
  }
  const made = layer.mags.filter(({ isComputed }) => isComputed)
  return `${layer.name}: ${sizeOf(layer.boundingBox).join('×')} ${elementClassOf(layer.dataType, layer.channels)} ${layer.category}, mags ${list(layer.mags.filter(({ isComputed }) => !isComputed))}${made.length > 0 ? `, computed ${list(made)}` : ''}`
}

/** Links that lead out, by where they lead: one flag mends many datasets. */
function advice(entries: readonly CatalogueEntry[], look: Look): string[] {
  const targets = [
    ...entries.flatMap((entry) =>
      entry.leadsTo ? [entry.leadsTo] : (entry.dataset?.broken ?? []).flatMap(({ leadsTo }) => (leadsTo ? [leadsTo] : [])).slice(0, 1),
    ),
    ...look.refused.map(({ target }) => target),
  ]
  return [...groupByPlace(targets)].map(
    ([place, count]) =>
      `  ! ${count} dataset${count === 1 ? ' leads' : 's lead'} to ${place}: add --allow-path ${place} to serve ${count === 1 ? 'it' : 'them'}`,
  )
}

/** Paths by the folder they have in common, at least two levels deep so that nobody is told to allow all of /mnt. */
export function groupByPlace(targets: readonly string[]): Map<string, number> {
  const groups = new Map<string, string[][]>()
  for (const target of targets) {
    const parts = target.split(/[/\\]/).filter((part, n) => n === 0 || part !== '')
    const key = parts.slice(0, 3).join('/')
    groups.set(key, [...(groups.get(key) ?? []), parts])
  }
  const places = new Map<string, number>()
  for (const group of groups.values()) {
    // the folder above a single target, what all have in common of several
    let common = group.length === 1 ? Math.max(3, group[0]!.length - 1) : Math.min(...group.map(({ length }) => length))
    while (common > 3 && group.some((parts) => parts.slice(0, common).join('/') !== group[0]!.slice(0, common).join('/'))) common--
    places.set(group[0]!.slice(0, common).join('/'), group.length)
  }
  return places
}
