/** What a webKnossos server that decides about access costs, and how long ten thousand datasets take to be reported. */
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TestCore } from '../test/support/core/core.ts'
import { writeTinyTiff } from '../test/support/tiny-tiff.ts'
import { benchData, COLOR_SIZE } from './data.ts'
import { median, spread, table } from './measure.ts'
import { BINARY, pinned, type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'With a webKnossos server'
const RUNS = 15
const SECONDS = 2
const MANY = 10_000
const STARTS = 5

export async function run(): Promise<string> {
  return `${await access()}\n\n${await start()}`
}

/** The same hot bucket from two servers in turns, one of which asks core. */
async function access(): Promise<string> {
  if (!hasWrk()) return 'Access checks: not run, wrk is not installed (Debian: `apt install wrk`).'
  const data = await benchData()
  await using core = new TestCore('v15', { organizations: ['bench'] })
  core.grant('reader', '*')
  await using open = await startServer(['--data', data, '--cache', '128MB'])
  await using asking = await startServer(['--data', data, '--cache', '128MB', ...core.flags])
  await core.until('a bulk report', () => core.bulk.length > 0, 30_000)
  const id = core.rows.byName('bench', 'vol')!.id
  const bodies = bucketBodies(COLOR_SIZE, 1, 1)
  const ways: readonly (readonly [string, Server, string])[] = [
    ['local', open, 'bench/vol/layers/color/data'],
    ['core, by name', asking, 'bench/vol/layers/color/data?token=reader'],
    ['core, by id', asking, `${id}/layers/color/data?token=reader`],
  ]
  const perCpu = ways.map((): number[] => [])
  const perSecond = ways.map((): number[] => [])
  for (let round = -1; round < RUNS; round++) {
    for (const [n, [, server, path]] of ways.entries()) {
      const before = server.cpuSeconds()
      const { requestsPerSecond } = await load(`${server.url}/data/datasets/${path}`, { bodies, seconds: SECONDS })
      if (round < 0) continue
      perSecond[n]!.push(requestsPerSecond)
      perCpu[n]!.push(requestsPerSecond / ((server.cpuSeconds() - before) / SECONDS))
    }
  }
  const base = median(perCpu[0]!)
  const lines = ways.map(([name], n) => [
    name,
    median(perSecond[n]!),
    spread(perSecond[n]!),
    median(perCpu[n]!),
    `${((base / median(perCpu[n]!) - 1) * 100).toFixed(1)} %`,
  ])
  const head = ['access', 'req/s', 'spread', 'req per CPU second', 'more CPU time']
  return `One hot WKW bucket a request, 8 connections, ${RUNS} rounds of ${SECONDS} s in turns; core was asked ${core.to('POST', /validateUserAccess$/).length} times. Bar: 5 % more.\n\n${table(head, lines)}`
}

async function start(): Promise<string> {
  const data = await manyFolder()
  const health: number[] = []
  const reported: number[] = []
  let calls = 0
  for (let n = 0; n < STARTS; n++) {
    await using core = new TestCore('v15', { organizations: Array.from({ length: 10 }, (_, lab) => `lab${lab}`) })
    const port = 20_000 + Math.floor(Math.random() * 20_000)
    const begin = performance.now()
    const child = Bun.spawn(pinned(0, [BINARY, '--port', String(port), '--data', data, ...core.flags]), {
      stdio: ['ignore', 'ignore', 'ignore'],
    })
    try {
      const answers = () =>
        fetch(`http://127.0.0.1:${port}/data/health`).then(
          ({ ok }) => ok,
          () => false,
        )
      while (!(await answers())) await Bun.sleep(2)
      health.push(performance.now() - begin)
      await core.until('the bulk report', () => core.bulk.length > 0, 60_000)
      reported.push(performance.now() - begin)
      calls = core.bulk.length + core.single.length
      if (core.rows.all().length !== MANY) throw new Error(`${core.rows.all().length} datasets arrived`)
    } finally {
      child.kill()
      await child.exited
    }
  }
  const head = ['', 'ms', 'spread']
  const lines = [
    ['health answers', median(health), spread(health)],
    [`all ${MANY} open and reported, in ${calls} call`, median(reported), spread(reported)],
  ]
  return `${MANY} TIFF datasets of one page, ${STARTS} starts, from exec on. Bar: start-up within 2 s.\n\n${table(head, lines)}`
}

async function manyFolder(): Promise<string> {
  const folder = join(import.meta.dir, '../.bench/ten-thousand')
  if (existsSync(folder)) return folder
  const making = `${folder}.tmp`
  await rm(making, { recursive: true, force: true })
  for (let n = 0; n < MANY; n++) writeTinyTiff(join(making, `lab${n % 10}`, `d${n}`, 'v.tif'))
  await rename(making, folder)
  return folder
}
