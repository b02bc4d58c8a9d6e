/** Where the keys of an S3 come from: the dataset, the environment, a profile, the machine itself. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { isMissing } from '../errors.ts'
import { type MetadataServer, readMetadata } from '../machine.ts'
import type { S3Keys } from './sign.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface KeySource {
  /** Undefined: nobody said any. */
  get(): Promise<S3Keys | undefined>
}

/** AWS_ACCESS_KEY_ID and the like; without them the profile that AWS_PROFILE names. Undefined where neither is set. */
export function keysOfEnvironment(environment: Environment): S3Keys | { readonly profile: string } | undefined {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = environment
  if (accessKeyId && secretAccessKey) return { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined }
  return environment['AWS_PROFILE'] ? { profile: environment['AWS_PROFILE'] } : undefined
}

/** A profile of ~/.aws/credentials and ~/.aws/config: its keys, region and endpoint, as far as they are there. */
export async function readProfile(name: string, environment: Environment): Promise<Readonly<Record<string, string>>> {
  const home = environment['HOME'] || homedir()
  const credentials = environment['AWS_SHARED_CREDENTIALS_FILE'] || join(home, '.aws', 'credentials')
  const config = environment['AWS_CONFIG_FILE'] || join(home, '.aws', 'config')
  const [own, general] = await Promise.all([readIni(credentials), readIni(config)])
  return { ...(general[`profile ${name}`] ?? (name === 'default' ? general[name] : undefined)), ...own[name] }
}

async function readIni(path: string): Promise<Record<string, Record<string, string>>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return {}
    throw error
  }
  const sections: Record<string, Record<string, string>> = Object.create(null)
  let section: Record<string, string> = {}
  for (const line of text.split(/\r?\n/)) {
    const title = /^\s*\[\s*(.+?)\s*\]/.exec(line)?.[1]
    const pair = /^([a-z_0-9]+)\s*=\s*(.*?)\s*$/i.exec(line)
    if (title !== undefined) section = sections[title] ??= {}
    else if (pair) section[pair[1]!.toLowerCase()] = pair[2]!
  }
  return sections
}

const CONTAINER = 'http://169.254.170.2'
/** Tokens are renewed this long before they end. */
const EARLY_MS = 5 * 60_000

/** Keys of the role that a container or a machine of Amazon has, renewed before they end. */
export class RoleKeys implements KeySource {
  readonly #environment: Environment
  readonly #server: MetadataServer
  #kept: { readonly keys: Promise<S3Keys>; until: number } | undefined

  constructor(environment: Environment, server: MetadataServer) {
    this.#environment = environment
    this.#server = server
  }

  get(): Promise<S3Keys> {
    const kept = this.#kept
    if (kept && Date.now() < kept.until) return kept.keys
    const fresh: { keys: Promise<S3Keys>; until: number } = { keys: Promise.resolve({} as S3Keys), until: Number.POSITIVE_INFINITY }
    fresh.keys = this.#ask().then(
      ({ keys, until }) => {
        fresh.until = until - EARLY_MS
        return keys
      },
      (error) => {
        this.#kept = undefined
        throw error
      },
    )
    this.#kept = fresh
    return fresh.keys
  }

  async #ask(): Promise<{ keys: S3Keys; until: number }> {
    const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = this.#environment
    const text = path || full ? await this.#askContainer(path ? `${CONTAINER}${path}` : full!) : await this.#askMachine()
    const { AccessKeyId, SecretAccessKey, Token, Expiration } = JSON.parse(text) as Record<string, string>
    if (!AccessKeyId || !SecretAccessKey) throw new Error('the answer holds no keys')
    const until = Date.parse(Expiration ?? '')
    return {
      keys: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token },
      until: until || Date.now() + 2 * EARLY_MS,
    }
  }

  async #askContainer(url: string): Promise<string> {
    const { AWS_CONTAINER_AUTHORIZATION_TOKEN: token, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file } = this.#environment
    const authorization = file ? (await readFile(file, 'utf8')).trim() : token
    return readMetadata(url, authorization ? { Authorization: authorization } : {})
  }

  async #askMachine(): Promise<string> {
    const base = `${this.#server.amazon}/latest`
    const token = await readMetadata(`${base}/api/token`, { 'X-aws-ec2-metadata-token-ttl-seconds': '300' }, 'PUT')
    const headers = { 'X-aws-ec2-metadata-token': token }
    const role = (await readMetadata(`${base}/meta-data/iam/security-credentials/`, headers)).split('\n')[0]!.trim()
    return readMetadata(`${base}/meta-data/iam/security-credentials/${encodeURIComponent(role)}`, headers)
  }
}
