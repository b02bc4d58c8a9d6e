/** A network file system: 5 ms for every operation, and one of five disks that does not answer. Stand-ins: bindfs, delayed by strace. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cp, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, spread, table } from './measure.ts'
import { startServer } from './server.ts'
import { MANY, manyFolder, sampleFolder, timeStart } from './start.ts'

export const title = 'A network file system: slow, or silent'
const RUNS = 3
const DELAY = '5ms'
const DISKS = 5
const SECONDS = 5
const CONNECTIONS = 8
/** Of the fifth disk. */
const CALLERS = 4
/** By then whoever asked the silent disk has been told so. */
const TIMEOUT_MS = 5000

export async function run(): Promise<string> {
  const missing = ['bindfs', 'fusermount3', 'strace'].filter((tool) => !Bun.which(tool))
  if (missing.length > 0) return `Not run: ${missing.join(', ')} not installed.`
  const place = mkdtempSync(join(tmpdir(), 'wkconnect-nas-'))
  try {
    return `${await slow(place)}\n\n${await silent(place)}`
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

async function slow(place: string): Promise<string> {
  const folder = await manyFolder(await sampleFolder())
  await using disk = await mount(folder, join(place, 'slow'), true)
  const rows: (string | number)[][] = []
  for (const [name, path] of [
    ['a local disk', folder],
    [`${DELAY} per file operation`, disk.point],
  ] as const) {
    const starts: { readyMs: number; listedMs: number }[] = []
    for (let n = 0; n < RUNS; n++) starts.push(await timeStart(path))
    const ready = starts.map(({ readyMs }) => readyMs)
    const listed = starts.map(({ listedMs }) => listedMs)
    rows.push([`${MANY} WKW datasets, ${name}`, median(ready), spread(ready), median(listed), spread(listed)])
  }
  const head = ['folder', 'health answers after ms', 'spread', 'all listed after ms', 'spread']
  return `Bars: health within 300 ms, all ${MANY} listed within 60 s; ${RUNS} starts.\n\n${table(head, rows)}`
}

async function silent(place: string): Promise<string> {
  const source = join(await sampleFolder(), 'binary/sample_organization/cells')
  const disks: Disk[] = []
  try {
    for (let n = 0; n < DISKS; n++) {
      await cp(source, join(place, `source${n}`), { recursive: true })
      disks.push(await mount(join(place, `source${n}`), join(place, `disks/lab/disk${n}`), false))
    }
    await using server = await startServer(['--data', join(place, 'disks'), '--cache', '0'])
    await fetch(`${server.url}/data/datasets`)
    let done = false
    // as a viewer does that tries again: not as fast as it can
    const asking = Array.from({ length: CALLERS }, async () => {
      for (; !done; await Bun.sleep(20)) await bucket(server.url, DISKS - 1, 0)
    })
    const last = disks[DISKS - 1]!
    await drive(server.url)
    const normal: Driven[] = []
    const waiting: Driven[] = []
    const told: Driven[] = []
    // in turns, so that a slow minute of the machine hits all alike
    for (let round = 0; round < RUNS; round++) {
      normal.push(await drive(server.url))
      last.freeze()
      waiting.push(await drive(server.url))
      await Bun.sleep(TIMEOUT_MS)
      told.push(await drive(server.url))
      last.thaw()
      while ((await bucket(server.url, DISKS - 1, 0)).failed) await Bun.sleep(50)
    }
    done = true
    await Promise.all(asking)
    const head = ['buckets of the four others', 'answered', 'failed', 'p50 ms', 'p99 ms', 'spread', 'p99 against normal']
    const p99Of = (all: readonly Driven[]) => all.map(({ p99 }) => p99)
    const row = (name: string, all: readonly Driven[]) => [
      name,
      all.reduce((sum, { answered }) => sum + answered, 0),
      all.reduce((sum, { failed }) => sum + failed, 0),
      median(all.map(({ p50 }) => p50)),
      median(p99Of(all)),
      spread(p99Of(all)),
      median(p99Of(all)) / median(p99Of(normal)),
    ]
    const rows = [
      row('all five answer', normal),
      row('the fifth silent, its callers still waiting', waiting),
      row('the fifth silent, its callers told so at once', told),
    ]
    return `One of ${DISKS} mounts is stopped while ${CALLERS} callers go on asking it. Bar: the other four answer every bucket, p99 at most twice the normal one. \`--cache 0\`, ${CONNECTIONS} connections, ${RUNS} rounds of ${SECONDS} s each in turns.\n\n${table(head, rows)}`
  } finally {
    for (const disk of disks) await disk[Symbol.asyncDispose]()
  }
}

interface Driven {
  readonly answered: number
  readonly failed: number
  readonly p50: number
  readonly p99: number
}

/** Asks for buckets of all disks but the last one. */
async function drive(url: string): Promise<Driven> {
  const times: number[] = []
  let failures = 0
  const until = performance.now() + SECONDS * 1000
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, connection) => {
      for (let n = connection; performance.now() < until; n++) {
        const start = performance.now()
        const { failed } = await bucket(url, n % (DISKS - 1), n)
        times.push(performance.now() - start)
        if (failed) failures++
      }
    }),
  )
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.floor(share * times.length)] ?? Number.NaN
  return { answered: times.length, failed: failures, p50: at(0.5), p99: at(0.99) }
}

async function bucket(url: string, disk: number, n: number): Promise<{ failed: boolean }> {
  const position = [32 * (n % 6), 32 * (Math.floor(n / 6) % 6), 32 * (Math.floor(n / 36) % 3)]
  const body = JSON.stringify([{ position, mag: [1, 1, 1], cubeSize: 32, fourBit: false }])
  const response = await fetch(`${url}/data/datasets/lab/disk${disk}/layers/color/data`, { method: 'POST', body })
  await response.arrayBuffer()
  return { failed: response.headers.get('Failure-Bucket-Indices') !== '[]' }
}

interface Disk extends AsyncDisposable {
  readonly point: string
  freeze(): void
  thaw(): void
}

/** A folder shown elsewhere by a program of its own. `delayed`: each operation takes longer, nothing is remembered by the kernel. */
async function mount(source: string, point: string, delayed: boolean): Promise<Disk> {
  await mkdir(point, { recursive: true })
  const calls = 'openat,newfstatat,statx,readlink,readlinkat,pread64,getdents64'
  const delay = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:delay_enter=${DELAY}`]
  const show = ['bindfs', '-f', '--multithreaded', '-o', 'attr_timeout=0,entry_timeout=0,negative_timeout=0', source, point]
  const child = Bun.spawn(delayed ? [...delay, ...show] : show, { stdio: ['ignore', 'ignore', 'inherit'] })
  for (let n = 0; !readFileSync('/proc/self/mounts', 'utf8').includes(` ${point} `); n++) {
    if (n > 200 || child.exitCode !== null) throw new Error(`bindfs does not mount ${point}`)
    await Bun.sleep(25)
  }
  return {
    point,
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      child.kill('SIGCONT')
      Bun.spawnSync(['fusermount3', '-uz', point])
      child.kill()
      await child.exited
      if (existsSync(join(point, 'color'))) throw new Error(`${point} is still mounted`)
    },
  }
}
