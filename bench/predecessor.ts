/**
 * webknossos-connect and ours in turns, on the same data: `PREDECESSOR` is the command that starts it, which prints a line
 * `ready … pid N` when it answers and ends all it started on SIGTERM; `PREDECESSOR_URL` is where it answers then, and
 * `PREDECESSOR_DATA` the folder of the data, which we serve as they are. They are those of `bench-data.py`: two volumes of 1024³ voxels,
 * a plane of 16384², and three Precomputed volumes a web server on this machine sends, which the command brings along.
 */
import type { Subprocess } from 'bun'
import type { Vec3 } from '../src/volume/vec.ts'
import { median, table } from './measure.ts'
import { startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Against webknossos-connect'
const ROUNDS = 3
const SECONDS = 4
const WARM_UP_SECONDS = 1
const CHECKS = 8

interface Row {
  readonly says: string
  /** Dataset and layer. */
  readonly path: string
  readonly size: Vec3
  readonly buckets: number
  readonly hot?: number
  /** Servers that were just started, and read over HTTP. */
  readonly isCold?: true
  /** Both have the same voxels: not where something was lost. */
  readonly isExact?: false
  readonly bar: number
}

const CUBE: Vec3 = [1024, 1024, 1024]
const PLANE: Vec3 = [16384, 16384, 1]
const ROWS: readonly Row[] = [
  { says: 'WKW uint8, one bucket, hot', path: 'vol/layers/color', size: CUBE, buckets: 1, hot: 256, bar: 8 },
  { says: 'WKW uint8, six buckets, anywhere', path: 'vol/layers/color', size: CUBE, buckets: 6, bar: 5 },
  { says: 'WKW uint32, six buckets, anywhere', path: 'vol/layers/segmentation', size: CUBE, buckets: 6, bar: 5 },
  { says: 'TIFF, six buckets, anywhere', path: 'plane/layers/color', size: PLANE, buckets: 6, bar: 8 },
  { says: 'Precomputed raw, cold, six', path: 'praw/layers/image', size: CUBE, buckets: 6, isCold: true, bar: 8 },
  { says: 'Precomputed jpeg, cold, six', path: 'pjpeg/layers/image', size: CUBE, buckets: 6, isCold: true, isExact: false, bar: 2.5 },
  {
    says: 'Precomputed compressed_segmentation, cold, six',
    path: 'pcseg/layers/segmentation',
    size: CUBE,
    buckets: 6,
    isCold: true,
    bar: 4,
  },
]

interface Started extends AsyncDisposable {
  readonly url: string
}

export async function run(): Promise<string> {
  const { PREDECESSOR: command, PREDECESSOR_URL: url, PREDECESSOR_DATA: data } = process.env
  if (!hasWrk()) throw new Error('wrk is not installed')
  if (!command || !url || !data)
    throw new Error('PREDECESSOR, PREDECESSOR_URL and PREDECESSOR_DATA say what to compare with: bench/predecessor.ts')
  const starts = [() => startTheirs(command, url), () => startOurs(data, '1'), () => startOurs(data, 'auto')]
  const lines: (string | number)[][] = []
  for (const row of ROWS) {
    for (const connections of [1, 16]) {
      const [theirs, ours, all] = await inTurns(row, connections, starts)
      const ratio = (rate: number) => `**${(rate / theirs!).toFixed(1)}**`
      const whole = (rate: number) => rate.toFixed(0)
      lines.push([row.says, String(connections), whole(theirs!), whole(ours!), whole(all!), ratio(ours!), ratio(all!), String(row.bar)])
      console.log(lines.at(-1)!.join(' | '))
    }
  }
  const head = ['what', 'connections', 'theirs, buckets/s', 'ours', '`--threads auto`', 'ratio', 'auto', 'bar']
  return `Medians of ${ROUNDS} rounds of ${SECONDS} s, each on all three in turns; they and wrk share the cores. Ours with the settings it has by itself, and with a serving thread for each core. Cold: all just started, nothing cached but by the system. Before each row ${CHECKS} requests are answered alike by all, byte for byte (JPEG: in length).\n\n${table(head, lines)}`
}

/** Buckets per second of each server. */
async function inTurns(row: Row, connections: number, starts: readonly (() => Promise<Started>)[]): Promise<number[]> {
  const rates: number[][] = starts.map(() => [])
  const bodies = bucketBodies(row.size, row.buckets, row.hot)
  const once = async (n: number, { url }: Started) => {
    const { requestsPerSecond } = await load(pathOf(url, row), { bodies, connections, seconds: SECONDS, isFree: true })
    rates[n]!.push(requestsPerSecond * row.buckets)
  }
  if (row.isCold) {
    // theirs stays, for it brings the data along: it is started anew before its own turn
    for (let round = 0; round < ROUNDS; round++) {
      for (const [n, start] of starts.entries()) {
        await using theirs = await starts[0]!()
        if (n === 0) await once(0, theirs)
        else {
          await using server = await start()
          await once(n, server)
        }
      }
    }
    await using stack = new AsyncDisposableStack()
    const servers: Started[] = []
    for (const start of starts) servers.push(stack.use(await start()))
    await check(row, bodies, servers)
  } else {
    await using stack = new AsyncDisposableStack()
    const servers: Started[] = []
    for (const start of starts) servers.push(stack.use(await start()))
    await check(row, bodies, servers)
    for (const { url } of servers) await load(pathOf(url, row), { bodies, connections, seconds: WARM_UP_SECONDS, isFree: true })
    for (let round = 0; round < ROUNDS; round++) for (const [n, server] of servers.entries()) await once(n, server)
  }
  return rates.map(median)
}

const pathOf = (url: string, { path }: Row): string => `${url}/data/datasets/bench/${path}/data?token=bench`

/** Throws where one answers otherwise than the first. */
async function check(row: Row, bodies: readonly string[], servers: readonly Started[]): Promise<void> {
  for (const body of bodies.slice(0, CHECKS)) {
    const answers = await Promise.all(
      servers.map(async ({ url }) =>
        (await fetch(pathOf(url, row), { method: 'POST', body, headers: { 'Content-Type': 'application/json' } })).bytes(),
      ),
    )
    const [first, ...others] = answers
    const isAlike = (one: Uint8Array) => one.length === first!.length && (row.isExact === false || Buffer.compare(one, first!) === 0)
    if (first!.length === 0 || !others.every(isAlike)) throw new Error(`${row.says}: answered otherwise: ${body}`)
  }
}

async function startOurs(data: string, threads: string): Promise<Started> {
  const server = await startServer(['--data', data, '--cache-dir', 'none', '--threads', threads], { isFree: true })
  const body = '[{"position":[0,0,0],"mag":[1,1,1],"cubeSize":32}]'
  // until the folders have been looked through
  while (!(await fetch(`${server.url}/data/datasets/bench/plane/layers/color/data`, { method: 'POST', body })).ok) await Bun.sleep(50)
  return server
}

async function startTheirs(command: string, url: string): Promise<Started> {
  const child = Bun.spawn(command.split(' '), { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' })
  await ready(child)
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}

async function ready(child: Subprocess<'ignore', 'pipe', 'ignore'>): Promise<void> {
  const reader = child.stdout.getReader()
  for (let said = ''; !said.includes('ready'); ) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`webknossos-connect ended: ${said}`)
    said += new TextDecoder().decode(value)
  }
  reader.releaseLock()
}
