/**
 * Numbers about a running thread, and their snapshot: plain data that can be cloned to another thread and added to those of others.
 *
 * Text format: Prometheus 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats/
 */
type Kind = 'counter' | 'gauge' | 'histogram'

/** How the values of several threads become one: what belongs to the whole process is the same in each. */
type Merge = 'sum' | 'max'

export type Labels = Readonly<Record<string, string>>

export interface About {
  readonly name: string
  readonly help: string
  /** 'sum' unless told. */
  readonly merge?: Merge
}

export interface Family {
  readonly name: string
  readonly help: string
  readonly kind: Kind
  readonly merge: Merge
  /** What stands behind the name (`_bucket{le="0.1"}`), and the value. */
  readonly samples: readonly (readonly [suffix: string, value: number])[]
}

export type Snapshot = readonly Family[]

/** Counts up. Whoever counts holds it: nothing is looked up by label while a request is answered. */
export class Counter {
  value = 0
}

/** How many values lie up to each bound. */
export class Histogram {
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array
  #sum = 0

  /** `bounds` ascend. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const bounds = this.#bounds
    let n = 0
    while (n < bounds.length && value > bounds[n]!) n++
    this.#counts[n]!++
    this.#sum += value
  }

  *samples(labels: Labels): Iterable<readonly [string, number]> {
    let count = 0
    for (const [n, bound] of [...this.#bounds, Number.POSITIVE_INFINITY].entries()) {
      count += this.#counts[n]!
      yield [`_bucket${labelText({ ...labels, le: numberText(bound) })}`, count]
    }
    yield [`_sum${labelText(labels)}`, this.#sum]
    yield [`_count${labelText(labels)}`, count]
  }
}

type Read = () => Iterable<readonly [suffix: string, value: number]>

export class Registry {
  readonly #families = new Map<string, { readonly about: About; readonly kind: Kind; readonly read: Read }>()

  /** Values that somebody else keeps, asked for when a snapshot is taken. Throws for a name that is taken. */
  read(kind: 'counter' | 'gauge', about: About, values: () => Iterable<readonly [Labels, number]>): void {
    this.#add(kind, about, function* () {
      for (const [labels, value] of values()) yield [labelText(labels), value] as const
    })
  }

  histograms(about: About, values: () => Iterable<readonly [Labels, Histogram]>): void {
    this.#add('histogram', about, function* () {
      for (const [labels, histogram] of values()) yield* histogram.samples(labels)
    })
  }

  snapshot(): Snapshot {
    return [...this.#families.values()].map(({ about: { name, help, merge = 'sum' }, kind, read }) => ({
      name,
      help,
      kind,
      merge,
      samples: [...read()],
    }))
  }

  #add(kind: Kind, about: About, read: Read): void {
    if (this.#families.has(about.name)) throw new Error(`there are two metrics ${about.name}`)
    this.#families.set(about.name, { about, kind, read })
  }
}

/** One snapshot of those of several threads. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): Snapshot {
  const families = new Map<string, { readonly family: Family; readonly values: Map<string, number> }>()
  for (const family of snapshots.flat()) {
    let merged = families.get(family.name)
    if (!merged) families.set(family.name, (merged = { family, values: new Map() }))
    for (const [suffix, value] of family.samples) {
      const before = merged.values.get(suffix)
      const both = before === undefined ? value : family.merge === 'max' ? Math.max(before, value) : before + value
      merged.values.set(suffix, both)
    }
  }
  return [...families.values()].map(({ family, values }) => ({ ...family, samples: [...values] }))
}

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export const metricsText = (snapshot: Snapshot): string =>
  snapshot
    .map(({ name, help, kind, samples }) =>
      [
        `# HELP ${name} ${escaped(help)}`,
        `# TYPE ${name} ${kind}`,
        ...samples.map(([suffix, value]) => `${name}${suffix} ${numberText(value)}`),
        '',
      ].join('\n'),
    )
    .join('')

function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', '\\"')}"`)
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

const numberText = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)
