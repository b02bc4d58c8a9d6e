/** What all datasets from BossDBs share in a thread: per server a limit of requests at a time, per account a token. */
import type { HttpClient } from '../../stores/http/client.ts'
import type { Guard } from '../../stores/http/guard.ts'
import { Unusable } from '../../volume/errors.ts'
import { Limit } from '../../volume/limit.ts'
import { apiOf, tokenUrlOf } from './address.ts'
import { BossApi } from './api.ts'
import { type BossAccount, type BossCredentials, KeycloakAccount, TokenAccount } from './auth.ts'

export interface BossSettings {
  /** Requests to one BossDB at a time. */
  readonly parallel: number
  /** Channels are read from the public bucket where they lie there, whether their entry asks for it or not. */
  readonly openData: boolean
}

export interface BossServer extends BossCredentials {
  readonly domain: string
  /** Keycloak, where it is not found by the name of the domain. */
  readonly auth?: string | undefined
}

const MAX_ACCOUNTS = 1000

export class BossService {
  readonly openData: boolean
  readonly #client: HttpClient
  readonly #parallel: number
  readonly #limits = new Map<string, Limit>()
  readonly #accounts = new Map<string, BossAccount>()

  constructor(client: HttpClient, { parallel, openData }: BossSettings) {
    this.#client = client
    this.#parallel = parallel
    this.openData = openData
  }

  /** `guard`: for what strangers named. Throws `Unusable` for a domain or credentials that are none; nothing is asked for yet. */
  api(server: BossServer, guard: Guard | undefined): BossApi {
    const url = apiOf(server.domain)
    let limit = this.#limits.get(url.origin)
    if (!limit) this.#limits.set(url.origin, (limit = new Limit(this.#parallel)))
    return new BossApi({ url, client: this.#client, limit, guard, account: this.#account(url, server, guard) })
  }

  #account(api: URL, { token, username, password, auth }: BossServer, guard: Guard | undefined): BossAccount {
    for (const [key, value] of Object.entries({ token, username, password })) {
      const variable = /^\$\{?(\w+)\}?$/.exec(value ?? '')?.[1]
      if (variable) throw new Unusable(`${key} in its entry is the variable ${variable} of the environment, which is not set`)
    }
    if (token !== undefined && username !== undefined)
      throw new Unusable('its entry has both a token and a username; one of them is enough')
    if (username === undefined) {
      if (password !== undefined) throw new Unusable('its entry has a password but no username')
      // a header cannot hold more
      if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) throw new Unusable('the token in its entry has characters no token has')
      return new TokenAccount(token)
    }
    if (password === undefined) throw new Unusable('its entry has a username but no password')
    const url = tokenUrlOf(api, auth)
    const key = JSON.stringify([url.href, username, password, guard !== undefined])
    let account = this.#accounts.get(key)
    if (!account) {
      if (this.#accounts.size >= MAX_ACCOUNTS) this.#accounts.delete(this.#accounts.keys().next().value!)
      const send = (request: Parameters<HttpClient['send']>[0]) => this.#client.send({ ...request, guard })
      this.#accounts.set(key, (account = new KeycloakAccount({ url, username, password, send })))
    }
    return account
  }
}
