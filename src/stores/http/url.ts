/** URLs as text: for messages, for comparing prefixes, for joining keys. */
import { Unusable } from '../../volume/errors.ts'

/** Without what may be secret: user, password, query, fragment. */
export const shownUrl = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`

/** Whether `url` is `prefix` or lies below it; `https://host/a` does not cover `https://host/ab`, nor another port or host. */
export function isBelow(prefix: string, url: URL): boolean {
  const base = URL.canParse(prefix) ? new URL(prefix) : undefined
  if (!base || base.protocol !== url.protocol || base.host !== url.host) return false
  return isBelowPath(base.pathname, url.pathname)
}

/** The same for paths. */
export const isBelowPath = (prefix: string, path: string): boolean =>
  path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)

/**
 * The path of `key` below `base`, both without a leading slash; `.` and `..` are taken out here, because a URL would do so without
 * minding where it ends. Throws `Unusable` where it leads above the root, which is the bucket or the web server.
 */
export function joinKey(base: string, key: string): string {
  const parts = base.split('/').filter((part, n, all) => part !== '' || n < all.length - 1)
  for (const part of key.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw new Unusable(`${key} leads out of the place it is in`)
  }
  return parts.join('/')
}

/** A path as S3 signs it and every server reads it: all but unreserved characters escaped, slashes kept. */
export const encodePath = (path: string): string => path.split('/').map(encodePart).join('/')

export const encodePart = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`)
