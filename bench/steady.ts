/**
 * The slowest of a hundred answers when half of what the server can do is asked for, at a constant rate: a driver that waits for answers
 * before it asks again hides just those that were slow.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchData, COLOR_SIZE, LABEL_SIZE, PLANE } from './data.ts'
import { median, spread, table } from './measure.ts'
import { startNginx } from './nginx.ts'
import { pinned, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'At half of what it can do'
const OHA = process.env['OHA'] ?? Bun.which('oha')
const CONNECTIONS = 16
const SECONDS = 10
const ROUNDS = 3
const BAR = 5

const rows = [
  ['WKW uint8, six buckets, anywhere', 'vol/layers/color', bucketBodies(COLOR_SIZE, 6)],
  ['WKW uint32, six buckets, anywhere', 'seg/layers/segmentation', bucketBodies(LABEL_SIZE, 6)],
  ['WKW uint8, one bucket, hot', 'vol/layers/color', bucketBodies(COLOR_SIZE, 1, 1)],
  ['TIFF tiles, six buckets, anywhere', 'plane/layers/color', bucketBodies([PLANE, PLANE, 1], 6)],
] as const
/** What the machine and the driver make of a server that only sends files. */
const FILES = [
  ['nginx sending 192 KiB', '192k.bin'],
  ['nginx sending 32 KiB', '32k.bin'],
] as const

interface Target {
  readonly says: string
  readonly url: string
  /** GET without. */
  readonly bodies?: readonly string[]
}

export async function run(): Promise<string> {
  if (!OHA) return 'Not run: neither OHA names `oha` nor is it installed (`cargo install oha`).'
  if (!hasWrk()) return 'Not run: wrk, which says how much is half, is not installed.'
  const data = await benchData()
  await using server = await startServer(['--data', data, '--cache', '128MB'])
  await fetch(`${server.url}/data/datasets`)
  await using nginx = await startNginx(join(data, 'static'))
  const targets: Target[] = rows.map(([says, path, bodies]) => ({ says, url: `${server.url}/data/datasets/bench/${path}/data`, bodies }))
  if (nginx) targets.push(...FILES.map(([says, file]) => ({ says, url: `${nginx.url}/${file}` })))
  for (const target of targets) await load(target.url, { ...asked(target), seconds: SECONDS })
  const steady = targets.map((): Steady[] => [])
  for (let round = 0; round < ROUNDS; round++) for (const [n, target] of targets.entries()) steady[n]!.push(await drive(target))
  const lines = targets.map(({ says }, n) => {
    const middle = (key: keyof Steady) => median(steady[n]!.map((one) => one[key]))
    const ratios = steady[n]!.map(({ p50Ms, p99Ms }) => p99Ms / p50Ms)
    return [
      says,
      middle('most'),
      middle('perSecond'),
      middle('p50Ms'),
      middle('p99Ms'),
      median(ratios).toFixed(1),
      spread(ratios),
      middle('driverCores'),
    ]
  })
  const head = [
    'request',
    'most req/s (wrk)',
    'req/s asked and answered',
    'p50 ms',
    'p99 ms',
    'p99 / p50',
    'spread',
    'cores the driver used',
  ]
  const version = Bun.spawnSync([OHA, '--version']).stdout.toString().trim()
  return `${version}, which counts from when a request was due, ${CONNECTIONS} connections from core 1, the server on core 0; ${ROUNDS} rounds of ${SECONDS} s in turns. Bar: p99 at most ${BAR} × p50. nginx is asked for half of what it can do, too.\n\n${table(head, lines)}`
}

interface Steady {
  /** Requests per second when all there can be are asked for. */
  readonly most: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly driverCores: number
}

const asked = ({ bodies }: Target) => ({ connections: CONNECTIONS, ...(bodies && { bodies }) })

/** Throws where an answer is not 200, or where fewer were asked for than was to be. */
async function drive(target: Target): Promise<Steady> {
  const { requestsPerSecond: most } = await load(target.url, asked(target))
  const perSecond = most / 2
  const folder = mkdtempSync(join(tmpdir(), 'wkconnect-bench-'))
  try {
    const bodies = join(folder, 'bodies')
    if (target.bodies) writeFileSync(bodies, target.bodies.join('\n'))
    const rate = ['-q', String(Math.round(perSecond)), '-z', `${SECONDS}s`, '-c', String(CONNECTIONS), '--latency-correction']
    const request = target.bodies ? ['-m', 'POST', '-T', 'application/json', '-Z', bodies] : []
    const child = Bun.spawn(pinned(1, [OHA!, ...rate, ...request, '--no-tui', '--output-format', 'json', target.url]), {
      stdout: 'pipe',
      stderr: 'pipe',
    })
    const text = await new Response(child.stdout).text()
    if ((await child.exited) !== 0) throw new Error(`oha failed: ${await new Response(child.stderr).text()}`)
    const said = JSON.parse(text)
    const statuses = Object.keys(said.statusCodeDistribution)
    if (statuses.length !== 1 || statuses[0] !== '200') throw new Error(`not only 200: ${JSON.stringify(said.statusCodeDistribution)}`)
    if (said.summary.requestsPerSec < 0.95 * perSecond)
      throw new Error(`${perSecond} requests a second were to be asked, ${said.summary.requestsPerSec} were`)
    const { p50, p99 } = said.latencyPercentiles
    const used = child.resourceUsage()!.cpuTime
    return {
      most,
      perSecond: said.summary.requestsPerSec,
      p50Ms: 1000 * p50,
      p99Ms: 1000 * p99,
      driverCores: Number(used.total) / 1e6 / SECONDS,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
