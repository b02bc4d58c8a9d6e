import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Log } from '../log.ts'
import type { Look } from './catalogue.ts'
import { type DiscoverOptions, type Discovery, discover } from './discover.ts'
import { mergeFiles, readEntries, sortEntries } from './entries.ts'
import { type FoundDataset, keyOf } from './found.ts'
import { mapLimit } from './map-limit.ts'
import { mergeEntries } from './merge.ts'

export interface LookOptions extends DiscoverOptions {
  readonly data: string
  /** More folders and files, given as arguments. */
  readonly paths: readonly string[]
  /** Lists of datasets; of the same dataset later ones win. */
  readonly datasetsFiles: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/**
 * A function that looks at all folders and datasets.json. What cannot be read takes nothing away: the last good datasets.json counts,
 * and the datasets last seen in a folder are kept.
 */
export function createLook(options: LookOptions): () => Promise<Look> {
  const lists = new Map<string, Readonly<Record<string, unknown>>>()
  let known = new Map<string, FoundDataset>()
  const seen = new Map<string, Discovery['datasets']>()
  const lookAt = async (path: string): Promise<Discovery> => {
    const { lost, ...now } = await discover(path, options)
    const kept = (seen.get(path) ?? []).filter(({ organization }) => lost === 'all' || lost.includes(organization))
    const datasets = [...now.datasets, ...kept]
    seen.set(path, datasets)
    if (kept.length > 0) options.log.warn(`${now.notes.join('; ')}; ${kept.length} datasets are kept as they were`)
    return { ...now, datasets, lost }
  }
  return async () => {
    const { data, paths, datasetsFiles, environment, handles, log } = options
    for (const path of datasetsFiles) {
      const file = await readEntries(path)
      if (file && 'problem' in file) log.warn(`${file.problem}; its datasets are kept as they were`)
      else if (file || existsSync(dirname(path))) lists.set(path, file?.json ?? {})
    }
    const entries = sortEntries(mergeFiles([...lists.values()]), environment)
    const withData = paths.length === 0 || datasetsFiles.some((path) => existsSync(path))
    const looks = await mapLimit([...paths, ...(withData ? [data] : [])].filter(unique), 4, lookAt)
    const found = looks.flatMap(({ datasets }) => datasets)
    const merged = await mergeEntries(found, entries, data, handles)
    const datasets = merged.datasets.map((dataset) => (dataset.lost && known.get(keyOf(dataset.organization, dataset.name))) || dataset)
    known = new Map(datasets.map((dataset) => [keyOf(dataset.organization, dataset.name), dataset]))
    return {
      datasets,
      notes: [...looks.flatMap(({ notes }) => notes), ...merged.notes],
      refused: looks.flatMap(({ refused }) => refused),
    }
  }
}

const unique = (path: string, index: number, all: readonly string[]): boolean => all.indexOf(path) === index
