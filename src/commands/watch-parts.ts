/** What /metrics says about parts that keep their own numbers. They are asked only when somebody asks. */
import type { Gate } from '../api/gate.ts'
import type { Answers } from '../cache/answers.ts'
import type { ChunkCache } from '../cache/chunk-cache.ts'
import type { Catalogue } from '../datasets/catalogue.ts'
import type { Resources } from '../datasets/open.ts'
import type { About, Labels, Registry } from '../metrics/registry.ts'
import type { Core } from './core.ts'

type Values = () => Iterable<readonly [Labels, number]>

export interface ThreadParts {
  readonly chunks: ChunkCache
  readonly answers: Answers
  readonly gate: Gate
  readonly resources: Resources
}

/** Of one serving thread. */
export function watchThread(registry: Registry, { chunks, answers, gate, resources }: ThreadParts): void {
  const { pool, tables, buffers, handles, remote } = resources
  const one = (kind: 'counter' | 'gauge', name: string, help: string, value: () => number) =>
    registry.read(kind, { name, help }, () => [[{}, value()]])
  one('gauge', 'wkconnect_cache_budget_bytes', 'Memory the cache of decoded chunks may take.', () => chunks.statistics.budgetBytes)
  one('gauge', 'wkconnect_cache_bytes', 'Memory it takes.', () => chunks.statistics.heldBytes)
  one('gauge', 'wkconnect_cache_chunks', 'Chunks in it.', () => chunks.statistics.chunks)
  one('counter', 'wkconnect_cache_hits_total', 'Chunks found in it.', () => chunks.statistics.hits)
  one('counter', 'wkconnect_cache_misses_total', 'Chunks that had to be read.', () => chunks.statistics.misses)
  one('counter', 'wkconnect_cache_evictions_total', 'Chunks that made room for others.', () => chunks.statistics.evictions)
  one('gauge', 'wkconnect_tables', 'Tables of where chunks lie in files.', () => tables.size)
  one('gauge', 'wkconnect_tables_bytes', 'Memory they take.', () => tables.heldBytes)
  one('gauge', 'wkconnect_open_files', 'Files that are open for reading voxels.', () => handles.openFiles)
  one('gauge', 'wkconnect_decode_threads', 'Decoding threads that were started.', () => pool.threads)
  registry.read(
    'gauge',
    {
      name: 'wkconnect_waiting',
      help: 'What waits: for memory of an answer, of a compressed chunk, for a server, for other slabs of large cuboids.',
    },
    () => [
      [{ for: 'answer' }, answers.waiting],
      [{ for: 'chunk' }, buffers.waiting],
      [{ for: 'slab' }, gate.waiting],
      [{ for: 'server' }, remote.client.statistics().reduce((sum, { waiting }) => sum + waiting, 0)],
    ],
  )
  one('gauge', 'wkconnect_voxel_requests', 'Requests for voxels under way.', () => gate.underWay)
  one('counter', 'wkconnect_voxel_requests_refused_total', 'Requests for voxels refused because too many were.', () => gate.refused)
  one('gauge', 'wkconnect_decode_jobs', 'Chunks being decoded in decoding threads, or waiting for one.', () => pool.jobs)
  one('gauge', 'wkconnect_in_flight_bytes', 'Memory of answers and compressed chunks in use.', () => answers.usedBytes + buffers.usedBytes)
  const perOrigin = (kind: 'counter' | 'gauge', about: About, value: (of: OriginStatistics) => number) =>
    registry.read(kind, about, () => remote.client.statistics().map((of) => [{ origin: of.origin }, value(of)] as const))
  const counter = (name: string, help: string, value: (of: OriginStatistics) => number) => perOrigin('counter', { name, help }, value)
  counter(
    'wkconnect_remote_requests_total',
    'Requests to other servers, those tried again included. Of the first 64 each.',
    (of) => of.requests,
  )
  counter('wkconnect_remote_retries_total', 'Requests tried again.', (of) => of.retries)
  counter('wkconnect_remote_failures_total', 'Requests without a usable answer.', (of) => of.failures)
  const open = { name: 'wkconnect_remote_breaker_open', help: '1 while a server that only fails is left alone.', merge: 'max' } as const
  perOrigin('gauge', open, ({ isOpen }) => Number(isOpen))
  one('gauge', 'wkconnect_resident_bytes', 'Memory of all processes.', () => process.memoryUsage.rss())
  one('counter', 'wkconnect_cpu_seconds_total', 'CPU time of all processes.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  one('gauge', 'wkconnect_heap_bytes', 'Memory in the hands of the garbage collector.', () => process.memoryUsage().heapUsed)
}

type OriginStatistics = ReturnType<Resources['remote']['client']['statistics']>[number]

const STATES = ['connecting', 'connected', 'unreachable', 'refused'] as const
const STATUSES = ['ok', 'opening', 'unusable'] as const

/** Of the process, and of what the main thread does for all. */
export function watchProcess(registry: Registry, version: string, catalogue: Catalogue, core: Core | undefined): void {
  const add = (kind: 'counter' | 'gauge', name: string, help: string, values: Values) =>
    registry.read(kind, { name, help, merge: 'max' }, values)
  add('gauge', 'wkconnect_info', 'Always 1; the label says which version runs.', () => [[{ version }, 1]])
  add('gauge', 'wkconnect_uptime_seconds', 'Since it was started.', () => [[{}, process.uptime()]])
  add('gauge', 'wkconnect_datasets', 'Datasets by status: ok, opening, unusable.', () => {
    const entries = catalogue.entries()
    return STATUSES.map((status) => [{ status }, entries.filter((entry) => entry.status === status).length] as const)
  })
  add('gauge', 'wkconnect_core_state', 'The connection to webKnossos: 1 at the state it is in.', () => {
    if (!core) return []
    const { state } = core.connection.state()
    return STATES.map((one) => [{ state: one }, Number(one === state)] as const)
  })
  add('counter', 'wkconnect_reports_total', 'Reports to webKnossos, by result: accepted, refused, failed.', () =>
    Object.entries(core?.connection.reports ?? {}).map(([result, n]) => [{ result }, n] as const),
  )
}
