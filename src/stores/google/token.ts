/**
 * Tokens for Google Cloud Storage: from the key of a service account (a signed request, RFC 7523), from what `gcloud auth
 * application-default login` leaves behind, or from the machine itself. Kept until shortly before they end; a failure is not kept.
 */
import { createSign } from 'node:crypto'
import { messageOf, Unusable, UpstreamError } from '../../volume/errors.ts'
import type { HttpClient } from '../http/client.ts'
import type { HttpRequest } from '../http/transport.ts'
import { type MetadataServer, readMetadata } from '../machine.ts'

const SCOPE = 'https://www.googleapis.com/auth/devstorage.read_only'
const TOKEN_URL = 'https://oauth2.googleapis.com/token'
const EARLY_MS = 5 * 60_000

export interface GoogleAccess {
  readonly token: string
  readonly seconds: number
}

export class TokenSource {
  readonly #ask: () => Promise<GoogleAccess>
  #kept: { token: Promise<string>; until: number } | undefined

  constructor(ask: () => Promise<GoogleAccess>) {
    this.#ask = ask
  }

  get(): Promise<string> {
    const kept = this.#kept
    if (kept && Date.now() < kept.until) return kept.token
    const fresh = { token: Promise.resolve(''), until: Number.POSITIVE_INFINITY }
    fresh.token = this.#ask().then(
      ({ token, seconds }) => {
        fresh.until = Date.now() + Math.max(10_000, seconds * 1000 - EARLY_MS)
        return token
      },
      (error) => {
        if (this.#kept === fresh) this.#kept = undefined
        throw error
      },
    )
    this.#kept = fresh
    return fresh.token
  }

  forget(): void {
    this.#kept = undefined
  }
}

/** `json`: a service account's key, or the file of the application-default login. Throws `Unusable` where it is neither. */
export function tokensOf(json: Readonly<Record<string, unknown>>, client: HttpClient, guard?: HttpRequest['guard']): TokenSource {
  const text = (name: string): string => {
    const value = json[name]
    if (typeof value !== 'string' || value === '') throw new Unusable(`the Google credentials have no ${name}`)
    return value
  }
  const url = typeof json['token_uri'] === 'string' ? json['token_uri'] : TOKEN_URL
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new Unusable('token_uri of the Google credentials is no URL')
  const ask = (form: Record<string, string>) => askForToken(new URL(url), form, client, guard)
  if (json['type'] === 'authorized_user') {
    const form = {
      grant_type: 'refresh_token',
      client_id: text('client_id'),
      client_secret: text('client_secret'),
      refresh_token: text('refresh_token'),
    }
    return new TokenSource(() => ask(form))
  }
  const [email, key] = [text('client_email'), text('private_key')]
  return new TokenSource(() =>
    ask({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion(email, key, json['private_key_id'], url) }),
  )
}

/** Tokens of the machine's own service account. */
export const machineTokens = (server: MetadataServer): TokenSource =>
  new TokenSource(async () => {
    const url = `${server.google}/computeMetadata/v1/instance/service-accounts/default/token`
    return accessOf(await readMetadata(url, { 'Metadata-Flavor': 'Google' }), url)
  })

/** A JWT that asks for a token, signed with the account's key. Throws `Unusable` where the key is none. */
export function assertion(email: string, key: string, keyId: unknown, audience: string, now = Date.now()): string {
  const seconds = Math.floor(now / 1000)
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const head = part({ alg: 'RS256', typ: 'JWT', ...(typeof keyId === 'string' && { kid: keyId }) })
  const claims = `${head}.${part({ iss: email, scope: SCOPE, aud: audience, iat: seconds, exp: seconds + 3600 })}`
  try {
    return `${claims}.${createSign('RSA-SHA256').update(claims).sign(key.replaceAll('\\n', '\n')).toString('base64url')}`
  } catch {
    // the message of the crypto library may hold parts of the key
    throw new Unusable('private_key of the Google credentials is not a private key')
  }
}

async function askForToken(url: URL, form: Record<string, string>, client: HttpClient, guard: HttpRequest['guard']): Promise<GoogleAccess> {
  const body = new URLSearchParams(form).toString()
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const { status, bytes } = await client.send({ url, method: 'POST', headers, body, maxBytes: 64 * 1024, guard })
  if (status !== 200) throw new UpstreamError({ file: url.origin, cause: `status ${status}: the Google credentials are not accepted` })
  return accessOf(new TextDecoder().decode(bytes), url.origin)
}

function accessOf(text: string, file: string): GoogleAccess {
  try {
    const { access_token: token, expires_in: seconds } = JSON.parse(text)
    if (typeof token === 'string') return { token, seconds: Number(seconds) || 0 }
  } catch (error) {
    throw new UpstreamError({ file, cause: `the answer is no token: ${messageOf(error).slice(0, 60)}` })
  }
  throw new UpstreamError({ file, cause: 'the answer holds no token' })
}
