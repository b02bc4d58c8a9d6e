/** Where a BossDB is and what is meant there, in the spellings people and programs write. Pure. */
import { Unusable } from '../../volume/errors.ts'

/** The public one, for sources that name none. */
export const PUBLIC_DOMAIN = 'https://api.bossdb.io'
const FORMS = 'boss://https://HOST/COLLECTION/EXPERIMENT/CHANNEL or bossdb://COLLECTION/EXPERIMENT/CHANNEL'
const VERSION = /^(v\d+|latest)$/

/** What a `boss://` source means; without a channel all of the experiment. */
export interface BossSource {
  readonly domain: string
  readonly collection: string
  readonly experiment: string
  readonly channel?: string | undefined
}

export const isBossSource = (source: string): boolean => /^boss(db)?:\/\//i.test(source.trim())

/** As neuroglancer and intern write it. Throws `Unusable`. */
export function parseBossSource(source: string): BossSource {
  const rest = source.trim().replace(/^boss(db)?:\/\//i, '')
  const isUrl = /^https?:\/\//i.test(rest)
  const [, scheme = 'https://', path = ''] = /^(https?:\/\/)?([^?#]*)/i.exec(rest) ?? []
  const parts = path.split('/').filter((part) => part !== '')
  // without a scheme only what has a dot or a port is a host: collections have neither
  const host = isUrl || /[.:]/.test(parts[0] ?? '') ? parts.shift() : undefined
  const version = parts.findIndex((part) => VERSION.test(part))
  const namesAt = version >= 0 ? version + 1 : Math.max(0, parts.length - 3)
  const [collection, experiment, channel, ...more] = parts.slice(namesAt).map(decodePart)
  if (!collection || !experiment || more.length > 0) throw new Unusable(`${source} names no experiment: it is written ${FORMS}`)
  const domain = host === undefined ? PUBLIC_DOMAIN : [`${scheme}${host}`, ...parts.slice(0, namesAt)].join('/')
  return { domain, collection, experiment, ...(channel && { channel }) }
}

/** The root of the API, with its version and a slash at the end: the first, unless the domain ends in another. Throws `Unusable`. */
export function apiOf(domain: string): URL {
  if (!/^https?:\/\//i.test(domain) || !URL.canParse(domain))
    throw new Unusable(`its domain ${JSON.stringify(domain)} is not a URL such as ${PUBLIC_DOMAIN}`)
  const url = new URL(domain)
  if (url.username !== '' || url.password !== '')
    throw new Unusable('user and password stand in its domain; they belong beside it, as username and password')
  url.search = url.hash = ''
  const parts = url.pathname.split('/').filter((part) => part !== '')
  if (!VERSION.test(parts.at(-1) ?? '')) parts.push('v1')
  url.pathname = `/${parts.join('/')}/`
  return url
}

/**
 * Where user name and password are exchanged for a token: Keycloak beside the API (`api.host` → `auth.host`), or on the same host where
 * that is not called `api…`. `auth`: the entry names another base. Throws `Unusable`.
 */
export function tokenUrlOf(api: URL, auth?: string): URL {
  if (auth !== undefined && (!/^https?:\/\//i.test(auth) || !URL.canParse(auth))) throw new Unusable('auth in its entry is not a URL')
  const url = auth === undefined ? new URL('/auth/', api.origin) : new URL(auth)
  if (auth === undefined && /^api[.-]/.test(url.hostname)) url.hostname = url.hostname.replace(/^api/, 'auth')
  url.search = url.hash = ''
  if (!/\/token$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/+$/, '')}/realms/boss/protocol/openid-connect/token`
  return url
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
