import { readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Log } from '../log.ts'
import { mountOf } from '../stores/mounts.ts'
import { Patience } from '../stores/patience.ts'
import { messageOf } from '../volume/errors.ts'
import type { Look } from './catalogue.ts'
import { type DiscoverOptions, type Discovery, discover } from './discover.ts'
import { type EntriesFile, mergeFiles, readEntries, sortEntries } from './entries.ts'
import { type FoundDataset, keyOf } from './found.ts'
import { mapLimit } from './map-limit.ts'
import { mergeEntries } from './merge.ts'
import { type Overrides, readOverrides } from './overrides.ts'

export interface LookOptions extends DiscoverOptions {
  readonly data: string
  /** More folders and files, given as arguments. */
  readonly paths: readonly string[]
  /** Lists of datasets; of the same dataset later ones win. */
  readonly datasetsFiles: readonly string[]
  /** A list that must be there: somebody named it. */
  readonly expectedFile?: string | undefined
  readonly overridesFile: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/**
 * A function that looks at all folders and datasets.json. What cannot be read takes nothing away: the last good datasets.json counts,
 * the datasets last seen in a folder are kept, and so are those of a disk that is not mounted any more, which leaves an empty folder.
 */
export function createLook(options: LookOptions): () => Promise<Look> {
  const { data, paths, datasetsFiles, environment, handles, patience = new Patience(), log } = options
  /** Lists that were there once, or that somebody named. */
  const expected = new Set<string>(options.expectedFile === undefined ? [] : [options.expectedFile])
  let overrides: Overrides = new Map()
  const lists = new Map<string, Readonly<Record<string, unknown>>>()
  const mounts = new Map<string, string>()
  let known = new Map<string, FoundDataset>()
  const seen = new Map<string, Discovery['datasets']>()
  const problems = new Problems(log)
  /** Whether another file system is there than when something was found at this path. */
  const isUnmounted = (path: string): boolean => {
    const before = mounts.get(path)
    return before !== undefined && mountOf(path, 0).point.length < before.length
  }
  const lookAt = async (path: string): Promise<Discovery> => {
    const { lost, ...now } = await discover(path, { ...options, isArgument: options.paths.includes(path) })
    const kept = (seen.get(path) ?? []).filter(({ organization }) => lost === 'all' || lost.includes(organization))
    const datasets = [...now.datasets, ...kept]
    seen.set(path, datasets)
    problems.say(path, kept.length > 0 ? `${now.notes.join('; ')}; ${kept.length} datasets are kept as they were` : undefined)
    return { ...now, datasets, lost }
  }
  const readList = async (path: string): Promise<void> => {
    const [file, hasFolder] = await patience
      .wait(path, path, async () => [await readEntries(path), await isThere(dirname(path))] as const)
      .catch((error): [EntriesFile, boolean] => [{ problem: messageOf(error) }, true])
    const isGone = !file && mounts.has(path) && (!hasFolder || isUnmounted(path))
    const problem = isGone ? `${path} is gone, and so is its disk` : file && 'problem' in file ? file.problem : undefined
    problems.say(path, problem && `${problem}; its datasets are kept as they were`)
    const isMissing = !file && problem === undefined && expected.has(path)
    problems.say(`missing ${path}`, isMissing ? `${path} is not there; webKnossos is not told that its datasets are gone` : undefined)
    if (file) expected.add(path)
    if (problem !== undefined || (!file && !hasFolder)) return
    lists.set(path, file && 'json' in file ? file.json : {})
    if (file) mounts.set(path, mountOf(path, 0).point)
    else mounts.delete(path)
  }
  return async () => {
    await Promise.all(datasetsFiles.map(readList))
    const read = await readOverrides(options.overridesFile)
    problems.say(options.overridesFile, 'problem' in read ? `${read.problem}; descriptions stay changed as they were` : undefined)
    if (!('problem' in read)) overrides = read
    const entries = sortEntries(
      mergeFiles(
        datasetsFiles.flatMap((path): Readonly<Record<string, unknown>>[] => {
          const list = lists.get(path)
          return list ? [list] : []
        }),
      ),
      environment,
    )
    const withData = paths.length === 0 || datasetsFiles.some((path) => mounts.has(path))
    const looks = await mapLimit([...paths, ...(withData ? [data] : [])].filter(unique), 4, lookAt)
    const found = looks.flatMap(({ datasets }) => datasets)
    const merged = await mergeEntries(found, entries, data, handles)
    const datasets = merged.datasets.map((dataset) => (dataset.lost && known.get(keyOf(dataset.organization, dataset.name))) || dataset)
    const present = new Set(datasets.map(({ organization, name }) => keyOf(organization, name)))
    const unmounted = [...known].filter(([key, { descriptor }]) => !present.has(key) && descriptor && isUnmounted(descriptor.folder))
    problems.say('mounts', unmounted.length > 0 ? `${unmounted.length} datasets are on disks that are not mounted any more` : undefined)
    datasets.push(...unmounted.map(([, dataset]) => dataset))
    const isRead = !problems.some && looks.every(({ lost }) => lost.length === 0) && !merged.datasets.some(({ lost }) => lost)
    const isComplete = isRead && (datasets.length > 0 || known.size === 0 || !(await isEmptyFolder(data)))
    known = new Map(datasets.map((dataset) => [keyOf(dataset.organization, dataset.name), dataset]))
    // the list of mounts is read anew once, then remembered for a moment
    mountOf(data, 0)
    for (const { descriptor } of datasets)
      if (descriptor && !mounts.has(descriptor.folder)) mounts.set(descriptor.folder, mountOf(descriptor.folder).point)
    return {
      datasets,
      isComplete,
      overrides,
      notes: [...looks.flatMap(({ notes }) => notes), ...merged.notes],
      refused: looks.flatMap(({ refused }) => refused),
    }
  }
}

/** Says what is wrong when it begins or changes, and that it is over; not at every look. */
class Problems {
  readonly #said = new Map<string, string>()
  readonly #log: Log

  constructor(log: Log) {
    this.#log = log
  }

  /** Something is wrong. */
  get some(): boolean {
    return this.#said.size > 0
  }

  say(place: string, problem: string | undefined): void {
    if (this.#said.get(place) === problem) return
    if (problem === undefined) {
      this.#said.delete(place)
      this.#log.info(`${place}: as it was before`)
    } else {
      this.#said.set(place, problem)
      this.#log.warn(problem)
    }
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const isEmptyFolder = (folder: string): Promise<boolean> =>
  readdir(folder).then(
    (names) => names.length === 0,
    () => true,
  )

const unique = (path: string, index: number, all: readonly string[]): boolean => all.indexOf(path) === index
