/**
 * Runs slow decoding in worker threads, so that the thread that answers requests stays free. What is over in less than a
 * millisecond is decoded where it is asked for: handing bytes to a worker and back adds about half a millisecond (bench pool).
 */
import { UpstreamError } from '../src/volume/errors.ts'
import type { MaybePromise } from '../src/volume/maybe-promise.ts'
import { CodecError, type Pipeline } from './codec.ts'
import { type LoadedPipeline, loadPipeline } from './decoder.ts'
import { Slots } from './slots.ts'
import type { Answer, Recording, Task } from './worker.ts'

const INLINE_NS = 1_000_000
const KEPT_BYTES = 64 * 1024 * 1024

/** build.ts says where the worker lies in the executable, in which all modules have the address of the executable itself. */
declare const WKCONNECT_WORKER: string | undefined
const WORKER = typeof WKCONNECT_WORKER === 'undefined' ? './worker.ts' : WKCONNECT_WORKER

/** Decodes chunks of one kind, here or in a worker. */
export interface Decoder {
  /** Fills `target` with at least `least` bytes (all of it by default); throws `CodecError`. `source` may be reused at once. */
  decode(source: Uint8Array, target: Uint8Array, least?: number): MaybePromise<undefined>
}

/** Makes decoders: the pool, or whoever watches what it does. */
export interface Decoders {
  decoder(pipeline: Pipeline): Promise<Decoder>
}

interface Job {
  readonly target: Uint8Array
  /** Holds the source, and from `targetAt` on what is decoded. */
  readonly shared: SharedArrayBuffer
  readonly targetAt: number
  readonly resolve: (value: undefined) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  readonly jobs: Map<number, Job>
  readonly recordings: Map<number, PromiseWithResolvers<string>>
}

export class DecodePool implements Decoders {
  readonly #size: number
  readonly #inlineNs: number
  readonly #threads: Thread[] = []
  readonly #slots = new Slots(KEPT_BYTES)
  #nextJob = 1

  /** At most `size` threads, started when they are first needed. What is estimated to take up to `inlineNs` is decoded at once. */
  constructor(size = Math.max(1, Math.min(8, navigator.hardwareConcurrency - 1)), inlineNs = INLINE_NS) {
    this.#size = size
    this.#inlineNs = inlineNs
  }

  get threads(): number {
    return this.#threads.length
  }

  /** What is being decoded in threads, or waits for it. */
  get jobs(): number {
    return this.#threads.reduce((sum, { jobs }) => sum + jobs.size, 0)
  }

  async decoder(pipeline: Pipeline): Promise<Decoder> {
    const loaded: LoadedPipeline = await loadPipeline(pipeline)
    return {
      decode: (source, target, least = target.length) => {
        if (target.length * loaded.nsPerByte > this.#inlineNs) return this.#send(pipeline, source, target, least)
        loaded.run(source, target, least)
        return undefined
      },
    }
  }

  /** A CPU profile of each thread there is; none of one that ends meanwhile. */
  async record(ms: number): Promise<string[]> {
    const profiles = this.#threads.map((thread) => {
      const recording: Recording = { id: this.#nextJob++, recordMs: ms }
      const result = Promise.withResolvers<string>()
      thread.recordings.set(recording.id, result)
      hold(thread)
      thread.worker.postMessage(recording)
      return result.promise
    })
    return (await Promise.allSettled(profiles)).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  }

  /** Ends all threads; what they were decoding fails. */
  close(): void {
    for (const thread of this.#threads.splice(0)) {
      thread.worker.terminate()
      this.#fail(thread, 'the server is stopping')
    }
  }

  #send(pipeline: Pipeline, source: Uint8Array, target: Uint8Array, least: number): Promise<undefined> {
    return new Promise((resolve, reject) => {
      const thread = this.#leastBusy()
      const id = this.#nextJob++
      const targetAt = Math.ceil(source.length / 8) * 8
      const shared = this.#slots.take(targetAt + target.length)
      new Uint8Array(shared).set(source)
      thread.jobs.set(id, { target, shared, targetAt, resolve, reject })
      hold(thread)
      const task: Task = { id, pipeline, shared, sourceLength: source.length, targetAt, size: target.length, least }
      thread.worker.postMessage(task)
    })
  }

  #leastBusy(): Thread {
    const idle = this.#threads.find((thread) => thread.jobs.size === 0)
    if (idle) return idle
    if (this.#threads.length < this.#size) return this.#start()
    return this.#threads.reduce((a, b) => (b.jobs.size < a.jobs.size ? b : a))
  }

  #start(): Thread {
    const worker = new Worker(new URL(WORKER, import.meta.url).href)
    const thread: Thread = { worker, jobs: new Map(), recordings: new Map() }
    hold(thread)
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const recording = thread.recordings.get(data.id)
      if (recording) {
        thread.recordings.delete(data.id)
        hold(thread)
        if ('profile' in data) recording.resolve(data.profile)
        else recording.reject(new Error('error' in data ? data.error : 'no profile'))
        return
      }
      const job = thread.jobs.get(data.id)
      thread.jobs.delete(data.id)
      if (!job) return
      hold(thread)
      if ('error' in data) job.reject(new CodecError(data.error))
      else if ('written' in data) {
        job.target.set(new Uint8Array(job.shared, job.targetAt, data.written))
        job.resolve(undefined)
      }
      // of a thread that ended in the middle it is not given back: who knows whether it still writes
      this.#slots.giveBack(job.shared)
    }
    worker.onerror = (event) => {
      event.preventDefault()
      const at = this.#threads.indexOf(thread)
      if (at >= 0) this.#threads.splice(at, 1)
      worker.terminate()
      this.#fail(thread, `the decoding thread ended: ${event.message}`)
    }
    this.#threads.push(thread)
    return thread
  }

  #fail(thread: Thread, cause: string): void {
    for (const job of thread.jobs.values()) job.reject(new UpstreamError({ cause }))
    thread.jobs.clear()
    for (const recording of thread.recordings.values()) recording.reject(new UpstreamError({ cause }))
    thread.recordings.clear()
  }
}

/**
 * A waiting worker is no reason for the process to stay, a working one is. More than that: an event loop that nothing holds does not
 * sleep until the answer comes but runs in circles, which costs the workers a core (bench precomputed).
 */
function hold({ worker, jobs, recordings }: Thread): void {
  if (jobs.size + recordings.size > 0) worker.ref()
  else worker.unref()
}
