/** What a webKnossos server that decides about access costs, and how long ten thousand datasets take to be reported. */
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Access } from '../src/api/access.ts'
import { CoreAccess } from '../src/api/core-access.ts'
import { Catalogue } from '../src/datasets/catalogue.ts'
import { createLog } from '../src/log.ts'
import { CoreClient } from '../src/webknossos/client.ts'
import { DatasetIds } from '../src/webknossos/ids.ts'
import { Rights } from '../src/webknossos/rights.ts'
import { VersionOfCore } from '../src/webknossos/version.ts'
import { DATASTORE, KEY, TestCore } from '../test/support/core/core.ts'
import { writeTinyTiff } from '../test/support/tiny-tiff.ts'
import { benchData, COLOR_SIZE } from './data.ts'
import { median, spread, table } from './measure.ts'
import { BINARY, pinned, type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'With a webKnossos server'
const RUNS = 15
const SECONDS = 2
const CHECKS = 20_000
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
  const alone = await checkAlone(core)
  const base = median(perCpu[0]!)
  const lines = ways.map(([name], n) => [
    name,
    median(perSecond[n]!),
    spread(perSecond[n]!),
    median(perCpu[n]!),
    `${((base / median(perCpu[n]!) - 1) * 100).toFixed(1)} %`,
  ])
  const head = ['access', 'req/s', 'spread', 'req per CPU second', 'more CPU time']
  return `One hot WKW bucket a request, 8 connections, ${RUNS} rounds of ${SECONDS} s in turns; core was asked ${core.to('POST', /validateUserAccess$/).length} times.\n\n${table(head, lines)}\n\nThat is as noisy as the machine. The check alone, median of ${CHECKS} requests: ${(alone.local / 1000).toFixed(2)} µs locally, ${(alone.core / 1000).toFixed(2)} µs with core, so ${(((alone.core - alone.local) * base) / 1e7).toFixed(1)} % of the CPU time of such a request (bar 5 %).`
}

/** The check alone, in turns with that of local mode, on requests as they come in. Nanoseconds. */
async function checkAlone(core: TestCore): Promise<{ local: number; core: number }> {
  const client = new CoreClient({ url: core.url, datastore: DATASTORE, key: KEY })
  const version = new VersionOfCore(client)
  const catalogue = new Catalogue({ look: () => Promise.reject(new Error('never looks')), open: () => Promise.reject(), drop: () => {} })
  const shared = { adminToken: 'x', hosts: [], catalogue, log: createLog('text', () => {}) }
  const asking = new CoreAccess({ ...shared, rights: new Rights(client, version), ids: new DatasetIds(client), version })
  const open = new Access({ ...shared, requireToken: false })
  const times: { local: number[]; core: number[] } = { local: [], core: [] }
  let n = 0
  await using server = Bun.serve({
    port: 0,
    async fetch(request) {
      const [access, into] = n++ % 2 ? [open, times.local] : [asking, times.core]
      const before = Bun.nanoseconds()
      const waits = access.checkDataset(request, { first: 'bench', second: 'vol' })
      into.push(Bun.nanoseconds() - before)
      await waits
      return new Response('')
    },
  })
  const url = `${server.url}data/datasets/bench/vol/layers/color/data?token=reader`
  for (let request = 0; request < CHECKS; request++) await fetch(url).then((response) => response.text())
  return { local: median(times.local.slice(CHECKS / 4)), core: median(times.core.slice(CHECKS / 4)) }
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
