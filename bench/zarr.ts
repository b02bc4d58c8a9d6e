/** Zarr out: one chunk against one bucket, and a whole mag read by zarr-python through the server and from disk. */
import { join } from 'node:path'
import { benchData, COLOR_SIZE, LABEL_SIZE } from './data.ts'
import { median, spread, table } from './measure.ts'
import { startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Zarr'
const RUNS = 5
const PYTHON_RUNS = 3

export async function run(): Promise<string> {
  const data = await benchData()
  await using server = await startServer(['--data', data, '--cache', '512MB', '--stored-mags-only'])
  await fetch(`${server.url}/data/datasets`)
  return [await chunkAgainstBucket(server.url), await wholeMags(server.url, data)].join('\n\n')
}

async function chunkAgainstBucket(url: string): Promise<string> {
  if (!hasWrk()) return 'Requests per second not measured: wrk is not installed.'
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

interface Timed {
  readonly bytes: number
  readonly chunks: number
  readonly version: string
  readonly remote: readonly number[]
  readonly local: readonly number[]
}

/** Together 1 GiB. */
async function wholeMags(url: string, data: string): Promise<string> {
  const python = process.env['PYTHON'] ?? join(import.meta.dir, '../.clients/venv/bin/python')
  if (!(await Bun.file(python).exists())) return 'zarr-python not measured: PYTHON names no interpreter that has it.'
  const lines: (string | number)[][] = []
  let version = ''
  for (const [name, path] of [
    ['uint8, 1024×1024×512', 'vol/color'],
    ['uint32, 512×512×512', 'seg/segmentation'],
  ] as const) {
    const input = {
      url: `${url}/data/zarr3_experimental/bench/${path}/1`,
      local: join(data, `../zarr-${path.split('/')[0]}`),
      rounds: PYTHON_RUNS,
    }
    const child = Bun.spawn([python, join(import.meta.dir, 'read_zarr.py')], {
      stdin: new Blob([JSON.stringify(input)]),
      stdout: 'pipe',
      stderr: 'inherit',
    })
    const out = await new Response(child.stdout).text()
    if ((await child.exited) !== 0) throw new Error('read_zarr.py failed')
    const { bytes, chunks, remote, local, ...timed } = JSON.parse(out) as Timed
    version = timed.version
    const mib = bytes / 2 ** 20
    lines.push([name, chunks, mib / median(local), mib / median(remote), (median(local) / median(remote)).toFixed(2)])
  }
  const head = ['whole mag of 512 MiB', 'chunks', 'local Zarr, MiB/s', 'through us, MiB/s', 'ratio (bar 0.5)']
  return `zarr-python ${version}, the same chunks of 32³ uncompressed on disk, ${PYTHON_RUNS} rounds in turns.\n\n${table(head, lines)}`
}
