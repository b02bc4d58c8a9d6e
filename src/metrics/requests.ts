/** Requests by the group their route belongs to. Groups are few and fixed, whatever is asked for. */
import { Histogram, type Registry } from './registry.ts'

const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]

/** The first that fits a route's pattern, as the router has it, names its group. */
const GROUPS: readonly (readonly [RegExp, string])[] = [
  [/\/layers\/:layer\/data$/, 'data'],
  [/\/(readData|bucket\.raw)$/, 'cuboid'],
  [/\/(thumbnail\.\w+|picture\/:first\/:layer)$/, 'picture'],
  [/\/(histogram|findData|colorStatistics)$/, 'statistics'],
  [/\/zarr/i, 'zarr'],
  [/\/triggers\//, 'trigger'],
  [/\/health$/, 'health'],
  [/\/metrics$/, 'metrics'],
  [/\/datasets/, 'datasets'],
  [/\/(trace|sign-in)?$/, 'page'],
]
const OTHER = 'other'
const LAST_STATUS = 599

/** The counters of one group, found once and then only counted up. */
export class RouteGroup {
  readonly name: string
  readonly seconds = new Histogram(SECONDS)
  readonly #statuses = new Float64Array(LAST_STATUS + 1)

  constructor(name: string) {
    this.name = name
  }

  /** `startedMs` of performance.now; 0 where it is not known. */
  count(status: number, startedMs: number): void {
    this.#statuses[status <= LAST_STATUS ? status : 500]!++
    if (startedMs > 0) this.seconds.observe((performance.now() - startedMs) / 1000)
  }

  *statuses(): Iterable<readonly [status: string, requests: number]> {
    for (let status = 100; status <= LAST_STATUS; status++) {
      const requests = this.#statuses[status]!
      if (requests > 0) yield [String(status), requests]
    }
  }
}

export class Requests {
  readonly #groups = new Map<string, RouteGroup>()
  /** By the patterns of routes, of which there are as many as there are routes. */
  readonly #byRoute = new Map<string, RouteGroup>()

  constructor(registry: Registry) {
    for (const name of [...GROUPS.map(([, name]) => name), OTHER]) this.#groups.set(name, new RouteGroup(name))
    const groups = [...this.#groups.values()]
    registry.read('counter', { name: 'wkconnect_requests_total', help: 'Requests answered, by group of routes and HTTP status.' }, () =>
      groups.flatMap((group) => [...group.statuses()].map(([status, n]) => [{ route: group.name, status }, n] as const)),
    )
    registry.histograms(
      {
        name: 'wkconnect_request_seconds',
        help: 'Time until an answer was ready to be sent, by group of routes. Of an answer sent in pieces: until the first one.',
      },
      () => groups.map((group) => [{ route: group.name }, group.seconds] as const),
    )
  }

  /** Only for patterns of routes, never for what somebody asked for: each is remembered. */
  ofRoute(pattern: string): RouteGroup {
    let group = this.#byRoute.get(pattern)
    if (!group) {
      const name = GROUPS.find(([fits]) => fits.test(pattern))?.[1] ?? OTHER
      this.#byRoute.set(pattern, (group = this.#groups.get(name)!))
    }
    return group
  }

  get unknown(): RouteGroup {
    return this.#groups.get(OTHER)!
  }
}
