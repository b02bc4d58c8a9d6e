/**
 * Finds datasets whose open files have been replaced. What is cached of such a file would otherwise be served for good, because nobody
 * reads it again.
 */
import { access } from 'node:fs/promises'
import type { Tables } from '../cache/tables.ts'
import type { Readable } from '../stores/store.ts'
import type { CatalogueEntry } from './catalogue.ts'
import { mapLimit } from './map-limit.ts'

/** Versioned ids of those among `entries`: they are to be opened anew. */
export async function staleOf(entries: readonly CatalogueEntry[], tables: Tables): Promise<string[]> {
  const byId = new Map(entries.map((entry) => [entry.versionedId, entry]))
  const files = new Map<Readable, CatalogueEntry>()
  for (const [key, value] of tables.entries()) {
    // organization/dataset@version/…
    const entry = byId.get(/^[^/]*\/[^/]*/.exec(key)?.[0] ?? '')
    if (entry && hasFile(value)) files.set(value.file, entry)
  }
  const stale = new Set<CatalogueEntry>()
  await mapLimit([...files], 16, async ([file, entry]) => {
    if (!stale.has(entry) && !(await file.isCurrent()) && (await isThere(entry))) stale.add(entry)
  })
  return [...stale].map(({ versionedId }) => versionedId)
}

/** A disk that is not mounted just now takes all files of a dataset away and replaces none of them. */
const isThere = async ({ found, isRemote }: CatalogueEntry): Promise<boolean> =>
  isRemote ||
  access(found.descriptor?.folder ?? '').then(
    () => true,
    () => false,
  )

const hasFile = (value: unknown): value is { file: Readable } => typeof value === 'object' && value !== null && 'file' in value
