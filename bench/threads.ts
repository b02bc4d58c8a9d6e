/** One serving thread against two, in turns in one run: requests per second of CPU, wall clock where decoding is the work, and health under it. */
import { benchData, COLOR_SIZE } from './data.ts'
import { median, percentile99, spread, table } from './measure.ts'
import { type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Serving threads'
const ROUNDS = 5
/** A server is as fast as it gets only after some ten thousand requests, for each thread has to compile for itself. */
const WARM_UP = 5
const SECONDS = 2
const THREADS = [1, 2] as const
/** A second server of one thread: asked together with the first, the two show what two cores are worth here and now. */
const APART = 1
const PATH = '/data/datasets/bench/vol/layers/color/data'
/** Everything is decoded for one small answer: a slice across all chunks of a part, of which the client gets every voxel of one plane. */
const plane = (z: number) => `${PATH}?x=0&y=0&z=${z}&width=512&height=512&depth=1&mag=1`

export async function run(): Promise<string> {
  if (!hasWrk()) return 'Not run: wrk is not installed (Debian: `apt install wrk`).'
  const data = await benchData()
  const servers: Server[] = []
  try {
    // as little cache as there can be, so that each request decodes
    for (const threads of [...THREADS, APART])
      servers.push(await startServer(['--data', data, '--cache', '1MB', '--threads', String(threads)], { isFree: true }))
    await Promise.all(servers.map(({ url }) => fetch(`${url}/data/datasets`)))
    await Bun.sleep(3000)
    const six = bucketBodies(COLOR_SIZE, 6)
    const perCpu = servers.map((): number[] => [])
    const wall = servers.map((): number[] => [])
    const cores = servers.map((): number[] => [])
    const health = servers.map((): number[] => [])
    const apart: number[] = []
    const apartPerCpu: number[] = []
    const sixOf = async (some: readonly Server[]): Promise<number> => {
      const before = some.map((server) => server.cpuSeconds())
      const loads = await Promise.all(
        some.map(({ url }) => load(`${url}${PATH}`, { seconds: SECONDS, connections: 16 / some.length, bodies: six })),
      )
      const cpu = some.reduce((sum, server, n) => sum + server.cpuSeconds() - before[n]!, 0)
      return (loads.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0) * SECONDS) / cpu
    }
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      for (const [n, server] of servers.slice(0, THREADS.length).entries()) {
        const cpu = await sixOf([server])
        const start = { cpu: server.cpuSeconds(), at: performance.now() }
        const [slices, p99] = await Promise.all([decodeBound(server.url), healthP99(server.url)])
        if (round < 0) continue
        perCpu[n]!.push(cpu)
        wall[n]!.push(slices)
        cores[n]!.push((server.cpuSeconds() - start.cpu) / ((performance.now() - start.at) / 1000))
        health[n]!.push(p99)
      }
      const two = [servers[0]!, servers.at(-1)!]
      const sixApart = await sixOf(two)
      const both = await Promise.all(two.map(({ url }) => decodeBound(url)))
      if (round < 0) continue
      apart.push(both[0]! + both[1]!)
      apartPerCpu.push(sixApart)
    }
    const lines = THREADS.map((threads, n) => [
      threads,
      median(perCpu[n]!),
      spread(perCpu[n]!),
      median(wall[n]!),
      spread(wall[n]!),
      median(cores[n]!).toFixed(2),
      median(health[n]!).toFixed(1),
    ])
    const head = ['threads', 'six buckets: req per CPU second', 'spread', 'planes/s', 'spread', 'cores used', 'health p99 ms meanwhile']
    const against = (one: number[], other: number[]) => median(one.map((value, round) => other[round]! / value)).toFixed(2)
    const ratio = (of: number[][]) => against(of[0]!, of[1]!)
    return `\`--cache 1MB\`, so that everything is decoded; not pinned to cores; ${ROUNDS} rounds of ${SECONDS} s in turns. Planes are 512×512×1 voxels, of which each costs 256 blocks of 32³. Two threads against one, median of the rounds: requests per CPU second **${ratio(perCpu)}** (bar 0.9), planes per second of wall clock **${ratio(wall)}** (bar 1.7, with two cores to themselves; "cores used" says how many there were). Two servers of one thread each, asked at the same time, are as fast as this machine lets two be: **${against(perCpu[0]!, apartPerCpu)}** of one per CPU second, **${against(wall[0]!, apart)}** by wall clock; two threads are **${against(apartPerCpu, perCpu[1]!)}** and **${against(apart, wall[1]!)}** of that.\n\n${table(head, lines)}`
  } finally {
    for (const server of servers) await server[Symbol.asyncDispose]()
  }
}

/** Planes per second; over so many connections that each thread gets some. */
async function decodeBound(url: string): Promise<number> {
  const paths = Array.from({ length: COLOR_SIZE[2] }, (_, n) => plane((n * 37) % COLOR_SIZE[2]))
  return (await load(url, { paths, seconds: SECONDS, connections: 32 })).requestsPerSecond
}

async function healthP99(url: string): Promise<number> {
  const end = performance.now() + SECONDS * 1000
  const times: number[] = []
  while (performance.now() < end) {
    const before = performance.now()
    await fetch(`${url}/data/health`, { headers: { Connection: 'close' } }).then((response) => response.text())
    times.push(performance.now() - before)
    await Bun.sleep(20)
  }
  return percentile99(times)
}
