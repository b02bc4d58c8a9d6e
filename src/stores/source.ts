/** What people write for where their data lie, in all its spellings. */
import { fileURLToPath } from 'node:url'
import { messageOf, Unusable } from '../volume/errors.ts'

export type SourcePlace =
  | { readonly kind: 'file'; readonly path: string }
  /** User and password taken out. */
  | { readonly kind: 'http'; readonly url: URL; readonly user?: { readonly name: string; readonly password: string } | undefined }
  | { readonly kind: 'gs'; readonly bucket: string; readonly prefix: string }
  /** `endpoint`: not Amazon's. */
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string; readonly endpoint?: URL | undefined }

export interface Source {
  /** `precomputed`, `zarr`, `n5` …, where the source begins or ends with one. */
  readonly format?: string | undefined
  readonly place: SourcePlace
}

const FORMATS = /^(precomputed|zarr[23]?|n5|graphene|nifti|deepzoom):\/\/(.*)$/s
/** The newer spelling, `https://…|zarr3:`. */
const FORMAT_BEHIND = /^(.*?)\|(?:neuroglancer-)?([a-z0-9-]+):?$/s
const FORMS = 'known are gs://BUCKET/…, s3://BUCKET/…, s3+https://HOST/BUCKET/…, https://…, http://…, file://… and paths'

/** True for everything that is not a path of this machine. */
export const isRemoteSource = (text: string): boolean => {
  const plain = text.trim().replace(FORMATS, '$2')
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(plain) && !/^file:/i.test(plain)
}

/** Throws `Unusable` where it is none of the known spellings. What it says holds no password. */
export function parseSource(text: string): Source {
  const behind = FORMAT_BEHIND.exec(text.trim())
  const before = FORMATS.exec((behind?.[1] ?? text).trim())
  const rest = (before?.[2] ?? behind?.[1] ?? text).trim()
  const format = before?.[1] ?? behind?.[2]
  return { ...(format && { format }), place: parsePlace(rest) }
}

function parsePlace(text: string): SourcePlace {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase()
  if (scheme === undefined) {
    if (text === '') throw new Unusable('the source is empty')
    return { kind: 'file', path: text }
  }
  const rest = text.slice(scheme.length + 3)
  if (scheme === 'file') return { kind: 'file', path: localPath(text) }
  if (scheme === 'gs' || scheme === 's3') {
    const { bucket, prefix } = bucketOf(rest, scheme)
    return { kind: scheme, bucket, prefix }
  }
  if (scheme === 's3+https' || scheme === 's3+http') {
    const url = urlOf(`${scheme.slice(3)}://${rest}`)
    const { bucket, prefix } = bucketOf(decode(url.pathname.slice(1)), scheme)
    return { kind: 's3', bucket, prefix, endpoint: new URL(url.origin) }
  }
  if (scheme !== 'http' && scheme !== 'https') throw new Unusable(`${scheme}:// is not a place data are read from; ${FORMS}`)
  const url = urlOf(text)
  url.hash = ''
  const user = url.username === '' ? undefined : { name: decode(url.username), password: decode(url.password) }
  url.username = url.password = ''
  return { kind: 'http', url, ...(user && { user }) }
}

function bucketOf(text: string, scheme: string): { bucket: string; prefix: string } {
  const [bucket = '', ...path] = text.replace(/[?#].*$/, '').split('/')
  if (!/^[a-z0-9][a-z0-9._-]{1,221}$/i.test(bucket)) throw new Unusable(`${scheme}:// is followed by no name of a bucket`)
  return { bucket, prefix: path.join('/').replace(/^\/+|\/+$/g, '') }
}

function urlOf(text: string): URL {
  if (!URL.canParse(text)) throw new Unusable(`what follows ${text.split('://')[0]}:// is no URL; ${FORMS}`)
  return new URL(text)
}

function localPath(text: string): string {
  try {
    return fileURLToPath(text)
  } catch (error) {
    throw new Unusable(`${text}: ${messageOf(error)}`)
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** One spelling for each place, to compare beginnings with: `gs://b/p`, `s3://b/p`, `https://…`. */
export function shownPlace(place: SourcePlace): string {
  if (place.kind === 'file') return place.path
  if (place.kind === 'http') return `${place.url.origin}${place.url.pathname}`
  const path = place.prefix === '' ? place.bucket : `${place.bucket}/${place.prefix}`
  if (place.kind === 's3' && place.endpoint) return `s3+${place.endpoint.origin}/${path}`
  return `${place.kind}://${path}`
}

/** The last part of its path, as people call it; empty where there is none. */
export function lastNameOf(place: SourcePlace): string {
  const path = place.kind === 'file' ? place.path : place.kind === 'http' ? place.url.pathname : place.prefix || place.bucket
  const last = path.split('/').findLast((part) => part !== '') ?? ''
  return place.kind === 'http' ? decode(last) : last
}
