/** Answers with bytes that are there as a whole: all, one range of them, or nothing where the client has them already. */
import { CORS } from './headers.ts'
import { lateResponse } from './late-response.ts'

const ALWAYS = new Headers({
  ...CORS,
  'Cache-Control': 'no-cache',
  'Access-Control-Expose-Headers': 'Content-Length, Content-Range, Accept-Ranges, ETag',
  'Accept-Ranges': 'bytes',
})

interface Range {
  readonly start: number
  readonly end: number
}

/**
 * For GET and HEAD. `version` names what the bytes were made from: the ETag changes with it and with the bytes, so that nobody is told
 * that old voxels still hold. The bytes are copied. `isLate`: the event loop has gone round since the request came; then GET has no
 * Content-Length.
 */
export function bytesResponse(request: Request, bytes: Uint8Array, type: string, version: string, isLate = false): Response {
  const etag = `"${Bun.hash.xxHash3(bytes, Bun.hash.xxHash3(version)).toString(36)}"`
  // a `Headers` object is copied faster than a plain one is read
  const headers = new Headers(ALWAYS)
  headers.set('Content-Type', type)
  headers.set('ETag', etag)
  if (isKnown(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })
  // a range is part of GET only (RFC 9110, 14.2)
  const asked = request.method === 'GET' ? request.headers.get('range') : null
  if (asked !== null && rangeHolds(request.headers.get('if-range'), etag)) {
    const range = parseRange(asked, bytes.length)
    if (range === 'outside') {
      headers.set('Content-Range', `bytes */${bytes.length}`)
      return new Response(null, { status: 416, headers })
    }
    if (range) {
      headers.set('Content-Range', `bytes ${range.start}-${range.end - 1}/${bytes.length}`)
      const part = bytes.subarray(range.start, range.end)
      return isLate
        ? lateResponse(part.slice(), { status: 206, headers })
        : new Response(part as Uint8Array<ArrayBuffer>, { status: 206, headers })
    }
  }
  if (isLate && request.method === 'GET') return lateResponse(bytes.slice(), { headers })
  // for HEAD as well: the runtime takes the length from the body and does not send it
  return new Response(bytes as Uint8Array<ArrayBuffer>, { headers })
}

/** RFC 9110, 13.1.2: weak or strong is the same here. */
const isKnown = (header: string | null, etag: string): boolean =>
  header !== null && (header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag))

const rangeHolds = (ifRange: string | null, etag: string): boolean => ifRange === null || ifRange.trim() === etag

/** Undefined for what may be answered with everything: several ranges, other units (RFC 9110, 14.2). */
function parseRange(header: string, length: number): Range | 'outside' | undefined {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header.trim()) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  if (first === '') return last === '0' || length === 0 ? 'outside' : { start: Math.max(0, length - Number(last)), end: length }
  if (last !== '' && Number(last) < Number(first)) return undefined
  if (Number(first) >= length) return 'outside'
  return { start: Number(first), end: last === '' ? length : Math.min(length, Number(last) + 1) }
}
