/**
 * Objects behind HTTP as a store: a web server, or a bucket of S3 or Google with its own way to sign and to list. Missing is 404; 403 is
 * missing where the metadata can be read (formats.md 2.2). Ranges are asked for without content encoding, whole objects with gzip, which
 * is taken off once.
 */
import { CorruptChunk, Unusable, UpstreamError } from '../../volume/errors.ts'
import { type ByteRange, FileChanged, type ListEntry, MAX_GET_BYTES, type Readable, type Stat, type Store } from '../store.ts'
import { BLOCK_BYTES, type BlockCache } from './blocks.ts'
import type { HttpClient } from './client.ts'
import { Coalescer } from './coalesce.ts'
import { decodeContent } from './decode.ts'
import { RemoteFile } from './file.ts'
import { isIdentity, type Part, partOf, rangeHeader, versionOf } from './range.ts'
import { Retriable } from './retry.ts'
import type { HttpAnswer, HttpRequest } from './transport.ts'
import { shownUrl } from './url.ts'

/** What tells one kind of place from another. */
export interface Place {
  /** For messages and descriptors; without secrets. */
  readonly url: string
  /** Throws `Unusable` for a key that leads out of the place. */
  urlOf(key: string): URL
  /** Signs. `attempt` 1 and later follow a failure, perhaps of an old token. */
  authorize?(request: HttpRequest, attempt: number): Promise<HttpRequest> | HttpRequest
  /** Told of 401 and 403 and the like; true when asking once more with what was learned may help. */
  refused?(answer: HttpAnswer): boolean
  list?(prefix: string, send: Send): Promise<readonly ListEntry[]>
}

export type Send = (request: Omit<HttpRequest, 'guard'>) => Promise<HttpAnswer>

export interface ObjectStoreParts {
  readonly place: Place
  readonly client: HttpClient
  readonly blocks: BlockCache
  /** For places that strangers named. */
  readonly guard?: HttpRequest['guard']
}

/** No version of an object: it was opened in more than one. */
const SEVERAL = ''

export class ObjectStore implements Store {
  readonly url: string
  readonly list?: (prefix: string) => Promise<readonly ListEntry[]>
  readonly #parts: ObjectStoreParts
  readonly #ranges: Coalescer
  readonly #opened = new Map<string, string>()
  #metadataKey: string | undefined
  #metadataReadable: { readonly at: number; readonly is: Promise<boolean> } | undefined

  constructor(parts: ObjectStoreParts) {
    const { place } = parts
    this.#parts = parts
    this.url = place.url
    this.#ranges = new Coalescer((key, start, length, signal) => this.#part(key, { start, length }, signal))
    if (place.list) this.list = (prefix) => place.list!(prefix, (request) => this.#send({ ...request, guard: parts.guard }))
  }

  metadataRead(key: string): void {
    this.#metadataKey = key
  }

  async stat(key: string, signal?: AbortSignal): Promise<Stat | undefined> {
    const answer = await this.#object(key, { method: 'HEAD', headers: { 'Accept-Encoding': 'identity' }, maxBytes: 0 }, signal)
    if (!answer) return undefined
    const length = answer.headers.get('content-length')
    // of what is compressed on the way nobody says how long it is
    if (length === null || !isIdentity(answer.headers)) return this.#statByReading(key, signal)
    return { size: Number(length), version: versionOf(answer.headers, Number(length)) }
  }

  async #statByReading(key: string, signal?: AbortSignal): Promise<Stat | undefined> {
    const whole = await this.#whole(key, signal)
    return whole && { size: whole.bytes.length, version: versionOf(whole.headers, whole.bytes.length) }
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal, maxBytes = MAX_GET_BYTES): Promise<Uint8Array | undefined> {
    if (!range) return (await this.#whole(key, signal, maxBytes))?.bytes
    if (range.length > MAX_GET_BYTES)
      throw new UpstreamError({
        file: this.#shown(key),
        cause: `${range.length} bytes are more than the ${MAX_GET_BYTES} read in one piece`,
      })
    if (range.length <= 0) return (await this.stat(key, signal)) && new Uint8Array()
    const part = range.start < 0 ? await this.#part(key, range, signal) : await this.#ranges.get(key, range.start, range.length, signal)
    return part?.bytes
  }

  openedVersion(key: string): string | undefined {
    const version = this.#opened.get(key)
    // a server that sends neither an ETag nor a date leaves only the size
    return version === undefined || version === SEVERAL || /^\d*$/.test(version) ? undefined : version
  }

  async open(key: string, signal?: AbortSignal): Promise<Readable | undefined> {
    const first = await this.#part(key, { start: 0, length: BLOCK_BYTES }, signal)
    if (!first) return undefined
    const { version } = first
    const before = this.#opened.get(key)
    this.#opened.set(key, before === undefined || before === version ? version : SEVERAL)
    const size = Number.isNaN(first.total) ? (await this.stat(key, signal))?.size : first.total
    if (size === undefined) return undefined
    const ranges = this.#versions(key, version)
    const read = async (start: number, length: number, reader?: AbortSignal): Promise<Uint8Array> => {
      const part = await ranges.get(key, start, length, reader)
      if (part?.bytes.length !== length) throw new FileChanged(`${this.#shown(key)} was changed while it was being read`)
      return part.bytes
    }
    const stat = { size, version }
    const currentVersion = async () => (await this.stat(key))?.version
    return new RemoteFile({ name: this.#shown(key), stat, blocks: this.#parts.blocks, read, currentVersion }, first.bytes)
  }

  /** Ranges of one version of an object. Throws `FileChanged` when asking twice gives another one. */
  #versions(key: string, version: string): Coalescer {
    return new Coalescer(async (_, start, length, signal) => {
      try {
        return await this.#part(key, { start, length }, signal, version)
      } catch (error) {
        throw error instanceof OtherVersion ? new FileChanged(`${this.#shown(key)} was changed while it was being read`) : error
      }
    })
  }

  async #whole(key: string, signal?: AbortSignal, maxBytes = MAX_GET_BYTES): Promise<HttpAnswer | undefined> {
    // what does not shrink grows a little when it is compressed
    const request = { headers: { 'Accept-Encoding': 'gzip' }, maxBytes: maxBytes + (maxBytes >> 6) + 1024 }
    const answer = await this.#object(key, request, signal)
    if (!answer) return undefined
    const { headers } = answer
    const bytes = await decodeContent(answer.bytes, headers.get('content-encoding') ?? '', maxBytes, this.#shown(key))
    if (bytes.length > maxBytes)
      throw new CorruptChunk({ file: this.#shown(key), cause: `${bytes.length} bytes, at most ${maxBytes} are expected` })
    return { ...answer, bytes }
  }

  async #part(key: string, range: ByteRange, signal?: AbortSignal, expected?: string): Promise<(Part & { version: string }) | undefined> {
    const file = this.#shown(key)
    let part: Part | undefined
    const accept = (answer: HttpAnswer) => {
      if (answer.status !== 200 && answer.status !== 206 && answer.status !== 416) return
      part = partOf(answer, range, file)
      const version = versionOf(answer.headers, part.total)
      if (expected !== undefined && version !== expected)
        throw new OtherVersion({ file, cause: `is now ${version}, was ${expected}` }, { once: true })
    }
    const asked = range.start < 0 ? Math.max(-range.start, range.length) : range.length
    const headers = { 'Accept-Encoding': 'identity', Range: rangeHeader(range) }
    const answer = await this.#object(key, { headers, maxBytes: asked }, signal, accept)
    return answer && part && { ...part, version: versionOf(answer.headers, part.total) }
  }

  /** An answer of status 200, 206 or 416; undefined where there is no object. */
  async #object(
    key: string,
    request: Omit<HttpRequest, 'url' | 'guard'>,
    signal?: AbortSignal,
    accept?: (answer: HttpAnswer) => void,
  ): Promise<HttpAnswer | undefined> {
    const url = this.#parts.place.urlOf(key)
    const since = performance.now()
    const answer = await this.#send({ ...request, url, guard: this.#parts.guard }, signal, accept)
    const { status } = answer
    if (status === 200 || status === 206 || status === 416) return answer
    if (status === 404 || status === 410) return undefined
    const file = shownUrl(url)
    if (status === 403 && key !== this.#metadataKey && (await this.#isMetadataReadable(since))) return undefined
    if (status === 401 || status === 403)
      throw new UpstreamError({ file, cause: `status ${status}: it may not be read with the credentials given, or without any` })
    throw new UpstreamError({ file, cause: `the server answers with status ${status}` })
  }

  async #send(request: HttpRequest, signal?: AbortSignal, accept?: (answer: HttpAnswer) => void): Promise<HttpAnswer> {
    const { client, place } = this.#parts
    return client.send(request, {
      signal,
      ...(place.authorize && { prepare: (one: HttpRequest, attempt: number) => place.authorize!(one, attempt) }),
      accept: (answer) => {
        if (answer.status >= 300 && answer.status < 500 && answer.status !== 404 && place.refused?.(answer))
          throw new Retriable({ file: shownUrl(request.url), cause: `status ${answer.status}` }, { once: true })
        accept?.(answer)
      },
    })
  }

  /** Whether the metadata could be read after `since`: access may have been withdrawn. All who ask meanwhile share the answer. */
  #isMetadataReadable(since: number): Promise<boolean> {
    const key = this.#metadataKey
    if (key === undefined) return Promise.resolve(false)
    const known = this.#metadataReadable
    if (known && known.at >= since) return known.is
    const is = this.#part(key, { start: 0, length: 1 }).then(
      (part) => part !== undefined,
      (error) => {
        this.#metadataReadable = undefined
        if (error instanceof Retriable) throw error
        return false
      },
    )
    this.#metadataReadable = { at: performance.now(), is }
    return is
  }

  #shown(key: string): string {
    try {
      return shownUrl(this.#parts.place.urlOf(key))
    } catch (error) {
      throw error instanceof Unusable ? new Unusable(`${this.url}: ${error.message}`) : error
    }
  }
}

/** Another version of an object than the one that was opened. */
class OtherVersion extends Retriable {}
