/**
 * Runs slow decoding in worker threads, so that the thread that answers requests stays free. What is over in less than a
 * millisecond is decoded where it is asked for: handing bytes to a worker and back adds about half a millisecond (bench pool).
 */
import { UpstreamError } from '../src/volume/errors.ts'
import type { MaybePromise } from '../src/volume/maybe-promise.ts'
import type { CodecOptions, Pipeline } from './codec.ts'
import { DecodeThread } from './decode-thread.ts'
import { type LoadedPipeline, loadPipeline } from './decoder.ts'
import { Slots } from './slots.ts'

const INLINE_NS = 1_000_000
const KEPT_BYTES = 64 * 1024 * 1024
/** Chunks a thread has at a time: the one it decodes and the next, so that it need not wait for us. The others wait for who is free first. */
const AHEAD = 2

/** Decodes chunks of one kind, here or in a worker. */
export interface Decoder {
  /**
   * Fills `target` with at least `least` bytes (all of it by default); throws `CodecError`. `source` may be reused at once. `more`: options
   * of the codec for this chunk alone.
   */
  decode(source: Uint8Array, target: Uint8Array, least?: number, more?: CodecOptions): MaybePromise<undefined>
}

/** Makes decoders: the pool, or whoever watches what it does. */
export interface Decoders {
  decoder(pipeline: Pipeline): Promise<Decoder>
}

interface Job {
  readonly pipeline: Pipeline
  readonly source: SharedArrayBuffer
  readonly sourceLength: number
  readonly target: Uint8Array
  readonly least: number
  readonly more: CodecOptions | undefined
  readonly resolve: (value: undefined) => void
  readonly reject: (error: unknown) => void
}

export class DecodePool implements Decoders {
  readonly #size: number
  readonly #inlineNs: number
  readonly #threads: DecodeThread[] = []
  readonly #queue: Job[] = []
  readonly #slots = new Slots(KEPT_BYTES)

  /** At most `size` threads, started when they are first needed. What is estimated to take up to `inlineNs` is decoded at once. */
  constructor(size = Math.min(8, navigator.hardwareConcurrency), inlineNs = INLINE_NS) {
    this.#size = size
    this.#inlineNs = inlineNs
  }

  get threads(): number {
    return this.#threads.length
  }

  /** What is being decoded in threads, or waits for it. */
  get jobs(): number {
    return this.#threads.reduce((sum, { tasks }) => sum + tasks, this.#queue.length)
  }

  async decoder(pipeline: Pipeline): Promise<Decoder> {
    const loaded: LoadedPipeline = await loadPipeline(pipeline)
    return {
      decode: (source, target, least = target.length, more) => {
        if (target.length * loaded.nsPerByte > this.#inlineNs) return this.#send(pipeline, source, target, least, more)
        loaded.run(source, target, least, more)
        return undefined
      },
    }
  }

  /** A CPU profile of each thread there is; none of one that ends meanwhile. */
  async record(ms: number): Promise<string[]> {
    const profiles = await Promise.allSettled(this.#threads.map((thread) => thread.record(ms)))
    return profiles.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  }

  /** Ends all threads; what they were decoding fails, and so does what waits. */
  close(): void {
    const cause = 'the server is stopping'
    for (const thread of this.#threads.splice(0)) thread.close(cause)
    for (const { reject } of this.#queue.splice(0)) reject(new UpstreamError({ cause }))
  }

  #send(pipeline: Pipeline, bytes: Uint8Array, target: Uint8Array, least: number, more?: CodecOptions): Promise<undefined> {
    return new Promise((resolve, reject) => {
      const source = this.#slots.take(bytes.length)
      new Uint8Array(source).set(bytes)
      this.#queue.push({ pipeline, source, sourceLength: bytes.length, target, least, more, resolve, reject })
      this.#next()
    })
  }

  /** Gives what waits to threads that have less to do than they may. */
  #next(): void {
    while (this.#queue.length > 0) {
      const thread = this.#leastBusy()
      if (thread.tasks >= AHEAD) return
      void this.#run(thread, this.#queue.shift()!)
    }
  }

  async #run(thread: DecodeThread, { pipeline, source, sourceLength, target, least, more, resolve, reject }: Job): Promise<void> {
    const into = this.#slots.take(target.length)
    try {
      const written = await thread.decode({ pipeline, source, sourceLength, target: into, size: target.length, least, more })
      target.set(new Uint8Array(into, 0, written))
      resolve(undefined)
    } catch (error) {
      reject(error)
      // of a thread that ended in the middle memory is not given back: who knows whether it still writes
      if (error instanceof UpstreamError) return
    }
    this.#slots.giveBack(source)
    this.#slots.giveBack(into)
    this.#next()
  }

  #leastBusy(): DecodeThread {
    const idle = this.#threads.find(({ tasks }) => tasks === 0)
    if (idle) return idle
    if (this.#threads.length < this.#size) return this.#start()
    return this.#threads.reduce((a, b) => (b.tasks < a.tasks ? b : a))
  }

  #start(): DecodeThread {
    const thread = new DecodeThread(() => {
      const at = this.#threads.indexOf(thread)
      if (at >= 0) this.#threads.splice(at, 1)
      this.#next()
    })
    this.#threads.push(thread)
    return thread
  }
}
