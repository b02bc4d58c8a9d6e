/** Requests per second of the executable, beside nginx sending files of the same size, in turns in one run. */
import { join } from 'node:path'
import { benchData, COLOR_SIZE, LABEL_SIZE, PLANE } from './data.ts'
import { median, spread, table } from './measure.ts'
import { startNginx } from './nginx.ts'
import { type Server, startServer } from './server.ts'
import { startWitness } from './witness.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Requests per second'
const RUNS = 9
const SECONDS = 1
const WARM_UP_SECONDS = 4
const CACHE = '128MB'

interface Row {
  readonly name: string
  readonly path: string
  readonly bodies: readonly string[]
  readonly buckets: number
  readonly bar?: number
  /** Of as many bytes as the answer: what nginx sends beside it, and how much of its speed there should be. */
  readonly file?: string
  readonly fileBar?: number
}

const rows: readonly Row[] = [
  {
    name: 'WKW uint8, six buckets, anywhere (page cache, LZ4)',
    path: 'vol/layers/color',
    bodies: bucketBodies(COLOR_SIZE, 6),
    buckets: 6,
    bar: 3240,
  },
  {
    name: 'WKW uint8, six buckets of 256 hot ones',
    path: 'vol/layers/color',
    bodies: bucketBodies(COLOR_SIZE, 6, 256),
    buckets: 6,
    bar: 5000,
    file: '192k.bin',
    fileBar: 0.6,
  },
  {
    name: 'WKW uint8, one bucket, hot',
    path: 'vol/layers/color',
    bodies: bucketBodies(COLOR_SIZE, 1, 1),
    buckets: 1,
    file: '32k.bin',
    fileBar: 0.5,
  },
  {
    name: 'WKW uint32, six buckets, anywhere',
    path: 'seg/layers/segmentation',
    bodies: bucketBodies(LABEL_SIZE, 6),
    buckets: 6,
    bar: 2000,
  },
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
  const files = rows.map((): number[] => [])
  const urlOf = (path: string) => `${server.url}/data/datasets/bench/${path}/data`
  for (const { path, bodies } of rows) await load(urlOf(path), { bodies, seconds: WARM_UP_SECONDS })
  await using witness = await startWitness()
  for (let round = 0; round < RUNS; round++) {
    for (const [n, { path, bodies, file }] of rows.entries()) {
      const { perSecond, cpu, p50, p99 } = await witness.undisturbed(() => measured(server, urlOf(path), bodies))
      results[n]!.push(perSecond)
      perCpu[n]!.push(cpu)
      latencies[n]!.push([p50, p99])
      if (!nginx || !file) continue
      const sent = await witness.undisturbed(() => load(`${nginx.url}/${file}`, { seconds: SECONDS }))
      files[n]!.push(sent.requestsPerSecond)
    }
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
  const yardsticks = rows.flatMap(({ name, buckets, file, fileBar }, n) => {
    if (!file || !fileBar) return []
    const mibPerSecond = (rates: readonly number[]) => (median(rates) * buckets * 32) / 1024
    const ratios = results[n]!.map((rate, round) => rate / files[n]![round]!)
    return [[name, file, mibPerSecond(results[n]!), mibPerSecond(files[n]!), `**${median(ratios).toFixed(2)}**`, spread(ratios), fileBar]]
  })
  const fileHead = ['request', 'file of nginx', 'MiB/s', 'of nginx', 'ratio', 'spread', 'bar']
  const ratio = nginx
    ? `Against nginx sending a file of as many bytes, one worker on the same core, each after the other in every round:\n\n${table(fileHead, yardsticks)}`
    : 'nginx is not installed: no yardstick.'
  return `One server process on core 0, \`--cache ${CACHE}\`, wrk with 8 connections on core 1, ${RUNS} rounds of ${SECONDS} s in turns. On a shared host other guests disturb: of the measurements ${witness.counts.repeated} were repeated because a fixed piece of work took a fifth longer than it can before or after them, and ${witness.counts.kept} were disturbed and kept. WKW volumes: uint8 ${COLOR_SIZE.join('×')} and uint32 ${LABEL_SIZE.join('×')}, both larger than the cache.\n\n${table(head, lines)}\n\n${ratio}`
}

async function measured(server: Server, url: string, bodies: readonly string[]) {
  const before = server.cpuSeconds()
  const { requestsPerSecond, p50Ms, p99Ms } = await load(url, { bodies, seconds: SECONDS })
  const cpu = (server.cpuSeconds() - before) / SECONDS
  return { perSecond: requestsPerSecond, cpu: requestsPerSecond / cpu, p50: p50Ms, p99: p99Ms }
}
