import { type FoundDataset, keyOf, type Status } from './found.ts'

interface Known {
  readonly organization: string
  readonly name: string
  readonly status: Status
  readonly found: FoundDataset
}

export interface Difference<K extends Known> {
  readonly added: FoundDataset[]
  /** The same name, but other files or settings; or it could not be opened and may be by now. */
  readonly changed: FoundDataset[]
  readonly removed: K[]
}

/** What another look changes. Pure: it decides which caches are dropped, so what is unchanged must not be in it. */
export function difference<K extends Known>(known: readonly K[], found: readonly FoundDataset[]): Difference<K> {
  const before = new Map(known.map((entry) => [keyOf(entry.organization, entry.name), entry]))
  const now = new Set(found.map(({ organization, name }) => keyOf(organization, name)))
  const added: FoundDataset[] = []
  const changed: FoundDataset[] = []
  for (const dataset of found) {
    const entry = before.get(keyOf(dataset.organization, dataset.name))
    if (!entry) added.push(dataset)
    else if (entry.status === 'unusable' || fingerprint(entry.found) !== fingerprint(dataset)) changed.push(dataset)
  }
  return { added, changed, removed: known.filter((entry) => !now.has(keyOf(entry.organization, entry.name))) }
}

const fingerprint = ({ fingerprint: files, descriptor, reason }: FoundDataset): string => JSON.stringify([files, descriptor, reason])
