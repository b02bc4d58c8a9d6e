/** The REST API of a BossDB, and what its refusals mean in words. Retries, time limits and breakers are the HTTP client's. */
import type { HttpClient } from '../../stores/http/client.ts'
import type { Guard } from '../../stores/http/guard.ts'
import type { HttpAnswer } from '../../stores/http/transport.ts'
import { encodePart } from '../../stores/http/url.ts'
import { CorruptChunk, Unusable, UpstreamError } from '../../volume/errors.ts'
import type { Limit } from '../../volume/limit.ts'
import { type BossAccount, parseJson } from './auth.ts'

export interface BossApiParts {
  /** Root of the API, with a slash at the end. */
  readonly url: URL
  readonly client: HttpClient
  readonly limit: Limit
  readonly guard: Guard | undefined
  readonly account: BossAccount
}

/** The parts of a path; what it asks for in words. */
export interface Question {
  readonly path: readonly string[]
  readonly query?: string | undefined
  readonly what: string
}

const MAX_JSON = 4 * 1024 * 1024
/** A BossDB fetches a cold cuboid from its own storage before it answers. */
const FIRST_BYTE_MS = 14_000

export class BossApi {
  readonly #parts: BossApiParts

  constructor(parts: BossApiParts) {
    this.#parts = parts
  }

  /** For messages. */
  get url(): string {
    return this.#parts.url.href.replace(/\/$/, '')
  }

  /** Throws `Unusable` with what to correct where the server refuses, `UpstreamError` where it cannot be asked. */
  async getJson(question: Question, signal?: AbortSignal): Promise<unknown> {
    let answer: HttpAnswer
    try {
      answer = await this.#send(question, 'application/json', MAX_JSON, signal)
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error
      const { cause } = error.details
      const advice = 'is its domain right, and does this machine reach it? It is tried again by itself'
      throw new UpstreamError({
        cause: `${this.url} cannot be asked for ${question.what} (${this.#parts.account.redact(cause)}): ${advice}`,
      })
    }
    if (answer.status !== 200) throw new Unusable(this.#refusal(question, answer))
    const json = parseJson(answer.bytes)
    if (json === undefined) throw new Unusable(`${this.url} answers with what is no JSON: is it the API of a BossDB?`)
    return json
  }

  /** The Blosc container of a cutout. Throws `Unusable` where it is no longer there or may no longer be read, `UpstreamError`, `CorruptChunk`. */
  async getCutout(question: Question, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    const answer = await this.#send(question, 'application/blosc', maxBytes, signal)
    const { status, headers, bytes } = answer
    const file = this.#urlOf(question).pathname
    if (status === 401 || status === 403 || status === 404) throw new Unusable(this.#refusal(question, answer))
    if (status !== 200) throw new CorruptChunk({ file, cause: this.#refusal(question, answer) })
    const type = headers.get('content-type') ?? ''
    if (/json|html|text/i.test(type)) throw new UpstreamError({ file, cause: `a cutout was asked for, the answer is ${type}` })
    return bytes
  }

  async #send(question: Question, accept: string, maxBytes: number, signal?: AbortSignal): Promise<HttpAnswer> {
    const { client, limit, guard, account } = this.#parts
    const url = this.#urlOf(question)
    for (let attempt = 0; ; attempt++) {
      const authorization = await account.authorization()
      const headers = { Authorization: authorization, Accept: accept }
      const request = { url, headers, maxBytes, guard, firstByteMs: FIRST_BYTE_MS }
      const answer = await limit.run(() => client.send(request, { signal }), signal)
      if (answer.status !== 401 || attempt > 0 || !account.refused(authorization)) return answer
    }
  }

  #urlOf({ path, query }: Question): URL {
    // colons stay as they are in the ranges of a cutout
    const url = new URL(path.map((part) => encodePart(part).replaceAll('%3A', ':')).join('/'), this.#parts.url)
    // without the slash at the end a BossDB does not find a cutout
    url.pathname = `${url.pathname}/`
    if (query) url.search = query
    return url
  }

  #refusal({ what }: Question, { status, bytes }: HttpAnswer): string {
    const { account } = this.#parts
    const json = parseJson(bytes)
    const message =
      typeof json === 'object' && json !== null ? ('message' in json ? json.message : 'detail' in json ? json.detail : '') : ''
    const says =
      typeof message === 'string' && message !== '' ? ` (${account.redact(message.replace(/\p{Cc}+/gu, ' ').slice(0, 300))})` : ''
    if (status === 401) {
      if (account.kind === 'public')
        return `${this.url} wants an account for ${what}${says}: add a token, or username and password, to its entry`
      return `${this.url} refuses ${account.kind === 'token' ? 'the token' : 'the account'}${says}: correct it in its entry of datasets.json`
    }
    if (status === 403) {
      const who = account.kind === 'public' ? 'without an account, ' : ''
      return `${who}${what} may not be read at ${this.url}${says}: ask its owner for permission, or use another account`
    }
    if (status === 404)
      return `${what} is not at ${this.url}${says}: correct the names in its entry, or ask its owner whether it was removed`
    return `${this.url} answers with status ${status} to ${what}${says}`
  }
}
