/** Asking core: one place that knows its address and our key, so that no error and no log line can carry either. */
import { codeOf } from '../stores/errors.ts'

export interface CoreAddress {
  /** Of the webKnossos server, without a slash at the end. */
  readonly url: string
  /** Our name there. */
  readonly datastore: string
  readonly key: string
}

export interface CoreAnswer {
  readonly status: number
  readonly ok: boolean
  readonly text: string
  /** Undefined where the text is no JSON. */
  readonly json: unknown
}

export interface CoreRequest {
  readonly query?: Readonly<Record<string, string | undefined>>
  /** JSON. */
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Core gave no answer, or none that means anything. May pass. */
export class CoreUnreachable extends Error {
  override readonly name = 'CoreUnreachable'
}

/** Core knows no datastore of our name with our key. */
export class KeyRefused extends Error {
  override readonly name = 'KeyRefused'
}

/** How long anybody waits for core (protocol.md 1.3). */
export const CORE_TIMEOUT_MS = 10_000

export class CoreClient {
  readonly address: CoreAddress

  constructor(address: CoreAddress) {
    this.address = { ...address, url: address.url.replace(/\/+$/, '') }
  }

  /** `path` below core's address. Throws `CoreUnreachable`; every status is an answer. */
  async ask(
    method: string,
    path: string,
    { query = {}, body, headers, timeoutMs = CORE_TIMEOUT_MS }: CoreRequest = {},
  ): Promise<CoreAnswer> {
    const parameters = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
    )
    const url = `${this.address.url}${path}${parameters.length > 0 ? `?${parameters.join('&')}` : ''}`
    const send = () =>
      fetch(url, {
        method,
        ...(body === undefined ? {} : { body }),
        headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), Accept: 'application/json', ...headers },
        // a followed redirect would lose the body, or hand the key to somebody else
        redirect: 'manual',
        signal: AbortSignal.timeout(timeoutMs),
      })
    try {
      // a connection kept from before core was restarted breaks when it is used again
      const response = await send().catch((error) => {
        if (codeOf(error) === 'ECONNRESET' || codeOf(error) === 'ConnectionClosed') return send()
        throw error
      })
      const text = await response.text()
      if (response.status >= 300 && response.status < 400) throw new CoreUnreachable(redirected(response))
      return { status: response.status, ok: response.ok, text, json: parse(text) }
    } catch (error) {
      throw error instanceof CoreUnreachable ? error : new CoreUnreachable(whyNot(error, timeoutMs))
    }
  }

  /** A route for datastores; `path` begins below our name. Throws `CoreUnreachable`, and `KeyRefused` for 403. */
  async askAsDatastore(method: string, path: string, request: CoreRequest = {}): Promise<CoreAnswer> {
    const { datastore, key } = this.address
    const query = { key, ...request.query }
    const answer = await this.ask(method, `/api/datastores/${encodeURIComponent(datastore)}${path}`, { ...request, query })
    if (answer.status === 403) throw new KeyRefused(`core refuses the name or the key of datastore ${datastore}`)
    return answer
  }

  /** What core says in an answer that is not the one asked for; short, on one line, our secrets taken out. */
  saying({ status, text, json }: CoreAnswer): string {
    const messages = (json as { messages?: { error?: unknown }[] } | undefined)?.messages
    const said = Array.isArray(messages)
      ? messages
          .map((one) => one?.error)
          .filter(Boolean)
          .join('; ')
      : text
    const { key } = this.address
    const words = said.replaceAll(key, '…').replaceAll(encodeURIComponent(key), '…').replace(/\s+/g, ' ').slice(0, 300)
    return `status ${status}${words ? `: ${words}` : ''}`
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const redirected = (response: Response): string => {
  const target = response.headers
    .get('location')
    ?.split('?')[0]
    ?.replace(/\/api\/.*$/, '')
  return `redirects${target ? ` to ${target}; give that as its address` : ''}`
}

/** The runtime's own messages may name the URL, and with it the key. */
function whyNot(error: unknown, timeoutMs: number): string {
  const code = codeOf(error)
  if (error instanceof Error && error.name === 'TimeoutError') return `did not answer within ${timeoutMs / 1000} s`
  if (code === 'ConnectionRefused' || code === 'ECONNREFUSED') return 'refuses connections'
  if (/CERT|SELF_SIGNED|ISSUER/.test(code ?? '')) return `has a certificate that is not trusted (${code})`
  return `cannot be reached${code ? ` (${code})` : ''}`
}
