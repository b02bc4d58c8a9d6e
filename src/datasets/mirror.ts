/**
 * The catalogue as another thread sees it: follows the main thread's by snapshots, and opens a dataset from its descriptor when somebody
 * first asks for it. It decides nothing about what there is.
 */
import type { Dataset } from '../volume/chunked-array.ts'
import { messageOf, UpstreamError } from '../volume/errors.ts'
import type { CatalogueOptions } from './catalogue.ts'
import { type CatalogueEntry, type Datasets, within } from './catalogue.ts'
import { idOf, keyOf } from './found.ts'
import { Openings } from './openings.ts'
import type { EntrySnapshot, SnapshotChange } from './snapshot.ts'

export interface MirrorOptions extends Pick<CatalogueOptions, 'open' | 'drop' | 'retryMs'> {
  /** Told that files of a dataset have changed; by its versioned id. */
  readonly stale: (versionedId: string) => void
}

const RETRY_MS = 20_000

interface Lazy {
  readonly done: () => void
  /** What was open under the same name before. */
  readonly previous: CatalogueEntry | undefined
}

export class Mirror implements Datasets {
  readonly #options: MirrorOptions
  readonly #byKey = new Map<string, CatalogueEntry>()
  readonly #byId = new Map<string, CatalogueEntry>()
  /** Usable, but nobody has asked for them here; or the main thread has not opened them yet. */
  readonly #unopened = new Map<CatalogueEntry, Lazy>()
  /** Of those, what the main thread has opened. */
  readonly #usable = new Set<CatalogueEntry>()
  readonly #openings = new Openings()
  readonly #looked = Promise.withResolvers<void>()

  constructor(options: MirrorOptions) {
    this.#options = options
  }

  entries(): CatalogueEntry[] {
    return [...this.#byKey.values()]
  }

  byName(organization: string, name: string): CatalogueEntry | undefined {
    return this.#asked(this.#byKey.get(keyOf(organization, name)))
  }

  byId(id: string): CatalogueEntry | undefined {
    return this.#asked(this.#byId.get(id))
  }

  async firstLook(timeoutMs: number): Promise<unknown> {
    return within(
      this.#looked.promise.then(() => true),
      timeoutMs,
    )
  }

  /** An id of core's that this thread has learned; the main thread says the same later. */
  assignId(organization: string, name: string, id: string): void {
    const entry = this.#byKey.get(keyOf(organization, name))
    if (entry) this.#identify(entry, id)
  }

  apply({ entries, removed, isLooked }: SnapshotChange): void {
    for (const key of removed) this.#remove(this.#byKey.get(key))
    for (const snapshot of entries) this.#apply(snapshot)
    if (isLooked) this.#looked.resolve()
  }

  #apply(snapshot: EntrySnapshot): void {
    const entry = this.#byKey.get(keyOf(snapshot.organization, snapshot.name))
    const isAgain = entry?.status === 'unusable' && snapshot.status !== 'unusable'
    if (!entry || entry.versionedId !== snapshot.versionedId || isAgain) {
      this.#put(snapshot, entry)
      return
    }
    entry.override = snapshot.override
    this.#identify(entry, snapshot.id)
    if (snapshot.status === 'unusable') this.#spoil(entry, snapshot)
    else if (snapshot.status === 'ok' && this.#unopened.has(entry)) this.#becomeUsable(entry)
  }

  #put(snapshot: EntrySnapshot, previous: CatalogueEntry | undefined): void {
    this.#remove(previous)
    const { promise, resolve } = Promise.withResolvers<void>()
    const entry: CatalogueEntry = { ...snapshot, status: 'opening', opened: promise }
    this.#byKey.set(keyOf(entry.organization, entry.name), entry)
    this.#byId.set(idOf(entry.organization, entry.name), entry)
    this.#byId.set(entry.id, entry)
    this.#unopened.set(entry, { done: resolve, previous })
    if (snapshot.status === 'unusable') this.#spoil(entry, snapshot)
    else if (snapshot.status === 'ok') this.#usable.add(entry)
  }

  #remove(entry: CatalogueEntry | undefined): void {
    if (!entry) return
    this.#byKey.delete(keyOf(entry.organization, entry.name))
    this.#byId.delete(entry.id)
    this.#byId.delete(idOf(entry.organization, entry.name))
    this.#usable.delete(entry)
    this.#unopened.get(entry)?.done()
    this.#unopened.delete(entry)
    this.#options.drop(entry.versionedId)
  }

  #spoil(entry: CatalogueEntry, { reason, leadsTo }: EntrySnapshot): void {
    entry.status = 'unusable'
    entry.reason = reason ?? 'it cannot be opened'
    entry.leadsTo = leadsTo
    delete entry.dataset
    this.#usable.delete(entry)
    this.#unopened.get(entry)?.done()
    this.#unopened.delete(entry)
  }

  #identify(entry: CatalogueEntry, id: string): void {
    if (entry.id !== id && entry.id !== idOf(entry.organization, entry.name)) this.#byId.delete(entry.id)
    entry.id = id
    this.#byId.set(id, entry)
  }

  #asked(entry: CatalogueEntry | undefined): CatalogueEntry | undefined {
    if (entry && entry.dataset === undefined && this.#usable.has(entry)) this.#open(entry)
    return entry
  }

  /** Who asked while the main thread was opening it waits for it already, so that nobody will ask again. */
  #becomeUsable(entry: CatalogueEntry): void {
    this.#usable.add(entry)
    this.#open(entry)
  }

  #open(entry: CatalogueEntry): void {
    const lazy = this.#unopened.get(entry)
    const { descriptor } = entry.found
    this.#usable.delete(entry)
    this.#unopened.delete(entry)
    if (!lazy || !descriptor) return
    const { versionedId, name, isRemote } = entry
    this.#openings.add(isRemote ? 'remote' : 'local', async () => {
      try {
        this.#opened(entry, await this.#options.open(versionedId, name, descriptor, () => this.#options.stale(versionedId)))
      } catch (error) {
        this.#failed(entry, error, lazy.previous)
      }
      lazy.done()
    })
  }

  #opened(entry: CatalogueEntry, dataset: Dataset): void {
    entry.dataset = dataset
    entry.status = 'ok'
    delete entry.reason
  }

  /** The main thread could open it: it may be a moment's trouble, and a server in trouble takes nothing away. */
  #failed(entry: CatalogueEntry, error: unknown, previous: CatalogueEntry | undefined): void {
    const isAlike = JSON.stringify(previous?.found.descriptor) === JSON.stringify(entry.found.descriptor)
    if (error instanceof UpstreamError && previous?.dataset && isAlike) {
      this.#opened(entry, previous.dataset)
      return
    }
    entry.status = 'unusable'
    entry.reason = messageOf(error)
    const again = () => {
      if (this.#byKey.get(keyOf(entry.organization, entry.name)) === entry && entry.status === 'unusable')
        this.#put({ ...entry, status: 'ok' }, entry)
    }
    setTimeout(again, this.#options.retryMs ?? RETRY_MS).unref()
  }
}
