/**
 * The rows of the bars against webknossos-connect. Its figures are those measured once on two cores, with data of the same kind and wrk
 * as the driver.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Vec3 } from '../src/volume/vec.ts'
import { benchData, COLOR_SIZE, LABEL_SIZE, PLANE } from './data.ts'
import { listVolumes, matrixData, VOLUMES } from './matrix-data.ts'
import { median, table } from './measure.ts'
import { startNginx } from './nginx.ts'
import { type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Against webknossos-connect'
const ROUNDS = 2
const SECONDS = 3
const WARM_UP_SECONDS = 5
const CONNECTIONS = 16
/** Of 32 KiB, on the machine of theirs in the same conditions; up to 100,600 in a quiet minute. */
const THEIR_NGINX = 78_000

interface Row {
  readonly says: string
  /** Dataset and layer. */
  readonly path: string
  readonly size: Vec3
  readonly buckets: number
  readonly hot?: number
  /** A server that was just started, and reads over HTTP from nginx on this machine. */
  readonly isCold?: true
  /** Buckets per second that were measured. */
  readonly theirs: number
  readonly bar: number
}

const far = (name: string) => {
  const { layer, size } = VOLUMES.find((one) => one.name === name)!
  return { path: `far-${name}/layers/${layer}`, size, buckets: 6, isCold: true } as const
}

const ROWS: readonly Row[] = [
  { says: 'WKW uint8, one bucket, hot', path: 'vol/layers/color', size: COLOR_SIZE, buckets: 1, hot: 256, theirs: 3500, bar: 8 },
  { says: 'WKW uint8, six buckets, anywhere', path: 'vol/layers/color', size: COLOR_SIZE, buckets: 6, theirs: 3752, bar: 5 },
  {
    says: 'WKW uint32, six buckets, anywhere',
    path: 'seg/layers/segmentation',
    size: LABEL_SIZE,
    buckets: 6,
    theirs: 2937,
    bar: 5,
  },
  { says: 'TIFF, six buckets, anywhere', path: 'plane/layers/color', size: [PLANE, PLANE, 1], buckets: 6, theirs: 2936, bar: 8 },
  { says: 'Precomputed raw, cold, six buckets', ...far('precomputed-raw'), theirs: 855, bar: 8 },
  { says: 'Precomputed jpeg, cold, six buckets', ...far('precomputed-jpeg'), theirs: 575, bar: 2.5 },
  { says: 'Precomputed compressed_segmentation, cold, six', ...far('precomputed-cseg'), theirs: 460, bar: 4 },
]

export async function run(): Promise<string> {
  if (!hasWrk()) return 'Not run: wrk is not installed.'
  const data = await benchData()
  const folder = await matrixData()
  await using nginx = folder ? await startNginx(folder) : undefined
  await using files = await startNginx(join(data, 'static'))
  const here = files && (await load(`${files.url}/32k.bin`, { connections: CONNECTIONS, seconds: SECONDS })).requestsPerSecond
  const listing = mkdtempSync(join(tmpdir(), 'wkconnect-bench-'))
  const lines: (string | number)[][] = []
  try {
    if (folder && nginx) await listVolumes(folder, nginx.url, listing)
    await using server = await startServer(['--data', data, '--cache', '64MB', '--threads', 'auto'], { isFree: true })
    await fetch(`${server.url}/data/datasets`)
    for (const row of ROWS) {
      if (row.isCold && !(folder && nginx)) continue
      const ours = row.isCold ? await cold(row, listing) : await warm(server, row)
      lines.push([row.says, ours, String(row.theirs), `**${(ours / row.theirs).toFixed(1)}**`, String(row.bar)])
    }
  } finally {
    rmSync(listing, { recursive: true })
  }
  const head = ['what', 'ours, buckets/s', 'theirs, buckets/s', 'ratio', 'bar']
  return `Theirs were measured on a machine of two cores that server and driver shared, with data of the same kind and the same driver, and not in the same run as ours: take the ratios as sizes. Ours as it starts by itself (\`--threads auto\`), \`--cache 64MB\` so that “anywhere” is not from the cache; cold: just started, \`--cache 4MB\`, over HTTP from nginx on this machine. ${CONNECTIONS} connections; medians of ${ROUNDS} rounds of ${SECONDS} s. nginx sent ${THEIR_NGINX} files of 32 KiB a second there and ${here?.toFixed(0) ?? 'was not measured'} here.\n\n${table(head, lines)}`
}

const bodiesOf = ({ size, buckets, hot }: Row) => bucketBodies(size, buckets, hot)

async function warm({ url }: Server, row: Row): Promise<number> {
  const options = { bodies: bodiesOf(row), connections: CONNECTIONS }
  const at = `${url}/data/datasets/bench/${row.path}/data`
  await load(at, { ...options, seconds: WARM_UP_SECONDS })
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) rates.push((await load(at, { ...options, seconds: SECONDS })).requestsPerSecond)
  return median(rates) * row.buckets
}

async function cold(row: Row, listing: string): Promise<number> {
  const rates: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const args = ['--data', listing, '--cache', '4MB', '--cache-dir', 'none', '--threads', 'auto']
    await using server = await startServer(args, { isFree: true })
    const dataset = `${server.url}/data/datasets/bench/${row.path.split('/')[0]}`
    while (!(await fetch(dataset)).ok) await Bun.sleep(50)
    const at = `${server.url}/data/datasets/bench/${row.path}/data`
    rates.push((await load(at, { bodies: bodiesOf(row), connections: CONNECTIONS, seconds: SECONDS })).requestsPerSecond)
  }
  return median(rates) * row.buckets
}
