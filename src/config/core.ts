/** From settings to the webKnossos server they name, or why that cannot be. */
import { hostname } from 'node:os'
import { ConfigError } from './error.ts'
import type { Resolved } from './resolve.ts'

export interface CoreSettings {
  readonly url: string
  readonly datastore: string
  readonly key: string
}

/** Undefined without a core, or with `--local`. Throws `ConfigError` where something is missing or is no address. */
export function coreSettings(config: Pick<Resolved, 'settings' | 'sources'>): CoreSettings | undefined {
  const { settings } = config
  const { core, datastoreName, datastoreKey, local } = settings
  if (!core || local || halfACore(config)) return undefined
  const url = webAddress(core, 'core')
  if (!datastoreName || !datastoreKey) {
    const lacking = [datastoreName ? '' : '--datastore-name', datastoreKey ? '' : '--datastore-key'].filter(Boolean).join(' and ')
    throw new ConfigError(
      `the webKnossos server ${url} needs to know this datastore: ${lacking} missing; wkconnect register makes one, --local serves without`,
    )
  }
  if (!/^[A-Za-z0-9\-_.]+$/.test(datastoreName))
    throw new ConfigError(`datastore-name: ${JSON.stringify(datastoreName)} has other characters than letters, digits, - _ and .`)
  if (settings.url) webAddress(settings.url, 'url')
  if (settings.publicUrl) webAddress(settings.publicUrl, 'public-url')
  return { url, datastore: datastoreName, key: datastoreKey }
}

/** A config.json that names a core but not this datastore starts without it, and loudly. */
export const halfACore = ({ settings, sources }: Pick<Resolved, 'settings' | 'sources'>): string | undefined =>
  settings.core && !settings.local && sources.core === 'config.json' && !(settings.datastoreName && settings.datastoreKey)
    ? `THE WEBKNOSSOS SERVER ${settings.core} OF CONFIG.JSON CANNOT BE REACHED WITHOUT datastore.name AND datastore.key; datasets are served on this machine only. --local leaves it alone.`
    : undefined

/** The address at which core reaches us, as far as settings tell. */
export function ownUrl({ settings }: Pick<Resolved, 'settings'>, port = settings.port): string {
  if (settings.url) return settings.url.replace(/\/+$/, '')
  const isLocal = /^(127\.|localhost$|::1$)/.test(settings.host)
  const isAny = settings.host === '0.0.0.0' || settings.host === '::'
  const host = isLocal ? '127.0.0.1' : isAny ? hostname().toLowerCase() : settings.host
  return `${settings.tlsCert ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}${basePath({ settings })}`
}

export const publicUrl = (config: Pick<Resolved, 'settings'>, port?: number): string =>
  config.settings.publicUrl.replace(/\/+$/, '') || ownUrl(config, port)

/** With a slash in front and none behind, or empty. Throws `ConfigError`. */
export function basePath({ settings }: Pick<Resolved, 'settings'>): string {
  const path = settings.basePath.replace(/^\/+|\/+$/g, '')
  if (!/^[\w.~/-]*$/.test(path) || path.split('/').some((part) => part === '..' || part === '.'))
    throw new ConfigError(`base-path: ${JSON.stringify(settings.basePath)} is not a path such as /connect`)
  return path ? `/${path}` : ''
}

function webAddress(text: string, flag: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash || url.username)
    throw new ConfigError(`${flag}: ${JSON.stringify(text)} is not an address such as https://webknossos.example.org`)
  return text.replace(/\/+$/, '')
}
