/** Where a source may lead on to: `redirect` of an info and `key` of a scale. Pure; nothing is read here. */
import { posix } from 'node:path'
import { Unusable } from '../../volume/errors.ts'

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i

/** `file:` is this machine, too. */
export const isRemote = (source: string): boolean => {
  const scheme = SCHEME.exec(plain(source))?.[1]?.toLowerCase()
  return scheme !== undefined && scheme !== 'file'
}

/** Without neuroglancer's prefix and suffix for the format. */
export const plain = (source: string): string => source.replace(/^precomputed:\/\//i, '').replace(/\/?\|neuroglancer-precomputed:.*$/, '')

/**
 * The source `reference` names, seen from `base`: a relative path, or a source of its own. From the network it has to stay at the same
 * origin, or in the same bucket; from files never leads to the network (which folders it may lead to is the store's to say).
 * Throws `Unusable`.
 */
export function follow(base: string, reference: string, what: string): string {
  const from = plain(base)
  const to = plain(reference)
  const refuse = (why: string) => new Unusable(`its ${what} leads from ${from} to ${to}, ${why}`)
  if (!isRemote(from)) {
    if (isRemote(to)) throw refuse('from a file to the network, which is not followed')
    const path = to.replace(/^file:\/\//i, '')
    return posix.resolve(from.replace(/^file:\/\//i, ''), path)
  }
  const place = placeOf(from)
  if (SCHEME.test(to)) {
    if (placeOf(to) !== place) throw refuse('another server or bucket, which is not followed')
    return to
  }
  const path = posix.join('/', from.slice(place.length), '.')
  const segments = [...path.split('/'), ...to.split('/')].filter((segment) => segment !== '' && segment !== '.')
  const kept: string[] = []
  for (const segment of segments) {
    if (segment !== '..') kept.push(segment)
    else if (kept.pop() === undefined) throw refuse('out of its server or bucket')
  }
  return `${place}/${kept.join('/')}`
}

/** Origin or bucket: the scheme and what follows; of S3 behind a server of its own the bucket is the first part of the path. */
function placeOf(source: string): string {
  const match = /^(?:s3|gs)\+https?:\/\/[^/]+\/[^/]+|^[a-z][a-z0-9+.-]*:\/\/[^/]+/i.exec(source)
  return match?.[0] ?? source
}
