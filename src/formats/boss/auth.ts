/**
 * Who we are for a BossDB: a token that does not change, or one that Keycloak gives for a user name and a password (OAuth's password
 * grant, client `endpoint`) and takes back after half an hour. All datasets with the same name and password share one.
 */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { HttpAnswer, HttpRequest } from '../../stores/http/transport.ts'
import { Unusable, UpstreamError } from '../../volume/errors.ts'
import type { MaybePromise } from '../../volume/maybe-promise.ts'

/** What an entry says; nothing of both is the public token. */
export interface BossCredentials {
  readonly token?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
}

export interface BossAccount {
  /** In words, for messages. */
  readonly kind: 'public' | 'token' | 'user'
  /** The value of the Authorization header. Throws `Unusable` where the password is refused, `UpstreamError` where nobody can tell. */
  authorization(): MaybePromise<string>
  /** Told that a header was refused: false where asking again is pointless. */
  refused(authorization: string): boolean
  /** What servers say without what they should not repeat. */
  redact(text: string): string
}

const HIDDEN = '•••'

export class TokenAccount implements BossAccount {
  readonly kind: 'public' | 'token'
  readonly #token: string

  constructor(token?: string) {
    this.kind = token === undefined || token === 'public' ? 'public' : 'token'
    this.#token = token ?? 'public'
  }

  authorization(): string {
    return `Token ${this.#token}`
  }

  refused(): boolean {
    return false
  }

  redact(text: string): string {
    return this.kind === 'public' ? text : text.replaceAll(this.#token, HIDDEN)
  }
}

const Answer = Type.Object({
  access_token: Type.RegExp(/^[\x21-\x7e]+$/),
  expires_in: Type.Optional(Type.Number()),
  refresh_token: Type.Optional(Type.String()),
  refresh_expires_in: Type.Optional(Type.Number()),
})

interface Tokens {
  readonly access: string
  /** When it must be renewed, which is before it expires; by `performance.now()`. */
  readonly renewAt: number
  readonly refresh?: string | undefined
  readonly refreshUntil: number
}

export interface KeycloakOptions {
  readonly url: URL
  readonly username: string
  readonly password: string
  readonly send: (request: HttpRequest) => Promise<HttpAnswer>
  /** How long a refused password is not tried again: Keycloak locks accounts of which it sees many. */
  readonly patienceMs?: number
}

const MAX_ANSWER = 256 * 1024
const USUAL_SECONDS = 1800
const PATIENCE_MS = 10 * 60_000

export class KeycloakAccount implements BossAccount {
  readonly kind = 'user'
  readonly #options: KeycloakOptions
  #tokens: Tokens | undefined
  #flight: Promise<string> | undefined
  #refusal: { readonly error: Unusable; readonly until: number } | undefined

  constructor(options: KeycloakOptions) {
    this.#options = options
  }

  authorization(): MaybePromise<string> {
    const now = performance.now()
    if (this.#tokens && now < this.#tokens.renewAt) return `Bearer ${this.#tokens.access}`
    if (this.#refusal && now < this.#refusal.until) throw this.#refusal.error
    this.#flight ??= this.#renew().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  refused(authorization: string): boolean {
    // whoever got the one before has nothing to do with the one there is now
    if (this.#tokens && authorization === `Bearer ${this.#tokens.access}`) this.#tokens = undefined
    return true
  }

  redact(text: string): string {
    const { password } = this.#options
    const secrets = [password, this.#tokens?.access, this.#tokens?.refresh].filter((secret) => secret !== undefined && secret !== '')
    return secrets.reduce<string>((shown, secret) => shown.replaceAll(secret!, HIDDEN), text)
  }

  async #renew(): Promise<string> {
    const { username, password } = this.#options
    const { refresh, refreshUntil } = this.#tokens ?? { refreshUntil: 0 }
    const isFresh = refresh !== undefined && performance.now() < refreshUntil
    // a refresh token may have been taken back: then the password counts
    const tokens =
      (isFresh && (await this.#ask({ grant_type: 'refresh_token', refresh_token: refresh }))) ||
      (await this.#ask({ grant_type: 'password', username, password }))
    if (!tokens) {
      const who = `user name or password of ${JSON.stringify(username)}`
      const error = new Unusable(
        `${this.#options.url.origin} refuses the ${who}: correct username and password in its entry of datasets.json`,
      )
      this.#refusal = { error, until: performance.now() + (this.#options.patienceMs ?? PATIENCE_MS) }
      throw error
    }
    this.#tokens = tokens
    return `Bearer ${tokens.access}`
  }

  /** Undefined where what we have is refused. */
  async #ask(form: Readonly<Record<string, string>>): Promise<Tokens | undefined> {
    const { url, send } = this.#options
    const body = new URLSearchParams({ client_id: 'endpoint', ...form }).toString()
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' }
    const { status, bytes } = await send({ url, method: 'POST', headers, body, maxBytes: MAX_ANSWER })
    if (status === 400 || status === 401 || status === 403) return undefined
    const where = `${url.origin}${url.pathname}`
    if (status === 404) throw new Unusable(`there is no Keycloak at ${where}: name its address as auth in the entry, or use a token`)
    const answer = status === 200 ? parseJson(bytes) : undefined
    if (!Value.Check(Answer, answer)) throw new UpstreamError({ file: where, cause: `status ${status} and no token in the answer` })
    const seconds = answer.expires_in ?? USUAL_SECONDS
    const now = performance.now()
    return {
      access: answer.access_token,
      renewAt: now + Math.max(0, seconds - Math.min(60, seconds / 5)) * 1000,
      refresh: answer.refresh_token,
      // 0: as long as the session lasts
      refreshUntil: answer.refresh_expires_in ? now + (answer.refresh_expires_in - 1) * 1000 : Number.POSITIVE_INFINITY,
    }
  }
}

export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
