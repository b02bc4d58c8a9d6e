import { expect, test } from 'bun:test'
import { Counter, Histogram, mergeSnapshots, metricsText, Registry } from '../../src/metrics/registry.ts'
import { Requests } from '../../src/metrics/requests.ts'

const threadOf = (requests: number, rss: number, seconds: readonly number[]): Registry => {
  const registry = new Registry()
  const counter = new Counter()
  counter.value = requests
  const histogram = new Histogram([0.1, 1])
  for (const second of seconds) histogram.observe(second)
  registry.read('counter', { name: 'asked_total', help: 'Asked.' }, () => [[{ route: 'a' }, counter.value]])
  registry.read('gauge', { name: 'rss_bytes', help: 'Process.', merge: 'max' }, () => [[{}, rss]])
  registry.histograms({ name: 'took_seconds', help: 'Took.' }, () => [[{ route: 'a' }, histogram]])
  return registry
}

test('a snapshot reads as the text Prometheus defines', () => {
  expect(metricsText(threadOf(3, 10, [0.05, 0.1, 0.5, 7]).snapshot())).toBe(`# HELP asked_total Asked.
# TYPE asked_total counter
asked_total{route="a"} 3
# HELP rss_bytes Process.
# TYPE rss_bytes gauge
rss_bytes 10
# HELP took_seconds Took.
# TYPE took_seconds histogram
took_seconds_bucket{route="a",le="0.1"} 2
took_seconds_bucket{route="a",le="1"} 3
took_seconds_bucket{route="a",le="+Inf"} 4
took_seconds_sum{route="a"} 7.65
took_seconds_count{route="a"} 4
`)
})

test('snapshots of several threads, cloned on their way, add up; what belongs to the process does not', () => {
  const one = structuredClone(threadOf(3, 10, [0.05]).snapshot())
  const other = structuredClone(threadOf(4, 12, [0.5, 7]).snapshot())
  const merged = metricsText(mergeSnapshots([one, other]))
  expect(merged).toContain('asked_total{route="a"} 7\n')
  expect(merged).toContain('rss_bytes 12\n')
  expect(merged).toContain('took_seconds_bucket{route="a",le="0.1"} 1\n')
  expect(merged).toContain('took_seconds_count{route="a"} 3\n')
})

test('what a label says cannot end it', () => {
  const registry = new Registry()
  registry.read('gauge', { name: 'x', help: 'a\nb\\' }, () => [[{ origin: 'a"} 1\nx{b="\\' }, 1]])
  expect(metricsText(registry.snapshot())).toBe('# HELP x a\\nb\\\\\n# TYPE x gauge\nx{origin="a\\"} 1\\nx{b=\\"\\\\"} 1\n')
})

test('the same name twice is a mistake', () => {
  const registry = threadOf(0, 0, [])
  expect(() => registry.read('gauge', { name: 'asked_total', help: '' }, () => [])).toThrow('two metrics asked_total')
})

test.each([
  ['/data/:version/datasets/:first/:second/layers/:layer/data', 'data'],
  ['/data/datasets/:first/layers/:layer/data', 'data'],
  ['/data/datasets/:first/layers/:layer/thumbnail.jpg', 'picture'],
  ['/data/:version/health', 'health'],
  ['/data/datasets', 'datasets'],
  ['/connect/', 'page'],
  ['/*', 'other'],
])('%s counts as %s', (pattern, group) => {
  expect(new Requests(new Registry()).ofRoute(pattern).name).toBe(group)
})
