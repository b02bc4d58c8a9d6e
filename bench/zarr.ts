/** Zarr out: one chunk against one bucket, and a whole mag read by zarr-python through the server, from disk and through nginx. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { benchData, COLOR_SIZE, GIB_COLOR_SIZE, GIB_LABEL_SIZE, gibData, LABEL_SIZE } from './data.ts'
import { median, spread, table } from './measure.ts'
import { startNginx } from './nginx.ts'
import { pinned, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Zarr'
const RUNS = 9
const PYTHON_RUNS = 3

export async function run(): Promise<string> {
  return [await chunkAgainstBucket(), await wholeMags()].join('\n\n')
}

async function chunkAgainstBucket(): Promise<string> {
  if (!hasWrk()) return 'Requests per second not measured: wrk is not installed.'
  await using server = await startServer(['--data', await benchData(), '--cache', '512MB', '--stored-mags-only'])
  await fetch(`${server.url}/data/datasets`)
  const { url } = server
  const lines: (string | number)[][] = []
  for (const [name, path, size] of [
    ['uint8', 'vol', COLOR_SIZE],
    ['uint32', 'seg', LABEL_SIZE],
  ] as const) {
    const layer = path === 'vol' ? 'color' : 'segmentation'
    const buckets: number[] = []
    const chunks: number[] = []
    for (let round = -1; round < RUNS; round++) {
      const bucket = await load(`${url}/data/datasets/bench/${path}/layers/${layer}/data`, { bodies: bucketBodies(size, 1, 1), seconds: 2 })
      const chunk = await load(`${url}/data/zarr/bench/${path}/${layer}/1/0.3.3.3`, { seconds: 2 })
      if (round < 0) continue
      buckets.push(bucket.requestsPerSecond)
      chunks.push(chunk.requestsPerSecond)
    }
    lines.push([name, median(buckets), spread(buckets), median(chunks), spread(chunks), (median(chunks) / median(buckets)).toFixed(2)])
  }
  const head = ['one hot bucket or chunk of 32³', 'buckets/s', 'spread', 'chunks/s', 'spread', 'ratio (bar 0.8)']
  return `wrk with 8 connections, ${RUNS} rounds of 2 s in turns.\n\n${table(head, lines)}`
}

const percent = (share: number): string => `${Math.round(100 * share)} %`

interface Timed {
  readonly bytes: number
  readonly chunks: number
  readonly version: string
  readonly seconds: Readonly<Record<Place, readonly number[]>>
  /** Share of the time in which the client used its core. */
  readonly busy: Readonly<Record<Place, number>>
}

type Place = 'us' | 'raw' | 'lz4' | 'nginx'

/** The client has core 1 to itself wherever it reads from; the server, ours or nginx, has core 0. */
async function wholeMags(): Promise<string> {
  const python = process.env['PYTHON'] ?? join(import.meta.dir, '../.clients/venv/bin/python')
  if (!(await Bun.file(python).exists())) return 'zarr-python not measured: PYTHON names no interpreter that has it.'
  const data = await gibData()
  const copies = join(data, '../zarr')
  await mkdir(copies, { recursive: true })
  await using server = await startServer(['--data', data, '--cache', '512MB', '--stored-mags-only'])
  await fetch(`${server.url}/data/datasets`)
  await using nginx = await startNginx(copies)
  const lines: (string | number)[][] = []
  let version = ''
  for (const [name, path] of [
    [`uint8, ${GIB_COLOR_SIZE.join('×')}`, 'vol/color'],
    [`uint32, ${GIB_LABEL_SIZE.join('×')}`, 'seg/segmentation'],
  ] as const) {
    const [folder] = path.split('/')
    const copy = (codec: string) => ({ folder: join(copies, `${folder}-${codec}`), codec })
    const places = {
      us: `${server.url}/data/zarr3_experimental/bench/${path}/1`,
      raw: copy('none').folder,
      lz4: copy('lz4').folder,
      ...(nginx && { nginx: `${nginx.url}/${folder}-none` }),
    }
    const input = { places, copies: [copy('none'), copy('lz4')], from: 'us', rounds: PYTHON_RUNS }
    const child = Bun.spawn(pinned(1, [python, join(import.meta.dir, 'read_zarr.py')]), {
      stdin: new Blob([JSON.stringify(input)]),
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const before = server.cpuSeconds()
    const out = await new Response(child.stdout).text()
    const cpu = server.cpuSeconds() - before
    if ((await child.exited) !== 0) throw new Error('read_zarr.py failed')
    const { bytes, chunks, seconds, busy, ...timed } = JSON.parse(out) as Timed
    version = timed.version
    // it answered one round more than was timed
    const serverBusy = cpu / (seconds.us.reduce((sum, one) => sum + one) * (1 + 1 / PYTHON_RUNS))
    const speed = (place: Place) => (seconds[place] ? bytes / 2 ** 20 / median(seconds[place]) : Number.NaN)
    const ratio = (place: Place) => (speed('us') / speed(place)).toFixed(2)
    lines.push([
      name,
      chunks,
      speed('us'),
      `${speed('lz4').toFixed(0)}: **${ratio('lz4')}**`,
      `${speed('raw').toFixed(0)}: **${ratio('raw')}**`,
      `${percent(busy.us)} / ${percent(serverBusy)}`,
      nginx ? `${speed('nginx').toFixed(0)}: ${ratio('nginx')}` : '',
    ])
  }
  const head = [
    'whole mag of 1 GiB, MiB/s',
    'chunks',
    'through us',
    'local, LZ4: ratio',
    'local, uncompressed: ratio',
    'through us, cores busy: client / server',
    'nginx sending the uncompressed: ratio',
  ]
  return `zarr-python ${version} reading the whole mag at once, ${PYTHON_RUNS} rounds in turns; the client on core 1, server or nginx on core 0. The source is WKW, LZ4 in blocks of 32³. Local copies are Zarr v3 with the same axes and chunks of 32³, in files of their own: LZ4 as in the source (Blosc without shuffle), and uncompressed, which is what we send. Bar: 0.5 of local.\n\n${table(head, lines)}`
}
