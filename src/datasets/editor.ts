/** Adds, corrects and removes entries of datasets.json. Nothing is stored before it has been opened. */
import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isMissing } from '../stores/errors.ts'
import { isRemoteSource } from '../stores/source.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import { messageOf } from '../volume/errors.ts'
import type { Vec3 } from '../volume/vec.ts'
import { ADDED_OVER_HTTP, type DatasetEntry, isRecord, sortEntries } from './entries.ts'
import { type Descriptor, type FoundDataset, keyOf } from './found.ts'
import type { LookOptions } from './look.ts'
import { mergeEntries } from './merge.ts'
import { localPathOf } from './sources.ts'
import { CannotWrite, changeDatasetsFile, type Json } from './write.ts'

export interface EditorOptions extends Pick<LookOptions, 'data' | 'allowed' | 'handles' | 'environment'> {
  /** The list that is written. */
  readonly file: string
  /** A dataset that is known already. */
  readonly find: (organization: string, name: string) => FoundDataset | undefined
  readonly open: (id: string, name: string, descriptor: Descriptor, changed: () => void) => Promise<Dataset>
}

/** A dataset that was opened to see whether it can be. */
export interface Added {
  readonly organization: string
  readonly name: string
  readonly found: FoundDataset
  readonly versionedId: string
  readonly dataset: Dataset
}

export interface Problem {
  /** organization/dataset, or what is wrong with the whole. */
  readonly dataset: string
  readonly reason: string
}

const BACKENDS = ['wkw', 'tiff', 'neuroglancer', 'boss']
const MAX_DATASETS = 1000

export class Editor {
  readonly #options: EditorOptions
  #trials = 0

  constructor(options: EditorOptions) {
    this.#options = options
  }

  /**
   * All or nothing: every entry of `{backend: {organization: {dataset: config}}}` is opened, and only if all can be they are stored.
   * `isRemote`: from somebody who may not read every file of this machine. `confirm` has the last word before that. Throws `CannotWrite`.
   */
  async add(
    entries: unknown,
    isRemote: boolean,
    confirm: (added: readonly Added[]) => Promise<Problem[]> = async () => [],
  ): Promise<Problem[]> {
    const problems = shapeProblems(entries)
    if (problems.length > 0) return problems
    if (isRemote) entries = markAll(entries as Json)
    const { usable, unusable } = sortEntries(entries as Json, this.#options.environment)
    problems.push(...unusable.map(({ organization, name, reason }) => ({ dataset: keyOf(organization, name), reason })))
    const added: Added[] = []
    for (const entry of usable) {
      const { organization, name } = entry
      const tried = await this.#tryOut(entry, isRemote)
      if (typeof tried === 'string') problems.push({ dataset: keyOf(organization, name), reason: tried })
      else added.push({ organization, name, ...tried })
    }
    if (problems.length === 0) problems.push(...(await confirm(added)))
    if (problems.length === 0) await changeDatasetsFile(this.#options.file, (json) => addEntries(json, entries as Json))
    return problems
  }

  /** Sets the voxel size in nm, whatever the files say. Throws `CannotWrite`. */
  async setScale(found: FoundDataset, scale: Vec3): Promise<void> {
    const { organization, name, descriptor } = found
    if (!descriptor) throw new CannotWrite(`${keyOf(organization, name)} cannot be opened: ${found.reason}`)
    await changeDatasetsFile(this.#options.file, (json) => {
      const config = entryIn(json, descriptor.format, organization, name)
      putEntries(json, { [descriptor.format]: { [organization]: { [name]: { ...config, scale: [...scale] } } } })
    })
  }

  /** Throws `CannotWrite` where the dataset is in no list, because then its folder makes it one. */
  async remove(organization: string, name: string): Promise<void> {
    await changeDatasetsFile(this.#options.file, (json) => {
      const backends = BACKENDS.filter((backend) => entryIn(json, backend, organization, name))
      if (backends.length === 0)
        throw new CannotWrite(
          `${keyOf(organization, name)} is not listed in ${this.#options.file}; if its folder makes it a dataset, move that away`,
        )
      for (const backend of backends) delete (json[backend] as Record<string, Json>)[organization]![name]
    })
  }

  /** Opens it, or says why it cannot be. */
  async #tryOut(entry: DatasetEntry, isRemote: boolean): Promise<Omit<Added, 'organization' | 'name'> | string> {
    const { data, allowed, handles, find, open } = this.#options
    try {
      if (isRemote) {
        const sources = Object.values(entry.config?.layers ?? {}).map(({ source }) => localPathOf(source, data))
        const own = entry.path === undefined || isRemoteSource(entry.path) ? undefined : resolve(data, entry.path)
        for (const path of [own, ...sources]) {
          // links followed: a name below the data folder may lead anywhere
          if (path !== undefined) allowed.and(await realpath(data)).check(path, await realpath(path))
        }
      }
      const known = find(entry.organization, entry.name)
      const { datasets } = await mergeEntries(known ? [known] : [], { usable: [entry], unusable: [] }, data, handles)
      const found = datasets[0]
      if (!found?.descriptor) return found?.reason ?? 'it cannot be opened'
      const versionedId = `trial/${++this.#trials}`
      return { found, versionedId, dataset: await open(versionedId, entry.name, found.descriptor, () => {}) }
    } catch (error) {
      return isMissing(error) ? `its path ${entry.path ?? 'to a layer'} cannot be read: there is nothing` : messageOf(error)
    }
  }
}

/** Whatever names a URL or a variable of the environment is marked as a stranger's. */
function markAll(entries: Json): Json {
  const eachOf = (value: Json, change: (inner: Json) => Json): Json =>
    Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner as Json)]))
  const mark = (config: Json): Json => {
    const { [ADDED_OVER_HTTP]: _, ...plain } = config
    return /:\/\/|\$/.test(JSON.stringify(plain)) ? { ...plain, [ADDED_OVER_HTTP]: true } : plain
  }
  return eachOf(entries, (organizations) => eachOf(organizations, (datasets) => eachOf(datasets, mark)))
}

/** What is wrong with the shape of a body, before anything is opened. */
function shapeProblems(entries: unknown): Problem[] {
  const whole = (reason: string): Problem[] => [{ dataset: 'the request', reason }]
  if (!isRecord(entries)) return whole('is not {backend: {organization: {dataset: config}}}')
  const problems: Problem[] = []
  let count = 0
  for (const [backend, organizations] of Object.entries(entries)) {
    if (!BACKENDS.includes(backend)) return whole(`names the backend ${JSON.stringify(backend)}; there are ${BACKENDS.join(', ')}`)
    if (!isRecord(organizations)) return whole(`has no organizations below ${backend}`)
    for (const [organization, datasets] of Object.entries(organizations)) {
      if (!isRecord(datasets)) return whole(`has no datasets below ${backend}, ${organization}`)
      for (const [name, config] of Object.entries(datasets)) {
        count++
        const dataset = keyOf(organization, name)
        for (const word of [organization, name])
          if (!isName(word)) problems.push({ dataset, reason: `${JSON.stringify(word)} is not a name` })
        if (!isRecord(config)) problems.push({ dataset, reason: 'its configuration is not an object' })
      }
    }
  }
  if (count === 0) return whole('names no dataset')
  return count > MAX_DATASETS ? whole(`names ${count} datasets; at most ${MAX_DATASETS} are added at once`) : problems
}

/** Names become parts of URLs, cache keys and messages. */
const isName = (word: string): boolean => /^[^/\\\p{Cc}]{1,255}$/u.test(word) && word.trim() === word && !/^\.{1,2}$|^__proto__$/.test(word)

function entryIn(json: Json, backend: string, organization: string, name: string): Json | undefined {
  const organizations = json[backend]
  const datasets = isRecord(organizations) && Object.hasOwn(organizations, organization) ? organizations[organization] : undefined
  const config = isRecord(datasets) && Object.hasOwn(datasets, name) ? datasets[name] : undefined
  return isRecord(config) ? config : undefined
}

/** A dataset that is added anew is no longer what another backend had under its name. */
function addEntries(json: Json, entries: Json): void {
  for (const [backend, organizations] of Object.entries(entries)) {
    for (const [organization, datasets] of Object.entries(organizations as Record<string, Json>)) {
      for (const name of Object.keys(datasets)) {
        for (const other of BACKENDS) {
          if (other !== backend && entryIn(json, other, organization, name))
            delete (json[other] as Record<string, Json>)[organization]![name]
        }
      }
    }
  }
  putEntries(json, entries)
}

function putEntries(json: Json, entries: Json): void {
  for (const [backend, organizations] of Object.entries(entries)) {
    if (!isRecord(json[backend])) json[backend] = {}
    const kept = json[backend] as Json
    for (const [organization, datasets] of Object.entries(organizations as Json)) {
      if (!isRecord(kept[organization])) kept[organization] = {}
      Object.assign(kept[organization] as Json, datasets)
    }
  }
}
