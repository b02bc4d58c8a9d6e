/** Asks for a part of an object and believes only an answer that is exactly that part (RFC 9110, 14). */
import type { ByteRange } from '../store.ts'
import { Retriable } from './retry.ts'
import type { HttpAnswer } from './transport.ts'

export interface Part {
  readonly bytes: Uint8Array
  /** Of the whole object; NaN where the server does not say. */
  readonly total: number
}

/** The header; a negative start counts from the end. */
export const rangeHeader = ({ start, length }: ByteRange): string => (start < 0 ? `bytes=${start}` : `bytes=${start}-${start + length - 1}`)

/** The part that exists of `range`; no bytes where it begins behind the end. Throws `Retriable` (once) for any other answer. */
export function partOf(answer: HttpAnswer, range: ByteRange, file: string): Part {
  const wrong = (cause: string) => new Retriable({ file, cause }, { once: true })
  const { status, headers, bytes } = answer
  const contentRange = headers.get('content-range') ?? ''
  if (status === 416) {
    const total = Number(/^bytes \*\/(\d+)$/.exec(contentRange)?.[1] ?? Number.NaN)
    if (range.start > 0 || !(total > 0)) return { bytes: new Uint8Array(), total: Number.isFinite(total) ? total : 0 }
    throw wrong(`says that bytes from ${range.start} are not there, of ${total}`)
  }
  if (!isIdentity(headers)) throw wrong(`answers a range with the content encoding ${headers.get('content-encoding')}`)
  if (status === 200) {
    // a server may send all where all was asked for
    const asked = range.start < 0 ? -range.start : range.start === 0 ? range.length : -1
    if (bytes.length <= asked) return { bytes, total: bytes.length }
    throw wrong('answers a range with the whole file: it does not know range requests')
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(contentRange)
  if (!match) throw wrong(`answers a range without saying which one (Content-Range ${JSON.stringify(contentRange)})`)
  const [first, last] = [Number(match[1]), Number(match[2])]
  const total = match[3] === '*' ? Number.NaN : Number(match[3])
  const start = range.start < 0 ? Math.max(0, total + range.start) : range.start
  const end = Math.min(range.start < 0 ? total : start + range.length, Number.isNaN(total) ? Number.POSITIVE_INFINITY : total)
  if (first !== start || last !== end - 1)
    throw wrong(`answers with bytes ${first} to ${last} of ${match[3]}, asked for were ${range.length} from ${range.start}`)
  if (bytes.length !== end - start) throw wrong(`answers with ${bytes.length} bytes and says they were ${end - start}`)
  return { bytes: range.start < 0 ? bytes.subarray(0, range.length) : bytes, total }
}

export const isIdentity = (headers: Headers): boolean => /^(identity)?$/i.test(headers.get('content-encoding') ?? '')

/** Changes when the bytes do: the ETag, else the date and the size. */
export const versionOf = (headers: Headers, size: number): string =>
  headers.get('etag') ?? `${headers.get('last-modified') ?? ''} ${size}`.trim()
