/** From what somebody wrote as a source to a store on the network. One per serving thread: it holds the connections and tokens. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { messageOf, Unusable } from '../volume/errors.ts'
import { CredentialsFile } from './credentials/prefixes.ts'
import { basic, type Credentials, checkFit, type Origin, readCredentials, readJson } from './credentials/read.ts'
import { GooglePlace } from './google/place.ts'
import { machineTokens, type TokenSource, tokensOf } from './google/token.ts'
import { BlockCache } from './http/blocks.ts'
import { type ClientOptions, HttpClient } from './http/client.ts'
import { Guard, type Lookup } from './http/guard.ts'
import { HttpPlace } from './http/place.ts'
import { ObjectStore, type Place } from './http/store.ts'
import { METADATA, type MetadataServer } from './machine.ts'
import { type KeySource, keysOfEnvironment, RoleKeys, readProfile } from './s3/keys.ts'
import { S3Place } from './s3/place.ts'
import { parseSource, type Source, type SourcePlace, shownPlace } from './source.ts'
import type { Store } from './store.ts'

export interface RemoteSettings {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Certificates to trust besides those everybody trusts, PEM. */
  readonly caFile?: string | undefined
  readonly credentialsFile?: string | undefined
  /** Beginnings of URLs that strangers may name although they do not lead to the public internet. */
  readonly allowRemote: readonly string[]
  /** The server can be reached by others: what strangers name is looked at. */
  readonly guardsStrangers: boolean
  readonly client?: ClientOptions | undefined
  readonly metadata?: MetadataServer | undefined
  readonly lookup?: Lookup | undefined
}

const BLOCKS_BYTES = 32 * 1024 * 1024
const MAX_ACCOUNTS = 1000

export class RemoteStores {
  /** For what is no store: it has the limits, retries and breakers of each server. */
  readonly client: HttpClient
  readonly #settings: RemoteSettings
  readonly #guard: Guard
  readonly #blocks = new BlockCache(BLOCKS_BYTES)
  readonly #file: CredentialsFile | undefined
  readonly #role: RoleKeys
  readonly #machine: TokenSource
  /** By the credentials they were made of, so that all layers of a dataset share a token. */
  readonly #tokens = new Map<string, TokenSource>()

  /** Throws where the file of certificates cannot be read. */
  constructor(settings: RemoteSettings) {
    const { caFile, credentialsFile, allowRemote, environment, metadata = METADATA, lookup } = settings
    this.#settings = settings
    this.client = new HttpClient({ ...settings.client, ...(caFile && { ca: [...rootCertificates, readCertificates(caFile)] }) })
    this.#guard = new Guard(allowRemote, lookup)
    this.#file = credentialsFile ? new CredentialsFile(credentialsFile) : undefined
    this.#role = new RoleKeys(environment, metadata)
    this.#machine = machineTokens(metadata)
  }

  /** The guard for requests on behalf of an entry, undefined where it may go anywhere. */
  guardFor({ isTrusted }: Origin): Guard | undefined {
    return isTrusted || !this.#settings.guardsStrangers ? undefined : this.#guard
  }

  /**
   * The store a source names. `credentials`: as an entry has them. Throws `Unusable` for what is no source on the network, or for
   * credentials that are none; nothing is asked for yet.
   */
  async open(source: string | Source, credentials: unknown, origin: Origin): Promise<Store> {
    const { place } = typeof source === 'string' ? parseSource(source) : source
    const found = await this.#credentialsFor(place, credentials, origin)
    const guard = this.guardFor(origin)
    const parts = { client: this.client, blocks: this.#blocks, guard }
    return new ObjectStore({ ...parts, place: await this.#placeOf(place, found, origin) })
  }

  /** The entry's own, else those of the file, else the environment's for what the owner wrote. */
  async #credentialsFor(place: SourcePlace, written: unknown, origin: Origin): Promise<Credentials> {
    let credentials: Credentials | undefined
    if (written !== undefined && written !== null) credentials = await readCredentials(written, origin)
    else {
      const listed = await this.#file?.find(shownPlace(place))
      if (listed !== undefined) credentials = await readCredentials(listed, { isTrusted: true })
    }
    if (credentials) {
      checkFit(credentials, place)
      return credentials
    }
    return this.#isInEnvironment(place) && origin.isTrusted ? { kind: 'default' } : { kind: 'anonymous' }
  }

  #isInEnvironment({ kind }: SourcePlace): boolean {
    const { environment } = this.#settings
    if (kind === 's3') return keysOfEnvironment(environment) !== undefined
    return kind === 'gs' && Boolean(environment['GOOGLE_APPLICATION_CREDENTIALS'])
  }

  async #placeOf(place: SourcePlace, credentials: Credentials, origin: Origin): Promise<Place> {
    const { environment } = this.#settings
    if (place.kind === 'file') throw new Unusable(`${place.path} is a path of this machine, not a source on the network`)
    if (place.kind === 'http') {
      const own = place.user ? basic(place.user.name, place.user.password) : {}
      return new HttpPlace(place.url, credentials.kind === 'headers' ? credentials.headers : own)
    }
    if (place.kind === 'gs') {
      // what Google's own emulators and clients read
      const emulator = origin.isTrusted ? environment['STORAGE_EMULATOR_HOST'] : undefined
      const endpoint = emulator ? new URL(emulator.includes('://') ? emulator : `http://${emulator}`) : undefined
      return new GooglePlace({ ...place, endpoint, token: await this.#tokensFor(credentials, origin) })
    }
    return this.#s3Place(place, credentials, origin)
  }

  async #s3Place(place: SourcePlace & { kind: 's3' }, credentials: Credentials, origin: Origin): Promise<Place> {
    const { environment } = this.#settings
    const extra = credentials.kind === 's3' ? credentials.options : {}
    let written = credentials.kind === 's3' ? credentials.keys : undefined
    if (credentials.kind === 'default') written = keysOfEnvironment(environment) ?? { profile: 'default' }
    let keys: KeySource | undefined = credentials.kind === 'role' ? this.#role : undefined
    let profile: Readonly<Record<string, string>> = {}
    if (written && 'profile' in written) {
      profile = await readProfile(written.profile, environment)
      const { aws_access_key_id: accessKeyId, aws_secret_access_key: secretAccessKey, aws_session_token: sessionToken } = profile
      if (accessKeyId && secretAccessKey) written = { accessKeyId, secretAccessKey, sessionToken }
      else if (credentials.kind === 'default') [written, keys] = [undefined, this.#role]
      else throw new Unusable(`the profile ${written.profile} has no keys in ~/.aws/credentials`)
    }
    if (written && !('profile' in written)) {
      const fixed = written
      keys = { get: async () => fixed }
    }
    const own = origin.isTrusted ? environment : {}
    const general = own['AWS_ENDPOINT_URL_S3'] || own['AWS_ENDPOINT_URL'] || profile['endpoint_url']
    const endpoint = place.endpoint ?? extra.endpoint ?? (general ? new URL(general) : undefined)
    const region = extra.region ?? profile['region'] ?? (own['AWS_REGION'] || own['AWS_DEFAULT_REGION'] || undefined)
    return new S3Place({ ...place, endpoint, region, style: extra.style, keys })
  }

  async #tokensFor(credentials: Credentials, origin: Origin): Promise<TokenSource | undefined> {
    if (credentials.kind === 'role') return this.#machine
    if (credentials.kind === 'google') return this.#shared(credentials.json, origin)
    if (credentials.kind !== 'default') return undefined
    const { environment } = this.#settings
    const path = environment['GOOGLE_APPLICATION_CREDENTIALS']
    const usual = join(environment['HOME'] ?? '', '.config/gcloud/application_default_credentials.json')
    const json = path ? await readJson(path) : await readJson(usual).catch(() => undefined)
    return json ? this.#shared(json, origin) : this.#machine
  }

  #shared(json: Readonly<Record<string, unknown>>, origin: Origin): TokenSource {
    const key = `${origin.isTrusted} ${JSON.stringify(json)}`
    let tokens = this.#tokens.get(key)
    if (!tokens) {
      if (this.#tokens.size >= MAX_ACCOUNTS) this.#tokens.delete(this.#tokens.keys().next().value!)
      this.#tokens.set(key, (tokens = tokensOf(json, this.client, this.guardFor(origin))))
    }
    return tokens
  }
}

function readCertificates(path: string): string {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new Unusable(`the file of certificates ${path} cannot be read: ${messageOf(error)}`)
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Unusable(`${path} holds no certificate in PEM`)
  return text
}
