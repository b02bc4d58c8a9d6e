/** Requests per second of the executable, beside nginx sending files of the same size, in turns in one run. */
import { join } from 'node:path'
import { benchData, COLOR_SIZE, LABEL_SIZE, PLANE } from './data.ts'
import { median, spread, table } from './measure.ts'
import { startNginx } from './nginx.ts'
import { type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Requests per second'
const RUNS = 5
const CACHE = '128MB'

interface Row {
  readonly name: string
  readonly path: string
  readonly bodies?: readonly string[]
  readonly buckets: number
  readonly bar?: number
}

const rows: readonly Row[] = [
  {
    name: 'WKW uint8, six buckets, anywhere (page cache, LZ4)',
    path: 'vol/layers/color',
    bodies: bucketBodies(COLOR_SIZE, 6),
    buckets: 6,
    bar: 2500,
  },
  {
    name: 'WKW uint8, six buckets of 256 hot ones',
    path: 'vol/layers/color',
    bodies: bucketBodies(COLOR_SIZE, 6, 256),
    buckets: 6,
    bar: 5000,
  },
  { name: 'WKW uint8, one bucket, hot', path: 'vol/layers/color', bodies: bucketBodies(COLOR_SIZE, 1, 1), buckets: 1 },
  { name: 'WKW uint32, six buckets, anywhere', path: 'seg/layers/segmentation', bodies: bucketBodies(LABEL_SIZE, 6), buckets: 6 },
  {
    name: 'WKW uint32, six buckets of 256 hot ones',
    path: 'seg/layers/segmentation',
    bodies: bucketBodies(LABEL_SIZE, 6, 256),
    buckets: 6,
  },
  { name: 'TIFF tiles, six buckets, anywhere', path: 'plane/layers/color', bodies: bucketBodies([PLANE, PLANE, 1], 6), buckets: 6 },
]

export async function run(): Promise<string> {
  if (!hasWrk()) return 'Not run: wrk is not installed (Debian: `apt install wrk`).'
  const data = await benchData()
  await using server = await startServer(['--data', data, '--cache', CACHE])
  await fetch(`${server.url}/data/datasets`)
  await using nginx = await startNginx(join(data, 'static'))
  const results = rows.map((): number[] => [])
  const perCpu = rows.map((): number[] => [])
  const latencies = rows.map((): [number, number][] => [])
  const files: number[] = []
  for (let round = -1; round < RUNS; round++) {
    for (const [n, { path, bodies }] of rows.entries()) {
      const { perSecond, cpu, p50, p99 } = await measured(server, `${server.url}/data/datasets/bench/${path}/data`, bodies)
      if (round < 0) continue
      results[n]!.push(perSecond)
      perCpu[n]!.push(cpu)
      latencies[n]!.push([p50, p99])
    }
    if (nginx && round >= 0) files.push((await load(`${nginx.url}/32k.bin`, { seconds: 2 })).requestsPerSecond)
  }
  const lines = rows.map(({ name, buckets, bar }, n) => {
    const [p50, p99] = [0, 1].map((which) => median(latencies[n]!.map((pair) => pair[which]!)))
    return [
      name,
      median(results[n]!),
      spread(results[n]!),
      median(results[n]!) * buckets,
      median(perCpu[n]!),
      `${p50!.toFixed(1)} / ${p99!.toFixed(1)}`,
      bar ?? '',
    ]
  })
  const head = ['request', 'req/s', 'spread', 'buckets/s', 'req per CPU second', 'p50 / p99 ms', 'bar']
  const oneHot = median(results[2]!)
  const ratio = nginx
    ? `\n\nOne hot bucket of 32 KiB against nginx sending a file of 32 KiB, one worker on the same core: ${oneHot.toFixed(0)} against ${median(files).toFixed(0)} req/s = **${(oneHot / median(files)).toFixed(2)}** (bar 0.35).`
    : '\n\nnginx is not installed: no yardstick for one hot bucket.'
  return `One server process on core 0, \`--cache ${CACHE}\`, wrk with 8 connections on core 1, ${RUNS} rounds of 3 s in turns. WKW volumes: uint8 ${COLOR_SIZE.join('×')} and uint32 ${LABEL_SIZE.join('×')}, both larger than the cache.\n\n${table(head, lines)}${ratio}`
}

async function measured(server: Server, url: string, bodies: readonly string[] | undefined) {
  const before = server.cpuSeconds()
  const { requestsPerSecond, p50Ms, p99Ms } = await load(url, bodies ? { bodies } : {})
  const cpu = (server.cpuSeconds() - before) / 3
  return { perSecond: requestsPerSecond, cpu: requestsPerSecond / cpu, p50: p50Ms, p99: p99Ms }
}
