/** Which core we are connected to, learned from its build info and learned again, because cores are upgraded while we run. */
import { type CoreClient, CoreUnreachable } from './client.ts'

export interface CoreVersion {
  /** HTTP API version; 0 for cores that state none, which are those of webknossos-connect's time (protocol.md 0). */
  readonly api: number
  readonly oldest: number
  /** As core calls itself. */
  readonly release: string
  /** Of its database, where it is stated. */
  readonly schema?: number | undefined
}

/** From this version on datasets are asked for by id (protocol.md 1.3). */
const IDS_SINCE = 10
/** From this version on core knows 64-bit ids as envelopes (protocol.md 8). */
const ENVELOPES_SINCE = 15
/** From this version on, as far as known, a report of everything wraps each data source (protocol.md 8). */
const WRAPS_SINCE = 15
/** An older answer is asked for again before it decides anything. */
const FRESH_MS = 60_000

export const knowsIds = ({ api }: CoreVersion): boolean => api >= IDS_SINCE
export const knowsEnvelopes = ({ api }: CoreVersion): boolean => api >= ENVELOPES_SINCE
export const wrapsReports = ({ api }: CoreVersion): boolean => api >= WRAPS_SINCE
export const isSame = (a: CoreVersion | undefined, b: CoreVersion): boolean =>
  a !== undefined && a.api === b.api && a.release === b.release && a.schema === b.schema

/** Undefined for what is no build info of a webKnossos server. */
export function parseBuildInfo(json: unknown): CoreVersion | undefined {
  if (typeof json !== 'object' || json === null || !('webknossos' in json)) return undefined
  const { webknossos, httpApiVersioning, schemaVersion } = json as Record<string, Record<string, unknown> | undefined>
  const whole = (value: unknown): number | undefined => (Number.isInteger(value) ? (value as number) : undefined)
  const api = whole(httpApiVersioning?.['currentApiVersion']) ?? 0
  const release = [webknossos?.['version'], webknossos?.['commitHash']].filter((part) => typeof part === 'string').join(' ')
  return { api, oldest: whole(httpApiVersioning?.['oldestSupportedApiVersion']) ?? api, release, schema: whole(schemaVersion) }
}

export class VersionOfCore {
  readonly #client: CoreClient
  #known: CoreVersion | undefined
  #learnedAt = 0
  #learning: Promise<CoreVersion> | undefined

  constructor(client: CoreClient) {
    this.#client = client
  }

  get known(): CoreVersion | undefined {
    return this.#known
  }

  /** At most a minute old; older where core does not answer just now. Throws `CoreUnreachable` where it never did. */
  async current(): Promise<CoreVersion> {
    if (this.#known && performance.now() - this.#learnedAt < FRESH_MS) return this.#known
    const known = this.#known
    return this.learn().catch((error) => {
      if (known) return known
      throw error
    })
  }

  /** Asks again. Throws `CoreUnreachable`. */
  learn(): Promise<CoreVersion> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined
    })
    return this.#learning
  }

  async #learn(): Promise<CoreVersion> {
    const answer = await this.#client.ask('GET', '/api/buildinfo')
    const version = parseBuildInfo(answer.json)
    if (!version) throw new CoreUnreachable(`answers /api/buildinfo with ${answer.status}, but not as a webKnossos server does`)
    this.#known = version
    this.#learnedAt = performance.now()
    return version
  }
}
