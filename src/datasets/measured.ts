/** Decoders and stores that say how long they took, for a format that need not know. */
import type { Decoders } from '../../codecs/pool.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Work } from '../metrics/times.ts'
import { FileStore } from '../stores/file.ts'
import type { ByteRange, ListEntry, Readable, Stat, Store } from '../stores/store.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'

export const measuredDecoders = (pool: Decoders, format: string, metrics: Metrics): Decoders => ({
  async decoder(pipeline) {
    const decoder = await pool.decoder(pipeline)
    const here = metrics.decode.of({ format, codec: pipeline.codec, thread: 'serving' })
    const elsewhere = metrics.decode.of({ format, codec: pipeline.codec, thread: 'decoding' })
    return {
      decode(source, target, least, more) {
        const started = performance.now()
        const decoding = decoder.decode(source, target, least, more)
        if (decoding) return decoding.then(() => void elsewhere.done(started, target.length) as undefined)
        here.done(started, target.length)
        return undefined
      },
    }
  },
})

export const measuredStore = (store: Store, format: string, metrics: Metrics): Store =>
  new MeasuredStore(store, metrics.store.of({ format, store: store instanceof FileStore ? 'file' : 'network' }))

/** Reads that fail are not counted: how long they took says more about deadlines than about the store. */
class MeasuredStore implements Store {
  readonly url: string
  readonly isLocal: boolean
  readonly list?: (prefix: string) => Promise<readonly ListEntry[]>
  readonly metadataRead?: (key: string) => void
  readonly #store: Store
  readonly #work: Work

  constructor(store: Store, work: Work) {
    this.#store = store
    this.#work = work
    this.url = store.url
    this.isLocal = store.isLocal === true
    if (store.list) this.list = (prefix) => store.list!(prefix)
    if (store.metadataRead) this.metadataRead = (key) => store.metadataRead!(key)
  }

  stat(key: string, signal?: AbortSignal): Promise<Stat | undefined> {
    return this.#store.stat(key, signal)
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal, maxBytes?: number): Promise<Uint8Array | undefined> {
    const started = performance.now()
    const bytes = await this.#store.get(key, range, signal, maxBytes)
    if (bytes) this.#work.done(started, bytes.length)
    return bytes
  }

  open(key: string, signal?: AbortSignal): MaybePromise<Readable | undefined> {
    const file = this.#store.open(key, signal)
    if (file instanceof Promise) return file.then((opened) => opened && new MeasuredReadable(opened, this.#work))
    return file && new MeasuredReadable(file, this.#work)
  }
}

class MeasuredReadable implements Readable {
  readonly name: string
  readonly size: number
  readonly version: string
  readonly changedMs?: number
  readonly #file: Readable
  readonly #work: Work

  constructor(file: Readable, work: Work) {
    this.#file = file
    this.#work = work
    this.name = file.name
    this.size = file.size
    this.version = file.version
    if (file.changedMs !== undefined) this.changedMs = file.changedMs
  }

  read(target: Uint8Array, offset: number, signal?: AbortSignal): MaybePromise<void> {
    const started = performance.now()
    const reading = this.#file.read(target, offset, signal)
    if (reading) return reading.then(() => this.#work.done(started, target.length))
    this.#work.done(started, target.length)
  }

  isCurrent(): Promise<boolean> {
    return this.#file.isCurrent()
  }
}
