/** One decoding thread, as who gives it work sees it: the other side of worker.ts. */
import { UpstreamError } from '../src/volume/errors.ts'
import { CodecError } from './codec.ts'
import type { Answer, Recording, Task } from './worker.ts'

/** build.ts says where the worker lies in the executable, in which all modules have the address of the executable itself. */
declare const WKCONNECT_WORKER: string | undefined
const WORKER = typeof WKCONNECT_WORKER === 'undefined' ? './worker.ts' : WKCONNECT_WORKER

type Waiting = PromiseWithResolvers<Answer>

export class DecodeThread {
  readonly #worker = new Worker(new URL(WORKER, import.meta.url).href)
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #tasks = 0

  /** `ended` is told when the thread ended by itself; what it had to do has failed by then. */
  constructor(ended: () => void) {
    this.#hold()
    this.#worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      const waiting = this.#waiting.get(data.id)
      this.#waiting.delete(data.id)
      this.#hold()
      if ('error' in data) waiting?.reject(new CodecError(data.error))
      else waiting?.resolve(data)
    }
    this.#worker.onerror = (event) => {
      event.preventDefault()
      this.close(`the decoding thread ended: ${event.message}`)
      ended()
    }
  }

  /** What it is decoding or has still to decode. */
  get tasks(): number {
    return this.#tasks
  }

  /** Bytes written. Throws `CodecError`; `UpstreamError` where the thread ended, and may still write into the memory of the task. */
  async decode(task: Omit<Task, 'id'>): Promise<number> {
    this.#tasks++
    try {
      const answer = await this.#ask(task)
      return 'written' in answer ? answer.written : 0
    } finally {
      this.#tasks--
    }
  }

  /** A CPU profile of the next so many milliseconds. */
  async record(recordMs: number): Promise<string> {
    const answer = await this.#ask({ recordMs })
    if (!('profile' in answer)) throw new Error('no profile')
    return answer.profile
  }

  /** Ends it; what it had to do fails with this cause. */
  close(cause: string): void {
    this.#worker.terminate()
    for (const { reject } of this.#waiting.values()) reject(new UpstreamError({ cause }))
    this.#waiting.clear()
  }

  #ask(what: Omit<Task, 'id'> | Omit<Recording, 'id'>): Promise<Answer> {
    const id = this.#next++
    const waiting: Waiting = Promise.withResolvers()
    this.#waiting.set(id, waiting)
    this.#hold()
    this.#worker.postMessage({ id, ...what } satisfies Task | Recording)
    return waiting.promise
  }

  /**
   * A waiting thread is no reason for the process to stay, a working one is. More than that: an event loop that nothing holds does not
   * sleep until the answer comes but runs in circles, which costs the decoding threads a core (bench precomputed).
   */
  #hold(): void {
    if (this.#waiting.size > 0) this.#worker.ref()
    else this.#worker.unref()
  }
}
