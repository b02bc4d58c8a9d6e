/** What an entry, a file or the environment says about credentials, in the spellings people and programs write. docs/remote.md */
import { readFile } from 'node:fs/promises'
import { messageOf, Unusable } from '../../volume/errors.ts'
import type { SourcePlace } from '../source.ts'

/** Where they are from: strangers may not name files, profiles or roles of this machine. */
export interface Origin {
  readonly isTrusted: boolean
}

export type Credentials =
  | { readonly kind: 'anonymous' }
  /** Those of the machine or its user, as the cloud's own tools would find them. */
  | { readonly kind: 'default' }
  | { readonly kind: 'role' }
  | { readonly kind: 'google'; readonly json: Readonly<Record<string, unknown>> }
  | { readonly kind: 's3'; readonly keys: S3Written; readonly options: S3Extra }
  | { readonly kind: 'headers'; readonly headers: Readonly<Record<string, string>> }

type S3Written =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string | undefined }
  | { readonly profile: string }
  | undefined

/** What else may stand beside the keys. */
export interface S3Extra {
  readonly region?: string | undefined
  readonly endpoint?: URL | undefined
  readonly style?: 'path' | 'virtual' | undefined
}

const MAX_FILE = 1024 * 1024

/** Throws `Unusable` with what is wrong, never with what they are. */
export async function readCredentials(written: unknown, { isTrusted }: Origin): Promise<Credentials> {
  if (written === 'anonymous' || written === false) return { kind: 'anonymous' }
  const mine = (what: string) => {
    if (!isTrusted) throw new Unusable(`${what} of this machine cannot be used by what is added over the network`)
  }
  if (written === 'default') {
    mine('the credentials')
    return { kind: 'default' }
  }
  if (written === 'role') {
    mine('the role')
    return { kind: 'role' }
  }
  if (typeof written === 'string') {
    mine('files')
    return readCredentials(await readJson(written), { isTrusted })
  }
  if (typeof written !== 'object' || written === null)
    throw new Unusable('its credentials are neither an object nor the path of a JSON file')
  const json = written as Record<string, unknown>
  const text = (...names: string[]): string | undefined => {
    const name = names.find((one) => json[one] !== undefined)
    if (name === undefined) return undefined
    if (typeof json[name] !== 'string' || json[name] === '') throw new Unusable(`${name} of its credentials is not a text`)
    return json[name]
  }
  if (json['type'] === 'service_account' || json['type'] === 'authorized_user' || json['private_key'] !== undefined)
    return { kind: 'google', json }
  const options = s3Extra(text)
  const accessKeyId = text('accessKeyId', 'access_key_id', 'aws_access_key_id', 'AWS_ACCESS_KEY_ID')
  const secretAccessKey = text('secretAccessKey', 'secret_access_key', 'aws_secret_access_key', 'AWS_SECRET_ACCESS_KEY')
  if (accessKeyId !== undefined || secretAccessKey !== undefined) {
    if (!accessKeyId || !secretAccessKey) throw new Unusable('its credentials have one of accessKeyId and secretAccessKey, not both')
    const sessionToken = text('sessionToken', 'session_token', 'aws_session_token', 'AWS_SESSION_TOKEN')
    return { kind: 's3', keys: { accessKeyId, secretAccessKey, sessionToken }, options }
  }
  const profile = text('profile')
  if (profile !== undefined) {
    mine('profiles')
    return { kind: 's3', keys: { profile }, options }
  }
  const name = text('username', 'user')
  if (name !== undefined) return { kind: 'headers', headers: basic(name, text('password') ?? '') }
  const token = text('token')
  if (token !== undefined) return { kind: 'headers', headers: { Authorization: `Bearer ${token}` } }
  if (json['headers'] !== undefined) return { kind: 'headers', headers: headersOf(json['headers']) }
  if (Object.values(options).some((value) => value !== undefined)) return { kind: 's3', keys: undefined, options }
  throw new Unusable(
    'its credentials are of no known kind: a Google service account, accessKeyId and secretAccessKey, profile, username and password, token, or headers',
  )
}

export const basic = (name: string, password: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
})

/** Whether such credentials open such a place. */
export function checkFit(credentials: Credentials, place: SourcePlace): void {
  const fits = {
    anonymous: true,
    default: true,
    role: place.kind !== 'http',
    google: place.kind === 'gs',
    s3: place.kind === 's3',
    headers: place.kind === 'http',
  }
  if (!fits[credentials.kind]) throw new Unusable(`its credentials (${credentials.kind}) do not belong to ${place.kind}://`)
}

export async function readJson(path: string): Promise<Record<string, unknown>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new Unusable(`the file of credentials ${path} cannot be read: ${messageOf(error).split(',')[0]}`)
  }
  try {
    const json: unknown = text.length > MAX_FILE ? undefined : JSON.parse(text)
    if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>
  } catch {
    // the message would quote what stands there
  }
  throw new Unusable(`the file of credentials ${path} is not a JSON object`)
}

function s3Extra(text: (...names: string[]) => string | undefined): S3Extra {
  const [region, endpoint, style] = [text('region'), text('endpoint', 'endpoint_url'), text('style')]
  if (style !== undefined && style !== 'path' && style !== 'virtual')
    throw new Unusable('style of its credentials is neither path nor virtual')
  if (endpoint !== undefined && (!URL.canParse(endpoint) || !/^https?:\/\//.test(endpoint)))
    throw new Unusable('endpoint of its credentials is no URL')
  if (region !== undefined && !/^[\w-]{1,64}$/.test(region)) throw new Unusable('region of its credentials is no name of a region')
  return { region, endpoint: endpoint === undefined ? undefined : new URL(endpoint), style }
}

function headersOf(written: unknown): Record<string, string> {
  const pairs = typeof written === 'object' && written !== null ? Object.entries(written) : []
  for (const [name, value] of pairs) {
    if (!/^[\w-]+$/.test(name) || typeof value !== 'string' || /[^\t\x20-\x7e]/.test(value))
      throw new Unusable(`the header ${JSON.stringify(name)} of its credentials cannot be sent`)
    if (/^(host|range|accept-encoding|content-length|connection|transfer-encoding)$/i.test(name))
      throw new Unusable(`the header ${name} is not a credential`)
  }
  return Object.fromEntries(pairs) as Record<string, string>
}
