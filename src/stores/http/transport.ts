/**
 * One HTTP exchange: redirects by hand, because each has to be looked at; time limits for the first byte and between bytes; a body never
 * longer than was asked for. The body comes as it was sent: `fetch` would decompress it and leave the headers as they were.
 * Proxies: the runtime reads HTTP_PROXY, HTTPS_PROXY and NO_PROXY itself.
 */
import { CorruptChunk, messageOf, Unusable } from '../../volume/errors.ts'
import type { Guard } from './guard.ts'
import { Retriable } from './retry.ts'
import { shownUrl } from './url.ts'

export interface HttpRequest {
  readonly url: URL
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
  /** A longer body is refused before it is read. */
  readonly maxBytes: number
  /** For servers that take their time; else what is usual. */
  readonly firstByteMs?: number
  /** Looks at every address before it is connected to. */
  readonly guard?: Guard | undefined
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
}

export interface TransportOptions {
  /** Until the headers are there: look-up, connecting, and the server's own time. */
  readonly firstByteMs: number
  readonly idleMs: number
  /** Certificates to trust, PEM; those of the runtime where undefined. */
  readonly ca?: readonly string[] | undefined
}

const MAX_REDIRECTS = 5
/** Of an answer that is only looked at for its status. */
const MAX_ERROR_BYTES = 16 * 1024
/** Answers up to this length are waited for as a whole. */
const WHOLE_BYTES = 4 * 1024 * 1024
/** A connection with less than this is of no use to a viewer. */
const SLOWEST_BYTES_PER_MS = 64
/** Headers that may only reach the server they were made for. */
const PRIVATE_HEADERS = /^(authorization|cookie|x-amz-.*|x-goog-.*|proxy-authorization)$/i

/** Throws `Retriable` for trouble of the network, `Unusable` for what may not be reached, the signal's reason when it fires. */
export async function exchange(request: HttpRequest, options: TransportOptions, signal?: AbortSignal): Promise<HttpAnswer> {
  let { url, headers = {} } = request
  for (let hops = 0; ; hops++) {
    const answer = await hop({ ...request, url, headers }, options, signal)
    const location = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null
    if (location === null) return answer
    if (request.method === 'POST') throw new Unusable(`${shownUrl(url)} redirects, which is not followed with a body`)
    if (hops === MAX_REDIRECTS) throw new Unusable(`${shownUrl(request.url)} redirects more than ${MAX_REDIRECTS} times`)
    if (!URL.canParse(location, url.href)) throw new Unusable(`${shownUrl(url)} redirects to what is no URL`)
    const next = new URL(location, url)
    if (next.protocol !== 'https:' && !(next.protocol === 'http:' && url.protocol === 'http:'))
      throw new Unusable(`${shownUrl(url)} redirects to ${next.protocol}, which is not followed`)
    if (next.origin !== url.origin) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !PRIVATE_HEADERS.test(name)))
    url = next
  }
}

async function hop(request: HttpRequest, options: TransportOptions, signal?: AbortSignal): Promise<HttpAnswer> {
  const { url, method = 'GET', body, guard } = request
  const shown = shownUrl(url)
  const clock = new Clock(signal)
  try {
    const firstByteMs = request.firstByteMs ?? options.firstByteMs
    clock.restart(firstByteMs, `no answer within ${firstByteMs / 1000} s`)
    const address = await clock.race(guard?.addressOf(url))
    const target = new URL(url)
    target.username = target.password = ''
    const headers: Record<string, string> = { ...request.headers }
    let serverName: string | undefined
    if (address !== undefined && address !== url.hostname.replace(/^\[|\]$/g, '')) {
      // the name stays in Host and in the certificate check, the connection goes to the address that was looked at
      headers['Host'] = url.host
      serverName = url.hostname
      target.hostname = address.includes(':') ? `[${address}]` : address
    }
    const tls = { ...(serverName && { serverName }), ...(options.ca && { ca: [...options.ca] }) }
    const response = await fetch(target.href, {
      method,
      headers,
      ...(body !== undefined && { body }),
      redirect: 'manual',
      decompress: false,
      signal: clock.signal,
      ...(Object.keys(tls).length > 0 && { tls }),
    })
    clock.restart(options.idleMs, `no further byte within ${options.idleMs / 1000} s`)
    const { status } = response
    const isWanted = status >= 200 && status < 300
    // all of it in place of a range: enough is read to see that it is too much
    const isRange = request.headers?.['Range'] !== undefined
    const limit = isWanted ? request.maxBytes : MAX_ERROR_BYTES
    const bytes = method === 'HEAD' ? new Uint8Array() : await readBody(response, limit, isWanted && !isRange, clock, options.idleMs, shown)
    return { status, headers: response.headers, bytes }
  } catch (error) {
    clock.abort()
    signal?.throwIfAborted()
    if (error instanceof Retriable || error instanceof Unusable || error instanceof CorruptChunk) throw error
    if (error instanceof Error && error.name === 'UpstreamError') throw error
    throw new Retriable({ file: shown, cause: clock.late ?? networkCause(error) })
  } finally {
    clock.stop()
  }
}

/** All bytes. More than `limit` are refused (`isWanted`), or left unread once it is certain that they are more. */
async function readBody(
  response: Response,
  limit: number,
  isWanted: boolean,
  clock: Clock,
  idleMs: number,
  shown: string,
): Promise<Uint8Array> {
  const stated = Number(response.headers.get('content-length') ?? Number.NaN)
  const tooLong = (length: number | string) =>
    new CorruptChunk({ file: shown, cause: `answers with ${length} bytes, at most ${limit} are expected` })
  if (stated > limit && isWanted) throw tooLong(stated)
  const bytes =
    stated <= Math.min(limit, WHOLE_BYTES)
      ? await readWhole(response, stated, clock, idleMs)
      : await readParts(response, limit, clock, idleMs)
  if (isWanted && bytes.length > limit) throw tooLong(`more than ${limit}`)
  if (isWanted && bytes.length < stated)
    throw new Retriable({ file: shown, cause: `the answer ends after ${bytes.length} of ${stated} bytes` })
  return bytes
}

/** What is short and says so: the runtime puts it together, which takes half as long as part by part. */
function readWhole(response: Response, stated: number, clock: Clock, idleMs: number): Promise<Uint8Array> {
  const ms = idleMs + stated / SLOWEST_BYTES_PER_MS
  clock.restart(ms, `the answer was not complete within ${Math.round(ms) / 1000} s`)
  return response.bytes()
}

/** Stops where it has more than `limit` bytes. */
async function readParts(response: Response, limit: number, clock: Clock, idleMs: number): Promise<Uint8Array> {
  if (!response.body) return new Uint8Array()
  const reader = response.body.getReader()
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { value, done } = await reader.read()
    if (done) break
    clock.restart(idleMs)
    length += value.length
    parts.push(value)
    if (length <= limit) continue
    clock.abort()
    break
  }
  return parts.length === 1 ? parts[0]! : concatenate(parts, length)
}

/** Memory of its own: what `Buffer.concat` gives may be part of a pool. */
function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** A time limit that can be set anew, together with the caller's signal. */
class Clock {
  /** What took too long. */
  late: string | undefined
  readonly #controller = new AbortController()
  readonly signal: AbortSignal
  #timer: ReturnType<typeof setTimeout> | undefined
  #what = ''

  constructor(signal?: AbortSignal) {
    this.signal = signal ? AbortSignal.any([signal, this.#controller.signal]) : this.#controller.signal
  }

  restart(ms: number, what = this.#what): void {
    clearTimeout(this.#timer)
    this.#what = what
    this.#timer = setTimeout(() => {
      this.late = what
      this.#controller.abort(new Error(what))
    }, ms)
  }

  /** `work`, unless the time is up before: for what knows no signal. */
  race<T>(work: Promise<T> | undefined): Promise<T | undefined> {
    if (!work) return Promise.resolve(undefined)
    const { signal } = this
    const stopped = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    return Promise.race([work, stopped])
  }

  abort(): void {
    if (!this.signal.aborted) this.#controller.abort(new Error('given up'))
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

const CAUSES: Record<string, string> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was closed before the answer was complete',
  ENOTFOUND: 'the name is not known',
  ConnectionRefused: 'the connection is refused',
  ConnectionClosed: 'the connection was closed before the answer was complete',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is of nobody we know; --ca-file names one to trust',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; --ca-file names one to trust',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is self-signed; --ca-file names one to trust',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
}

/** Without the URL, which messages of the runtime may repeat in full. */
function networkCause(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  return code ? `${CAUSES[code] ?? 'the network failed'} (${code})` : messageOf(error).replace(/\bhttps?:\S+/g, 'the URL')
}
