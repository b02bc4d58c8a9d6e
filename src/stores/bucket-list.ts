/** Lists what lies directly below a prefix of a bucket: version 2 of S3's listing, which Google's XML interface answers as well. */
import { UpstreamError } from '../volume/errors.ts'
import type { HttpAnswer } from './http/transport.ts'
import { shownUrl } from './http/url.ts'
import type { ListEntry } from './store.ts'

/** Of 1000 names each. */
const MAX_PAGES = 100

/** `base`: the bucket's URL. Throws `UpstreamError` where it may not be listed, or holds too many names. */
export async function listBucket(base: URL, prefix: string, send: (url: URL) => Promise<HttpAnswer>): Promise<ListEntry[]> {
  const folder = prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`
  const names = new Map<string, ListEntry>()
  let token: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const url = new URL(base)
    const parameters = {
      'list-type': '2',
      delimiter: '/',
      prefix: folder,
      'encoding-type': 'url',
      ...(token && { 'continuation-token': token }),
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    // as it is signed: a blank is %20, not +
    url.search = url.search.replaceAll('+', '%20')
    const { status, bytes } = await send(url)
    if (status === 404) return []
    if (status !== 200) throw new UpstreamError({ file: shownUrl(base), cause: `status ${status}: the bucket may not be listed` })
    const text = new TextDecoder().decode(bytes)
    for (const [, prefixes] of text.matchAll(/<CommonPrefixes>(.*?)<\/CommonPrefixes>/gs)) {
      for (const key of valuesOf(prefixes!, 'Prefix')) add(names, key.slice(folder.length).replace(/\/$/, ''), true)
    }
    for (const [, contents] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      for (const key of valuesOf(contents!, 'Key')) add(names, key.slice(folder.length), false)
    }
    token = unescapeXml(/<NextContinuationToken>(.*?)<\/NextContinuationToken>/s.exec(text)?.[1] ?? '')
    if (!token) return [...names.values()]
  }
  throw new UpstreamError({ file: shownUrl(base), cause: `more than ${MAX_PAGES * 1000} names` })
}

/** A folder may be there as an empty object, too: that is no file. */
function add(names: Map<string, ListEntry>, name: string, isFolder: boolean): void {
  if (name !== '' && !name.includes('/') && (isFolder || !names.has(name))) names.set(name, { name, isFolder })
}

const valuesOf = (xml: string, tag: string): string[] =>
  [...xml.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(([, value]) => decodeKey(unescapeXml(value!)))

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' }

const unescapeXml = (text: string): string =>
  text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|(\w+));/gi, (whole, decimal, hex, name) =>
    name ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Math.min(0x10ffff, decimal ? Number(decimal) : Number.parseInt(hex, 16))),
  )

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '))
  } catch {
    return key
  }
}
