/** Calls between two threads, both ways over one port: in order, with results and errors. Everything handed over is cloned. */
import { type Carried, carry, revive } from './errors.ts'

/** A `MessagePort`, a `Worker`, or the inside of a worker. */
export interface Port {
  postMessage(message: unknown, transfer: ArrayBuffer[]): void
  // biome-ignore lint/suspicious/noExplicitAny: the three have three types of event
  onmessage: ((event: any) => void) | null
}

// biome-ignore lint/suspicious/noExplicitAny: what a method takes is between it and who calls it
type Methods = Record<string, (...values: any[]) => unknown>

type Message =
  | { readonly call: number; readonly method: string; readonly values: readonly unknown[] }
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: Carried }

interface Waiting {
  resolve(value: unknown): void
  reject(error: Error): void
}

export class Channel {
  readonly #port: Port
  readonly #methods: Methods
  readonly #waiting = new Map<number, Waiting>()
  #nextCall = 1
  #closed: Error | undefined

  /** `methods`: what the other side may call. */
  constructor(port: Port, methods: object) {
    this.#port = port
    this.#methods = methods as Methods
    port.onmessage = ({ data }: MessageEvent<Message>) => {
      if ('call' in data) void this.#answer(data.call, data.method, data.values)
      else this.#take(data)
    }
  }

  /** Throws what the method throws, as the same class where it is one for others. */
  call(method: string, ...values: unknown[]): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      const call = this.#nextCall++
      this.#port.postMessage({ call, method, values } satisfies Message, [])
      this.#waiting.set(call, { resolve, reject })
    })
  }

  /** The other side is gone: what was asked of it fails so, and so does what will be. */
  close(reason: Error): void {
    this.#closed = reason
    for (const { reject } of this.#waiting.values()) reject(reason)
    this.#waiting.clear()
  }

  async #answer(call: number, method: string, values: readonly unknown[]): Promise<void> {
    try {
      if (!Object.hasOwn(this.#methods, method)) throw new Error(`there is no ${method} in the other thread`)
      const value = await this.#methods[method]!(...values)
      this.#port.postMessage({ answer: call, value } satisfies Message, value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : [])
    } catch (error) {
      this.#port.postMessage({ answer: call, error: carry(error) } satisfies Message, [])
    }
  }

  #take(data: Exclude<Message, { call: number }>): void {
    const waiting = this.#waiting.get(data.answer)
    this.#waiting.delete(data.answer)
    if ('error' in data) waiting?.reject(revive(data.error))
    else waiting?.resolve(data.value)
  }
}

/** An object whose methods run on the other side. */
export const remote = <T extends object>(channel: Channel): T =>
  new Proxy({} as T, {
    // a `then` would make a promise of it
    get: (_, method) =>
      typeof method === 'string' && method !== 'then' ? (...values: unknown[]) => channel.call(method, ...values) : undefined,
  })
