/**
 * The serving threads beside the main one, as the main thread sees them: starts them, keeps them up to date with the catalogue, asks all
 * of them, and replaces one that ends. They hold no truth, so that a new one needs only what it is sent.
 */
import type { ThreadProfile } from '../api/context.ts'
import type { Catalogue } from '../datasets/catalogue.ts'
import { within } from '../datasets/catalogue.ts'
import { changeBetween, type Snapshot, snapshotOf } from '../datasets/snapshot.ts'
import type { Log } from '../log.ts'
import { messageOf, UpstreamError } from '../volume/errors.ts'
import { Channel, type Port, remote } from './channel.ts'
import type { MainThread, ServingThread, WorkerThread } from './roles.ts'

/** Another serving thread, or a process in the place of one. */
export interface Peer extends Port {
  /** Ends it at once. */
  terminate(): void
  /** Told once that it has ended, and how. */
  onEnded(work: (cause: string) => void): void
}

export interface HubOptions {
  /** How many there are beside the main one. */
  readonly count: number
  readonly start: () => Peer
  /** What a new one is told first, as plain data; `number` from 1. */
  readonly first: (number: number) => unknown
  readonly catalogue: Catalogue
  /** The main thread, as one that serves. */
  readonly here: ServingThread
  /** The main thread, as the others ask it. */
  readonly main: MainThread
  readonly log: Log
}

interface Thread {
  readonly number: number
  readonly peer: Peer
  readonly channel: Channel
  readonly calls: WorkerThread
  /** What it has been sent of the catalogue. */
  sent: Snapshot
  isLooked: boolean
}

/** Changes come in swarms. */
const SETTLE_MS = 30
const RESTART_MS = 500
/** A thread that does not answer a question by then is left out of the answer. */
const ANSWER_MS = 5000

export class ThreadHub {
  readonly #options: HubOptions
  readonly #threads = new Map<number, Thread>()
  #port = 0
  #stopped = false
  #publishing: ReturnType<typeof setTimeout> | undefined

  constructor(options: HubOptions) {
    this.#options = options
  }

  /** Starts all; they listen on this port when they are ready. */
  start(port: number): void {
    this.#port = port
    for (let number = 1; number <= this.#options.count; number++) this.#start(number)
  }

  /** Something in the catalogue is another: told to all in a moment. */
  changed(): void {
    this.#publishing ??= setTimeout(() => {
      this.#publishing = undefined
      void this.publish()
    }, SETTLE_MS)
    this.#publishing.unref()
  }

  /** When it resolves all threads know the catalogue as it was at the call. */
  async publish(): Promise<void> {
    if (this.#threads.size === 0) return
    const { catalogue } = this.#options
    const [now, isLooked] = [snapshotOf(catalogue.entries()), catalogue.lastLook !== undefined]
    await Promise.all([...this.#threads.values()].map((thread) => this.#send(thread, now, isLooked)))
  }

  /** Asks every serving thread, this one first: the answers of all that gave one in time. Rejects when this one fails. */
  async everyThread<Q extends keyof ServingThread>(
    question: Q,
    ...values: Parameters<ServingThread[Q]>
  ): Promise<Awaited<ReturnType<ServingThread[Q]>>[]> {
    return this.#ask(ANSWER_MS, question, values)
  }

  /** CPU profiles of the next so many milliseconds of all serving threads, this one first. */
  async record(ms: number): Promise<ThreadProfile[]> {
    return (await this.#ask(ms + ANSWER_MS, 'record', [ms])).flat()
  }

  async #ask<Q extends keyof ServingThread>(
    timeoutMs: number,
    question: Q,
    values: Parameters<ServingThread[Q]>,
  ): Promise<Awaited<ReturnType<ServingThread[Q]>>[]> {
    type Answer = Awaited<ReturnType<ServingThread[Q]>>
    const others = [...this.#threads.values()].map(({ channel }) =>
      within(
        channel.call(question, ...values).then((value) => ({ value: value as Answer })),
        timeoutMs,
      ).catch(() => undefined),
    )
    const ask = this.#options.here[question] as (...values: unknown[]) => Answer | Promise<Answer>
    const own = await ask(...values)
    return [own, ...(await Promise.all(others)).flatMap((answer) => (answer ? [answer.value] : []))]
  }

  /** Ends one at once; another takes its place. */
  replace(number: number): void {
    this.#threads.get(number)?.peer.terminate()
  }

  /** Ends all; answers under way have this time. */
  async stop(graceMs: number): Promise<void> {
    this.#stopped = true
    await Promise.all(
      [...this.#threads.values()].map(async ({ calls, peer }) => {
        await within(calls.stop(graceMs), graceMs + 500).catch(() => undefined)
        peer.terminate()
      }),
    )
  }

  /** What was sent is known to be sent at once, for calls arrive in order. */
  async #send(thread: Thread, now: Snapshot, isLooked: boolean): Promise<void> {
    const change = changeBetween(thread.sent, now, isLooked)
    if (change.entries.length === 0 && change.removed.length === 0 && thread.isLooked === isLooked) {
      // an earlier change may still be on its way
      await within(thread.channel.call('arrived'), ANSWER_MS).catch(() => undefined)
      return
    }
    thread.sent = now
    thread.isLooked = isLooked
    await within(Promise.resolve(thread.calls.apply(change)), ANSWER_MS).catch((error) => {
      if (!this.#stopped) this.#options.log.trouble('threads', `serving thread ${thread.number}: ${messageOf(error)}`)
    })
  }

  #start(number: number): void {
    const { start, main, log } = this.#options
    const peer = start()
    const channel = new Channel(peer, main)
    const thread: Thread = { number, peer, channel, calls: remote<WorkerThread>(channel), sent: new Map(), isLooked: false }
    this.#threads.set(number, thread)
    peer.onEnded((cause) => {
      channel.close(new UpstreamError({ cause: `serving thread ${number} ended` }))
      this.#threads.delete(number)
      if (this.#stopped) return
      log.trouble(`thread ${number}`, `serving thread ${number} is replaced: ${cause}`)
      setTimeout(() => this.#stopped || this.#start(number), RESTART_MS).unref()
    })
    void this.#letServe(thread)
  }

  async #letServe(thread: Thread): Promise<void> {
    const { catalogue, first, log } = this.#options
    try {
      await thread.channel.call('start', first(thread.number))
      await this.#send(thread, snapshotOf(catalogue.entries()), catalogue.lastLook !== undefined)
      await thread.calls.listen(this.#port)
    } catch (error) {
      if (!this.#stopped && this.#threads.get(thread.number) === thread) {
        log.trouble(`thread ${thread.number}`, `serving thread ${thread.number} does not serve: ${messageOf(error)}`)
        thread.peer.terminate()
      }
    }
  }
}
