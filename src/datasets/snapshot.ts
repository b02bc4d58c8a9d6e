/**
 * The catalogue as plain data, for other threads: what is known of each dataset and the descriptor anybody can open it from. A change
 * is a new snapshot; threads are sent the difference.
 */
import type { CatalogueEntry } from './catalogue-entry.ts'
import { keyOf } from './found.ts'

/** Everything of an entry but what only its own thread can have. */
export type EntrySnapshot = Readonly<Omit<CatalogueEntry, 'dataset' | 'opened'>>
/** By organization/dataset. */
export type Snapshot = ReadonlyMap<string, EntrySnapshot>

export interface SnapshotChange {
  /** Folders have been looked through at least once. */
  readonly isLooked: boolean
  /** New, or anything of them is another. */
  readonly entries: readonly EntrySnapshot[]
  /** Keys of those that are gone. */
  readonly removed: readonly string[]
}

export const snapshotOf = (entries: readonly CatalogueEntry[]): Snapshot =>
  new Map(entries.map(({ dataset: _, opened: __, ...entry }) => [keyOf(entry.organization, entry.name), entry]))

/** Pure: what is the same in both must not be in it, for caches are dropped by it. */
export function changeBetween(before: Snapshot, after: Snapshot, isLooked: boolean): SnapshotChange {
  const entries = [...after].flatMap(([key, entry]) => (isSame(before.get(key), entry) ? [] : [entry]))
  return { isLooked, entries, removed: [...before.keys()].filter((key) => !after.has(key)) }
}

/** What was found of a dataset is the same under one versioned id. */
const isSame = (a: EntrySnapshot | undefined, b: EntrySnapshot): boolean =>
  a !== undefined &&
  a.versionedId === b.versionedId &&
  a.id === b.id &&
  a.status === b.status &&
  a.reason === b.reason &&
  (a.override === b.override || JSON.stringify(a.override) === JSON.stringify(b.override))
