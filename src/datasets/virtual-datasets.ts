/**
 * Datasets that only core knows: it gave them to us with a path for every mag (protocol.md 9.3). They are opened when somebody asks
 * for one, and forgotten when core says so, or when its data source is found to be another. One list per serving thread.
 */
import type { Dataset } from '../volume/chunked-array.ts'
import { messageOf } from '../volume/errors.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'
import { isRecord } from './entries.ts'
import { keyOf } from './found.ts'

export interface VirtualOptions {
  /** Core's data source of an id; undefined where core has none. Throws where core gives no answer. */
  readonly dataSource: (id: string) => Promise<unknown>
  readonly open: (versionedId: string, name: string, dataSource: unknown, changed: () => void) => Promise<Dataset>
  /** Drops everything cached under a versioned id. */
  readonly drop: (versionedId: string) => void
  readonly now?: () => number
}

interface Held {
  readonly entry: CatalogueEntry
  /** The data source it was opened from, JSON. */
  readonly written: string
  /** Core is asked again then. */
  until: number
}

/** As core's ids (webknossos/ids.ts); what could not be opened is tried again sooner. */
const KNOWN_MS = 5 * 60_000
const BROKEN_MS = 20_000
const MOST = 1000

export class VirtualDatasets {
  readonly #options: VirtualOptions
  readonly #now: () => number
  readonly #held = new Map<string, Held>()
  readonly #asking = new Map<string, Promise<CatalogueEntry | undefined>>()
  #version = 0

  constructor(options: VirtualOptions) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /** What is known of an id at once. */
  held(id: string): CatalogueEntry | undefined {
    const held = this.#held.get(id)
    return held && this.#now() < held.until ? held.entry : undefined
  }

  /** Opened, or known to be unusable. Undefined where core has no such dataset, or one whose paths lead nowhere but to us. */
  async find(id: string): Promise<CatalogueEntry | undefined> {
    const held = this.held(id)
    if (held) return held
    let asking = this.#asking.get(id)
    if (!asking) {
      asking = this.#ask(id).finally(() => this.#asking.delete(id))
      this.#asking.set(id, asking)
    }
    return asking
  }

  forget(id: string): void {
    const held = this.#held.get(id)
    this.#held.delete(id)
    this.#asking.delete(id)
    if (held) this.#options.drop(held.entry.versionedId)
  }

  async #ask(id: string): Promise<CatalogueEntry | undefined> {
    const before = this.#held.get(id)
    let dataSource: unknown
    try {
      dataSource = await this.#options.dataSource(id)
    } catch (error) {
      // while core is away what it said before holds
      if (before) return before.entry
      throw error
    }
    const name = nameIn(dataSource)
    if (!name || !hasPaths(dataSource)) {
      this.forget(id)
      return undefined
    }
    const written = JSON.stringify(dataSource)
    if (before?.written === written && before.entry.status === 'ok') {
      before.until = this.#now() + KNOWN_MS
      return before.entry
    }
    this.forget(id)
    return this.#open(id, name, dataSource, written)
  }

  async #open(id: string, { organization, name }: Named, dataSource: unknown, written: string): Promise<CatalogueEntry> {
    const versionedId = `virtual/${id}@${++this.#version}`
    const found = { organization, name, rule: 'webKnossos says where its mags lie', fingerprint: versionedId }
    const opened = Promise.resolve()
    const entry: CatalogueEntry = { id, organization, name, found, versionedId, status: 'opening', opened, isRemote: true }
    try {
      entry.dataset = await this.#options.open(versionedId, name, dataSource, () => this.forget(id))
      entry.status = 'ok'
    } catch (error) {
      entry.status = 'unusable'
      entry.reason = messageOf(error)
    }
    this.#keep(id, { entry, written, until: this.#now() + (entry.status === 'ok' ? KNOWN_MS : BROKEN_MS) })
    return entry
  }

  #keep(id: string, held: Held): void {
    const oldest = this.#held.size >= MOST ? this.#held.keys().next().value : undefined
    if (oldest !== undefined) this.forget(oldest)
    this.#held.set(id, held)
  }
}

interface Named {
  readonly organization: string
  readonly name: string
}

function nameIn(dataSource: unknown): Named | undefined {
  const id = isRecord(dataSource) ? dataSource['id'] : undefined
  const { team: organization, name } = isRecord(id) ? id : {}
  return typeof organization === 'string' && typeof name === 'string' && keyOf(organization, name).length < 1000
    ? { organization, name }
    : undefined
}

/** Some mag has a path of its own; those of our reports are relative to our addresses. */
function hasPaths(dataSource: unknown): boolean {
  const layers = isRecord(dataSource) && Array.isArray(dataSource['dataLayers']) ? dataSource['dataLayers'] : []
  return layers.some(
    (layer) => isRecord(layer) && Array.isArray(layer['mags']) && layer['mags'].some((mag) => isRecord(mag) && isAbsolute(mag['path'])),
  )
}

const isAbsolute = (path: unknown): boolean => typeof path === 'string' && /^(\/|[a-z][a-z0-9+.|:-]*:\/\/)/i.test(path)
