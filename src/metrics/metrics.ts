import { EventLoop } from './event-loop.ts'
import { Counter, Registry } from './registry.ts'
import { Requests } from './requests.ts'
import { Times } from './times.ts'

/** What one serving thread counts. */
export class Metrics {
  readonly registry = new Registry()
  readonly requests = new Requests(this.registry)
  readonly buckets = { data: new Counter(), empty: new Counter(), failure: new Counter() }
  /** Decoding, by format, codec and the thread it ran on. */
  readonly decode = new Times(this.registry, {
    name: 'wkconnect_decode',
    what: 'decoding chunks, by format, codec and where: on the serving thread, or handed to a decoding thread and back',
    bytes: 'Decoded bytes, in the same way.',
  })
  /** Reading from stores, by format and kind of store. */
  readonly store = new Times(this.registry, {
    name: 'wkconnect_store',
    what: 'reading from where the data lie, by format and kind of store',
    bytes: 'Bytes read from there, in the same way.',
  })
  readonly eventLoop = new EventLoop(this.registry)

  constructor() {
    this.registry.read('counter', { name: 'wkconnect_buckets_total', help: 'Buckets answered, by outcome: data, empty, failure.' }, () =>
      Object.entries(this.buckets).map(([outcome, { value }]) => [{ outcome }, value] as const),
    )
  }
}
