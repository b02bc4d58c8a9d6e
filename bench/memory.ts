/** Peak memory under load, with a cache smaller than the data; and how long /data/health takes meanwhile. */
import { benchData, COLOR_SIZE, LABEL_SIZE } from './data.ts'
import { median, percentile99, table } from './measure.ts'
import { pinned, startServer, watchHealth } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Memory under load, and health meanwhile'
const CACHE_MIB = 256
const SECONDS = 15

export async function run(): Promise<string> {
  if (!hasWrk()) return 'Not run: wrk is not installed.'
  const data = await benchData()
  const rows: (string | number)[][] = []
  const under = async (name: string, work: (url: string) => Promise<unknown>) => {
    await using server = await startServer(['--data', data, '--cache', `${CACHE_MIB}MB`])
    await fetch(`${server.url}/data/datasets`)
    const stopWatching = watchHealth(server.url)
    await work(`${server.url}/data/datasets/bench`)
    const health = await stopWatching()
    const { peak } = server.memory()
    rows.push([name, peak, peak - CACHE_MIB, median(health), percentile99(health)])
  }
  await under('six uint8 buckets, anywhere, 16 connections', (url) =>
    load(`${url}/vol/layers/color/data`, { connections: 16, seconds: SECONDS, bodies: bucketBodies(COLOR_SIZE, 6) }),
  )
  await under('six uint32 buckets, anywhere, 16 connections', (url) =>
    load(`${url}/seg/layers/segmentation/data`, { connections: 16, seconds: SECONDS, bodies: bucketBodies(LABEL_SIZE, 6) }),
  )
  await under('four cuboids of 512³ uint32 (512 MiB each) at a time', (url) =>
    Promise.all(
      [0, 1, 2, 3].map(() => drain(`${url}/seg/layers/segmentation/data?x=0&y=0&z=0&width=512&height=512&depth=512&mag=1`, SECONDS)),
    ),
  )
  const head = ['load', 'peak RSS MiB', `above the ${CACHE_MIB} MiB of --cache`, 'health p50 ms', 'health p99 ms']
  return `Peak of \`VmHWM\`; bar: \`--cache\` + 250 MiB. Health is asked every 20 ms from the core that drives.\n\n${table(head, rows)}`
}

/** Asks again until the time is over, from outside: who reads so much here could not see how long health takes. */
async function drain(url: string, seconds: number): Promise<void> {
  const until = performance.now() + seconds * 1000
  while (performance.now() < until) {
    const curl = Bun.spawn(pinned(1, ['curl', '--silent', '--fail', '--output', '/dev/null', url]))
    if ((await curl.exited) !== 0) throw new Error(`curl of ${url} failed`)
  }
}
