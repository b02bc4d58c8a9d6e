/** 128 connections for ten minutes over a working set four times the cache: memory must not grow, and nothing may fail. */
import { benchData, COLOR_SIZE } from './data.ts'
import { median, table } from './measure.ts'
import { type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Ten minutes with 128 connections'

/** Shorter ones only show that it works. */
const MINUTES = Number(process.env['MINUTES'] ?? 10)
const CONNECTIONS = 128
const SAMPLE_MS = 2000
/** Of the first of these nothing is expected: the cache fills, and the code is being compiled. */
const WARM_UP_SECONDS = 60
const CACHE_MIB = (COLOR_SIZE[0] * COLOR_SIZE[1] * COLOR_SIZE[2]) / 4 / 2 ** 20
const TOLERANCE = 0.05

export async function run(): Promise<string> {
  if (!hasWrk()) return 'Not run: wrk is not installed.'
  const data = await benchData()
  await using server = await startServer(['--data', data, '--cache', `${CACHE_MIB}MB`])
  await fetch(`${server.url}/data/datasets`)
  const options = { connections: CONNECTIONS, bodies: bucketBodies(COLOR_SIZE, 6) }
  const url = `${server.url}/data/datasets/bench/vol/layers/color/data`
  await load(url, { ...options, seconds: Math.min(WARM_UP_SECONDS, MINUTES * 60) })
  const sampling = sampleMemory(server)
  // throws where a single answer is not 200
  const { requestsPerSecond, p50Ms, p99Ms } = await load(url, { ...options, seconds: MINUTES * 60 })
  const samples = await sampling()
  const middle = median(samples)
  const tenths = byTenths(samples)
  const furthest = Math.max(...tenths.map((mib) => Math.abs(mib - middle) / middle))
  const row = [
    requestsPerSecond.toFixed(0),
    `${p50Ms.toFixed(0)} / ${p99Ms.toFixed(0)}`,
    tenths.map((mib) => mib.toFixed(0)).join(' '),
    `${middle.toFixed(0)} (${Math.min(...samples).toFixed(0)} – ${Math.max(...samples).toFixed(0)})`,
    `${(100 * furthest).toFixed(1)} %${furthest > TOLERANCE ? ', over the bar' : ''}`,
  ]
  const head = ['req/s', 'p50 / p99 ms', 'MiB, in ten parts of the time', 'median (least – most)', 'furthest tenth from it']
  return `\`--cache ${CACHE_MIB}MB\`, ${CONNECTIONS} connections, six uint8 buckets a request, ${MINUTES} min after ${WARM_UP_SECONDS} s of the same; the voxels are four times the cache. Resident memory every ${SAMPLE_MS / 1000} s; bar: within ± ${100 * TOLERANCE} %, and no answer but 200. Tenths are medians; single samples go further (least – most).\n\n${table(head, [row])}`
}

/** Until it is told to stop; then all samples, in MiB. */
function sampleMemory(server: Server): () => Promise<number[]> {
  const samples: number[] = []
  const timer = setInterval(() => samples.push(server.memory().now), SAMPLE_MS)
  return async () => {
    clearInterval(timer)
    return samples
  }
}

const byTenths = (samples: readonly number[]): number[] =>
  Array.from({ length: 10 }, (_, n) => samples.slice(Math.floor((n * samples.length) / 10), Math.floor(((n + 1) * samples.length) / 10)))
    .filter((part) => part.length > 0)
    .map((part) => median([...part]))
