/** What counting costs a request: the very calls one of six buckets makes, on their own. */
import { Metrics } from '../src/metrics/metrics.ts'
import { median, table } from './measure.ts'

export const title = 'What metrics cost'
const TIMES = 200_000
const RUNS = 15
const BUCKETS = 6
const ROUTE = '/data/:version/datasets/:first/layers/:layer/data'

export async function run(): Promise<string> {
  const metrics = new Metrics()
  const decode = metrics.decode.of({ format: 'wkw', codec: 'lz4', thread: 'serving' })
  const store = metrics.store.of({ format: 'wkw', store: 'file' })
  const request = () => {
    const started = performance.now()
    metrics.requests.ofRoute(ROUTE).count(200, started)
    metrics.buckets.data.value += BUCKETS
  }
  const sixReads = () => {
    for (let n = 0; n < BUCKETS; n++) {
      store.done(performance.now(), 20_000)
      decode.done(performance.now(), 32_768)
    }
  }
  const rows = [
    ['one request', micros(request)],
    ['reading and decoding six buckets', micros(sixReads)],
  ] as const
  return table(
    ['counting', 'µs'],
    rows.map(([name, us]) => [name, us.toFixed(2)]),
  )
}

/** Of one call, median of runs. */
function micros(work: () => void): number {
  const runs = Array.from({ length: RUNS }, () => {
    const started = performance.now()
    for (let n = 0; n < TIMES; n++) work()
    return ((performance.now() - started) * 1000) / TIMES
  })
  return median(runs)
}
