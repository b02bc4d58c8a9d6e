/**
 * Core's ids of our datasets. The datastore does not know them until it asks: by name for the id, by id for the name
 * (protocol.md 1.4). What is known holds for 5 minutes, and longer while core is away; what is not known for seconds, because a
 * dataset may just have been made.
 */
import { type CoreClient, CoreUnreachable } from './client.ts'

export interface DatasetName {
  readonly organization: string
  readonly name: string
}

interface Known<T> {
  /** Undefined: core knows none. */
  readonly value: T | undefined
  readonly until: number
}

const KNOWN_MS = 5 * 60_000
const UNKNOWN_MS = 3000
const MAX_ENTRIES = 50_000

export const isId = (word: string): boolean => /^[0-9a-f]{24}$/i.test(word)

export class DatasetIds {
  readonly #client: CoreClient
  readonly #ids = new Map<string, Known<string>>()
  readonly #names = new Map<string, Known<DatasetName>>()
  readonly #asking = new Map<string, Promise<unknown>>()
  readonly #now: () => number
  readonly #learned: (name: DatasetName, id: string) => void

  /** `learned` is told each pair as it becomes known. */
  constructor(
    client: CoreClient,
    learned: (name: DatasetName, id: string) => void = () => {},
    now: () => number = () => performance.now(),
  ) {
    this.#client = client
    this.#learned = learned
    this.#now = now
  }

  /** Undefined where core has no such dataset. Throws `CoreUnreachable`, `KeyRefused`. */
  async idOf(dataset: DatasetName): Promise<string | undefined> {
    const { organization, name } = dataset
    return this.#resolve(this.#ids, JSON.stringify([organization, name]), () => this.#askId(dataset))
  }

  /** Asks core, whatever is known. */
  async askedIdOf(dataset: DatasetName): Promise<string | undefined> {
    this.#ids.delete(JSON.stringify([dataset.organization, dataset.name]))
    return this.idOf(dataset)
  }

  /** Undefined where core has no such dataset. Throws `CoreUnreachable`, `KeyRefused`. */
  async nameOf(id: string): Promise<DatasetName | undefined> {
    return this.#resolve(this.#names, id, () => this.#askName(id))
  }

  /** The data source core keeps of a dataset, as it is. Undefined where core has no such dataset. Throws as above. */
  async dataSourceOf(id: string): Promise<unknown> {
    const answer = await this.#client.askAsDatastore('GET', `/datasources/${encodeURIComponent(id)}`)
    return answer.ok ? answer.json : notThere(this.#client, answer)
  }

  forget(id: string): void {
    const { value } = this.#names.get(id) ?? {}
    this.#names.delete(id)
    if (value) this.#ids.delete(JSON.stringify([value.organization, value.name]))
  }

  async #resolve<T>(known: Map<string, Known<T>>, key: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    const entry = known.get(key)
    if (entry && this.#now() < entry.until) return entry.value
    let asking = this.#asking.get(key) as Promise<T | undefined> | undefined
    if (!asking) {
      asking = ask().finally(() => this.#asking.delete(key))
      this.#asking.set(key, asking)
    }
    try {
      const value = await asking
      this.#remember(known, key, value)
      return value
    } catch (error) {
      if (entry?.value !== undefined) return entry.value
      throw error
    }
  }

  async #askId(dataset: DatasetName): Promise<string | undefined> {
    const query = { organizationId: dataset.organization, datasetDirectoryName: dataset.name }
    const answer = await this.#client.askAsDatastore('GET', '/findDatasetId', { query })
    const id = answer.ok && typeof answer.json === 'string' && isId(answer.json) ? answer.json : undefined
    if (id === undefined) return notThere(this.#client, answer)
    this.#remember(this.#names, id, dataset)
    this.#learned(dataset, id)
    return id
  }

  async #askName(id: string): Promise<DatasetName | undefined> {
    const answer = await this.#client.askAsDatastore('GET', `/datasources/${encodeURIComponent(id)}`)
    const source = (answer.ok ? answer.json : undefined) as { id?: { team?: unknown; name?: unknown } } | undefined
    const { team: organization, name } = source?.id ?? {}
    if (typeof organization !== 'string' || typeof name !== 'string') return notThere(this.#client, answer)
    this.#remember(this.#ids, JSON.stringify([organization, name]), id)
    this.#learned({ organization, name }, id)
    return { organization, name }
  }

  #remember<T>(known: Map<string, Known<T>>, key: string, value: T | undefined): void {
    if (known.size >= MAX_ENTRIES) known.delete(known.keys().next().value!)
    known.set(key, { value, until: this.#now() + (value === undefined ? UNKNOWN_MS : KNOWN_MS) })
  }
}

/** Not found is an answer; a core in trouble gives none. */
function notThere(client: CoreClient, answer: Awaited<ReturnType<CoreClient['ask']>>): undefined {
  if (answer.status >= 500) throw new CoreUnreachable(`answers with ${client.saying(answer)}`)
  return undefined
}
