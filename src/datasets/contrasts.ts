/**
 * Between which values each layer is shown at first. Measured once in the background, a layer at a time, and remembered in a file for
 * the next start; nobody ever waits for it longer than they want to.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Layer } from '../volume/chunked-array.ts'
import { type CatalogueEntry, within } from './catalogue.ts'
import { keyOf } from './found.ts'
import { replaceFile } from './write.ts'

export type Contrast = readonly [number, number]

export type ContrastEntry = Pick<CatalogueEntry, 'organization' | 'name' | 'found' | 'versionedId' | 'dataset'>

/** What requests ask. */
export interface KnownContrasts {
  /** What is known by now. */
  of(entry: ContrastEntry, layer: Layer): Contrast | undefined
  /** Resolves when all layers of these datasets have been measured, or after this time. */
  settle(entries: readonly ContrastEntry[], timeoutMs: number): Promise<void>
}

export interface ContrastsOptions {
  /** Undefined: it is forgotten when the program ends. */
  readonly file: string | undefined
  /** Undefined where the layer has none. Rejects where it cannot be read just now. */
  readonly measure: (layer: Layer, signal: AbortSignal) => Promise<Contrast | undefined>
  /** Told when all that was asked for has been measured, and something new is known. */
  readonly changed?: () => void
}

/** `null`: measured, and it has none. */
const Remembered = Type.Record(
  Type.String(),
  Type.Object({
    files: Type.String(),
    layers: Type.Record(Type.String(), Type.Union([Type.Tuple([Type.Number(), Type.Number()]), Type.Null()])),
  }),
)
type Remembered = Static<typeof Remembered>[string]

const FILE_VERSION = 1
const MAX_DATASETS = 20_000
const MEASURE_MS = 30_000
/** What could not be read is not tried again before. */
const RETRY_MS = 60_000
const SAVE_MS = 1000
/** Between two layers the machine belongs to others for as long as one took, at most. */
const MAX_REST_MS = 100

export class Contrasts implements KnownContrasts {
  readonly #options: ContrastsOptions
  readonly #known = new Map<string, Remembered>()
  readonly #pending = new Map<string, Promise<void>>()
  readonly #failed = new Map<string, number>()
  /** What an earlier run has measured is known then. */
  readonly loaded: Promise<void>
  #last: Promise<void>
  #isNews = false
  #saving: ReturnType<typeof setTimeout> | undefined

  constructor(options: ContrastsOptions) {
    this.#options = options
    this.loaded = this.#load()
    this.#last = this.loaded
  }

  /** Another object whenever more is known of a dataset, for who keeps what was made of it. */
  revisionOf(entry: ContrastEntry): object | undefined {
    return this.#entryOf(entry)
  }

  /** All that is known of a dataset, by layer; null where a layer has none. */
  all(entry: ContrastEntry): Readonly<Record<string, Contrast | null>> {
    return this.#entryOf(entry)?.layers ?? {}
  }

  /** What is known by now. Starts measuring what is not. */
  of(entry: ContrastEntry, layer: Layer): Contrast | undefined {
    const known = this.#entryOf(entry)?.layers[layer.name]
    if (known === undefined) void this.#measure(entry, layer)
    return known ?? undefined
  }

  /** Resolves when all layers of these datasets have been measured, or after this time. */
  async settle(entries: readonly ContrastEntry[], timeoutMs: number): Promise<void> {
    const measured = this.loaded.then(() =>
      Promise.all(entries.flatMap((entry) => (entry.dataset?.layers ?? []).map((layer) => this.#measure(entry, layer)))),
    )
    await within(measured, timeoutMs)
  }

  #entryOf({ organization, name, found }: ContrastEntry): Remembered | undefined {
    const known = this.#known.get(keyOf(organization, name))
    return known?.files === digest(found.fingerprint) ? known : undefined
  }

  #measure(entry: ContrastEntry, layer: Layer): Promise<void> {
    if (this.#entryOf(entry)?.layers[layer.name] !== undefined) return Promise.resolve()
    const key = `${entry.versionedId}/${layer.name}`
    const pending = this.#pending.get(key)
    if (pending) return pending
    if (Date.now() - (this.#failed.get(key) ?? -RETRY_MS) < RETRY_MS) return Promise.resolve()
    let took = 0
    const work = this.#last
      .then(async () => {
        // what the file remembers has been read by now
        if (this.#entryOf(entry)?.layers[layer.name] !== undefined) return
        const start = performance.now()
        await this.#measureNow(entry, layer, key)
        took = performance.now() - start
      })
      .finally(() => {
        this.#pending.delete(key)
        if (this.#pending.size > 0 || !this.#isNews) return
        this.#isNews = false
        this.#options.changed?.()
      })
    this.#last = work.then(() => (took > 0 ? rest(Math.min(took, MAX_REST_MS)) : undefined))
    this.#pending.set(key, work)
    return work
  }

  async #measureNow(entry: ContrastEntry, layer: Layer, key: string): Promise<void> {
    try {
      this.#remember(entry, layer.name, await this.#options.measure(layer, AbortSignal.timeout(MEASURE_MS)))
      this.#failed.delete(key)
    } catch {
      // whoever looks at the layer is told why; without a range it is shown as it is
      if (this.#failed.size >= MAX_DATASETS) this.#failed.clear()
      this.#failed.set(key, Date.now())
    }
  }

  #remember(entry: ContrastEntry, layer: string, contrast: Contrast | undefined): void {
    const layers = { ...this.#entryOf(entry)?.layers, [layer]: contrast ? ([contrast[0], contrast[1]] as [number, number]) : null }
    const known = { files: digest(entry.found.fingerprint), layers }
    const key = keyOf(entry.organization, entry.name)
    this.#isNews = true
    this.#known.delete(key)
    this.#known.set(key, known)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_DATASETS) break
      this.#known.delete(oldest)
    }
    this.#saving ??= setTimeout(() => {
      this.#saving = undefined
      void this.#save()
    }, SAVE_MS)
    this.#saving.unref()
  }

  async #load(): Promise<void> {
    if (!this.#options.file) return
    try {
      const json: unknown = JSON.parse(await readFile(this.#options.file, 'utf8'))
      const { version, datasets } = json as { version?: unknown; datasets?: unknown }
      if (version !== FILE_VERSION || !Value.Check(Remembered, datasets)) return
      for (const [key, remembered] of Object.entries(datasets)) this.#known.set(key, remembered)
    } catch {
      // not there, or damaged: it is measured again
    }
  }

  async #save(): Promise<void> {
    const { file } = this.#options
    if (!file) return
    const json = { version: FILE_VERSION, datasets: Object.fromEntries(this.#known) }
    // a folder that cannot be written only costs the next start the measuring
    await replaceFile(file, `${JSON.stringify(json)}\n`).catch(() => {})
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref())

/** A fingerprint may hold what datasets.json says, secrets included. */
const digest = (fingerprint: string): string => createHash('sha256').update(fingerprint).digest('hex').slice(0, 16)
