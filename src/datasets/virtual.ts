/**
 * Virtual datasets: core keeps their data source, with an explicit path for every mag, and may give one to any datastore
 * (protocol.md 9.3). Only what the owner of this server allows to be read is opened, whatever the paths say.
 */
import { PROPERTIES_FILE } from '../formats/wkw/metadata.ts'
import type { AllowedFolders } from '../stores/allowed.ts'
import type { Readable, Stat, Store } from '../stores/store.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import { Unusable } from '../volume/errors.ts'
import { isRecord } from './entries.ts'
import { openStore, type Resources } from './open.ts'

/**
 * Opens a data source as core hands it out. `id`: organization/dataset@version; `allowed`: folders its paths may lead to. Throws
 * `Unusable` where none of its layers can be opened; a layer that cannot takes no other along.
 */
export async function openVirtual(
  id: string,
  name: string,
  dataSource: unknown,
  resources: Resources,
  allowed: AllowedFolders,
  changed: () => void,
): Promise<Dataset> {
  if (!isRecord(dataSource)) throw new Unusable('its data source is not an object')
  if (typeof dataSource['status'] === 'string') throw new Unusable(dataSource['status'])
  const store = new OneDocument(new TextEncoder().encode(JSON.stringify(dataSource)))
  const dataset = await openStore({ id, name, store, format: 'wkw', options: {}, resources, allowed, isTrusted: false, changed })
  return { ...dataset, notes: ['a virtual dataset: webKnossos says where its mags lie', ...dataset.notes] }
}

/** Only the data source itself has a key: paths relative to it lead nowhere. */
class OneDocument implements Store {
  readonly url = 'virtual'
  readonly #bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  async stat(key: string): Promise<Stat | undefined> {
    return key === PROPERTIES_FILE ? { size: this.#bytes.length, version: '' } : undefined
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return key === PROPERTIES_FILE ? this.#bytes : undefined
  }

  open(): Readable | undefined {
    return undefined
  }

  async list(): Promise<[]> {
    return []
  }
}
