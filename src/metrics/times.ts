/** Time and bytes of a kind of work, by labels that are known when a dataset is opened. */
import type { Labels, Registry } from './registry.ts'

/** What is counted under one set of labels. Held by whoever does the work. */
export class Work {
  operations = 0
  seconds = 0
  bytes = 0

  /** `startedMs` of performance.now. */
  done(startedMs: number, bytes: number): void {
    this.operations++
    this.seconds += (performance.now() - startedMs) / 1000
    this.bytes += bytes
  }
}

interface Words {
  readonly name: string
  readonly what: string
  readonly bytes: string
}

export class Times {
  readonly #work = new Map<string, { readonly labels: Labels; readonly work: Work }>()

  constructor(registry: Registry, { name, what, bytes }: Words) {
    const add = (suffix: string, help: string, value: (work: Work) => number) =>
      registry.read('counter', { name: `${name}_${suffix}`, help }, () =>
        [...this.#work.values()].map(({ labels, work }) => [labels, value(work)] as const),
      )
    add('operations_total', `How often: ${what}.`, ({ operations }) => operations)
    add('seconds_total', `Time spent ${what}.`, ({ seconds }) => seconds)
    add('bytes_total', bytes, (work) => work.bytes)
  }

  of(labels: Labels): Work {
    const key = Object.values(labels).join(' ')
    let known = this.#work.get(key)
    if (!known) this.#work.set(key, (known = { labels, work: new Work() }))
    return known.work
  }
}
