import { existsSync } from 'node:fs'
import type { Log } from '../log.ts'
import type { Look } from './catalogue.ts'
import { type DiscoverOptions, discover } from './discover.ts'
import { type Entries, readEntries } from './entries.ts'
import { mapLimit } from './map-limit.ts'
import { mergeEntries } from './merge.ts'

export interface LookOptions extends DiscoverOptions {
  readonly data: string
  /** More folders and files, given as arguments. */
  readonly paths: readonly string[]
  readonly datasetsFile: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/** A function that looks at all folders and datasets.json. A broken datasets.json is said and empties nothing: the last good one counts. */
export function createLook(options: LookOptions): () => Promise<Look> {
  let entries: Entries = { usable: [], unusable: [] }
  return async () => {
    const { data, paths, datasetsFile, environment, handles, log } = options
    const file = await readEntries(datasetsFile, environment)
    if (file && 'problem' in file) log.warn(`${file.problem}; its datasets are kept as they were`)
    else entries = file?.entries ?? { usable: [], unusable: [] }
    const looks = await mapLimit([...paths, ...(paths.length === 0 || existsSync(datasetsFile) ? [data] : [])].filter(unique), 4, (path) =>
      discover(path, options),
    )
    const found = looks.flatMap(({ datasets }) => datasets)
    const merged = await mergeEntries(found, entries, data, handles)
    return {
      datasets: merged.datasets,
      notes: [...looks.flatMap(({ notes }) => notes), ...merged.notes],
      refused: looks.flatMap(({ refused }) => refused),
    }
  }
}

const unique = (path: string, index: number, all: readonly string[]): boolean => all.indexOf(path) === index
