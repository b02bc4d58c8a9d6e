/**
 * The datasets there are, found and opened in the background, looked at again when asked. Nothing here is served from: it hands out
 * opened datasets and says what state each is in.
 */
import type { Dataset, Layer } from '../volume/chunked-array.ts'
import { messageOf, Unusable, UpstreamError } from '../volume/errors.ts'
import type { CatalogueEntry, Look } from './catalogue-entry.ts'
import { difference } from './difference.ts'
import { type Descriptor, type FoundDataset, idOf, isRemote, keyOf } from './found.ts'
import { Openings } from './openings.ts'
import type { Overrides } from './overrides.ts'

export type { CatalogueEntry, Look } from './catalogue-entry.ts'

/** What requests need of a catalogue, in whichever thread they are answered. */
export interface Datasets {
  byName(organization: string, name: string): CatalogueEntry | undefined
  /** By core's id or by our own. */
  byId(id: string): CatalogueEntry | undefined
  /** Undefined when the folders are not looked through by then. */
  firstLook(timeoutMs: number): Promise<unknown>
}

export interface CatalogueOptions {
  /** Looks at the folders and datasets.json. */
  readonly look: () => Promise<Look>
  readonly open: (id: string, name: string, descriptor: Descriptor, changed: () => void) => Promise<Dataset>
  /** Drops everything cached under a versioned id. */
  readonly drop: (versionedId: string) => void
  /** Told what a later look changed, in a sentence. */
  readonly said?: (line: string) => void
  /** A remote dataset that could not be opened is tried again after this time. */
  readonly retryMs?: number
  /** Told that something was opened, described otherwise, or is gone. */
  readonly changed?: () => void
}

const RETRY_MS = 20_000
/** Nobody waits longer for datasets on other machines than this, unless it is for one of them. */
const REMOTE_MS = 1500

export class Catalogue implements Datasets {
  readonly #options: CatalogueOptions
  readonly #byKey = new Map<string, CatalogueEntry>()
  readonly #byId = new Map<string, CatalogueEntry>()
  readonly #openings = new Openings()
  readonly #retrying = new Set<CatalogueEntry>()
  /** Core's ids by key. */
  readonly #coreIds = new Map<string, string>()
  #overrides: Overrides = new Map()
  #lastLook: Look | undefined
  #version = 0
  #looking: Promise<Look> | undefined
  #nextLook: Promise<Look> | undefined
  #first: Promise<Look> | undefined

  constructor(options: CatalogueOptions) {
    this.#options = options
  }

  /** Starts the first look; all later questions wait for it. */
  start(): Promise<Look> {
    this.#first ??= this.look()
    return this.#first
  }

  /** The first look, or undefined when it takes longer than this. */
  async firstLook(timeoutMs: number): Promise<Look | undefined> {
    return within(this.start(), timeoutMs)
  }

  /**
   * Looks again and opens what is new, what has changed, and what could not be opened before. Whoever asks while a look is under way
   * gets the one after it, which sees what has changed meanwhile; all who wait share that one.
   */
  look(): Promise<Look> {
    if (!this.#looking) {
      this.#looking = this.#look().finally(() => {
        this.#looking = undefined
      })
      return this.#looking
    }
    this.#nextLook ??= this.#looking
      .catch(() => undefined)
      .then(() => {
        this.#nextLook = undefined
        return this.look()
      })
    return this.#nextLook
  }

  entries(): CatalogueEntry[] {
    return [...this.#byKey.values()]
  }

  byName(organization: string, name: string): CatalogueEntry | undefined {
    return this.#byKey.get(keyOf(organization, name))
  }

  /** By core's id or by our own. */
  byId(id: string): CatalogueEntry | undefined {
    return this.#byId.get(id)
  }

  /** Undefined once it is gone or was opened anew. */
  byVersion(versionedId: string): CatalogueEntry | undefined {
    const entry = this.#byKey.get(versionedId.slice(0, versionedId.lastIndexOf('@')))
    return entry?.versionedId === versionedId ? entry : undefined
  }

  /** Waits until all datasets are opened, but not long, and hardly at all for those on other machines. */
  async settled(timeoutMs: number): Promise<void> {
    const openings = (remote: boolean) => Promise.all(this.entries().flatMap(({ isRemote: is, opened }) => (is === remote ? [opened] : [])))
    await Promise.all([within(openings(false), timeoutMs), within(openings(true), Math.min(timeoutMs, REMOTE_MS))])
  }

  /** What the last look found; undefined before the first. */
  get lastLook(): Look | undefined {
    return this.#lastLook
  }

  /** Core's ids, by organization and name; they hold for datasets that come later, too. */
  assignIds(ids: Iterable<readonly [organization: string, name: string, id: string]>): void {
    for (const [organization, name, id] of ids) {
      const key = keyOf(organization, name)
      const entry = this.#byKey.get(key)
      if (!entry) continue
      const before = this.#coreIds.get(key)
      if (before !== undefined && before !== id) this.#byId.delete(before)
      this.#coreIds.set(key, id)
      this.#byId.set(id, entry)
      entry.id = id
    }
  }

  /** What is changed about descriptions from now on. */
  override(overrides: Overrides): void {
    let isChanged = false
    for (const [key, entry] of this.#byKey) {
      const override = overrides.get(key)
      if (JSON.stringify(override) === JSON.stringify(entry.override)) continue
      entry.override = override
      isChanged = true
    }
    this.#overrides = overrides
    if (isChanged) this.#options.changed?.()
  }

  /** Drops the caches of a dataset and opens it anew. */
  reload(entry: CatalogueEntry): Promise<void> {
    const current = this.byId(entry.id)
    if (current !== entry) return current?.opened ?? Promise.resolve()
    return this.#replace(entry.found).opened
  }

  async #look(): Promise<Look> {
    const look = await this.#options.look()
    this.#lastLook = look
    this.override(look.overrides)
    const isFirst = this.#version === 0
    const { added, changed, removed } = difference(this.entries(), look.datasets)
    const before = new Map(this.#byKey.entries().map(([key, entry]) => [key, entry.reason]))
    for (const entry of removed) this.#remove(entry)
    for (const found of changed) this.#retry(this.#sameFailed(found))
    const opening = [...added, ...changed.filter((found) => !this.#sameFailed(found))].map((found) => this.#replace(found))
    if (!isFirst) {
      for (const { organization, name } of removed) this.#options.said?.(`${keyOf(organization, name)} is gone`)
      for (const entry of opening) void entry.opened.then(() => this.#sayOpened(entry, before))
    }
    if (isFirst || removed.length > 0) this.#options.changed?.()
    return look
  }

  /** What could not be opened before and cannot now for the same reason is not said again. */
  #sayOpened({ organization, name, status, reason }: CatalogueEntry, before: ReadonlyMap<string, string | undefined>): void {
    const key = keyOf(organization, name)
    if (status === 'unusable' && before.get(key) === reason) return
    this.#options.said?.(status === 'ok' ? `${key} is ${before.has(key) ? 'opened anew' : 'new'}` : `${key} cannot be opened: ${reason}`)
  }

  #remove(entry: CatalogueEntry): void {
    const key = keyOf(entry.organization, entry.name)
    this.#byKey.delete(key)
    this.#coreIds.delete(key)
    this.#byId.delete(entry.id)
    this.#byId.delete(idOf(entry.organization, entry.name))
    this.#options.drop(entry.versionedId)
  }

  #replace(found: FoundDataset): CatalogueEntry {
    const { organization, name } = found
    const key = keyOf(organization, name)
    const previous = this.#byKey.get(key)
    const { promise, resolve } = Promise.withResolvers<void>()
    const ownId = idOf(organization, name)
    const id = this.#coreIds.get(key) ?? ownId
    const versionedId = `${key}@${++this.#version}`
    const override = this.#overrides.get(key)
    const { descriptor } = found
    const remote = descriptor !== undefined && isRemote(descriptor)
    const entry: CatalogueEntry = {
      id,
      organization,
      name,
      found,
      versionedId,
      status: 'opening',
      override,
      opened: promise,
      isRemote: remote,
    }
    this.#byKey.set(key, entry)
    this.#byId.set(ownId, entry)
    this.#byId.set(id, entry)
    if (previous) this.#options.drop(previous.versionedId)
    if (descriptor) this.#openings.add(remote ? 'remote' : 'local', () => this.#open(entry, descriptor, previous).then(resolve))
    else {
      entry.status = 'unusable'
      entry.reason = found.reason ?? 'it cannot be opened'
      entry.leadsTo = found.leadsTo
      resolve()
      this.#options.changed?.()
    }
    return entry
  }

  async #open(entry: CatalogueEntry, descriptor: Descriptor, previous?: CatalogueEntry): Promise<void> {
    const changed = () => void this.reload(entry)
    try {
      const dataset = await this.#options.open(entry.versionedId, entry.name, descriptor, changed)
      entry.dataset = dataset
      entry.status = 'ok'
      delete entry.reason
    } catch (error) {
      entry.status = 'unusable'
      entry.reason = messageOf(error)
      if (error instanceof Unusable) entry.leadsTo = error.leadsTo
      if (entry.isRemote) this.#bearWith(entry, error, previous)
    }
    this.#options.changed?.()
  }

  /** A server that does not answer just now takes nothing away that was open; what was not is tried again. */
  #bearWith(entry: CatalogueEntry, error: unknown, previous: CatalogueEntry | undefined): void {
    if (error instanceof UpstreamError && previous?.dataset && sameDescriptor(previous.found, entry.found)) {
      entry.dataset = previous.dataset
      entry.status = 'ok'
      delete entry.reason
      return
    }
    const timer = setTimeout(() => this.#retry(entry), this.#options.retryMs ?? RETRY_MS)
    timer.unref()
  }

  /** Opens a remote dataset that could not be, in place: until then it stays what it is. */
  #retry(entry: CatalogueEntry | undefined): void {
    const descriptor = entry?.found.descriptor
    const isWaiting = entry?.status === 'unusable' && this.#byId.get(entry.id) === entry && !this.#retrying.has(entry)
    if (!entry || !descriptor || !isWaiting) return
    this.#retrying.add(entry)
    this.#openings.add('remote', async () => {
      const { reason } = entry
      this.#options.drop(entry.versionedId)
      await this.#open(entry, descriptor)
      this.#retrying.delete(entry)
      this.#sayOpened(entry, new Map([[keyOf(entry.organization, entry.name), reason]]))
    })
  }

  /** The entry of a remote dataset that could not be opened, if it still is described alike. */
  #sameFailed(found: FoundDataset): CatalogueEntry | undefined {
    const entry = this.#byKey.get(keyOf(found.organization, found.name))
    return entry?.isRemote && entry.status === 'unusable' && sameDescriptor(entry.found, found) ? entry : undefined
  }
}

const sameDescriptor = (a: FoundDataset, b: FoundDataset): boolean => JSON.stringify(a.descriptor) === JSON.stringify(b.descriptor)

export const layerOf = (dataset: Dataset, name: string): Layer | undefined => dataset.layers.find((layer) => layer.name === name)

/** The value, or undefined when it takes longer. */
export async function within<T>(promise: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
