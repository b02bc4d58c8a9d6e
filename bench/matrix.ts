/**
 * Every format, by buckets a request, connections, and where the data lie. `bun run bench matrix`; FORMATS=regex takes some, and leaves the
 * tables of the others as they are.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listVolumes, matrixData, VOLUMES, type Volume } from './matrix-data.ts'
import { median, spread, table } from './measure.ts'
import { pinned, type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Every format, near and far'
export const page = 'performance-matrix.md'

const ROUNDS = 3
const SECONDS = 1
const WARM_UP_SECONDS = 5
const LATENCY_MS = 20
const HOT = 256
const BUCKETS = [1, 6, 10] as const
const CONNECTIONS = [1, 16, 128] as const
const FORMATS = new RegExp(process.env['FORMATS'] ?? '')

/** `cache`: all of the hot buckets fit, or hardly anything does. */
const PLACES = [
  { name: 'hot', where: 'near', hot: HOT, cache: '128MB' },
  { name: 'page cache', where: 'near', hot: undefined, cache: '4MB' },
  { name: `${LATENCY_MS} ms away`, where: 'far', hot: undefined, cache: '4MB' },
] as const
type Place = (typeof PLACES)[number]

/** What is asked: buckets of a layer, or chunks of the Zarr route. */
interface Kind {
  readonly says: string
  readonly volume: Volume
  readonly isZarr: boolean
}

const kinds: readonly Kind[] = [
  ...VOLUMES.map((volume) => ({ says: volume.says, volume, isZarr: false })),
  { says: 'Zarr route, chunks of WKW uint8, LZ4', volume: VOLUMES[0]!, isZarr: true },
]

export async function run(): Promise<string> {
  if (!hasWrk()) return 'Not run: wrk is not installed.'
  const folder = await matrixData()
  if (!folder) return 'Not run: PYTHON names no interpreter with wkw, tifffile, imagecodecs and tensorstore.'
  const listing = mkdtempSync(join(tmpdir(), 'wkconnect-bench-'))
  await using far = await startFar(folder)
  try {
    await listVolumes(folder, far.url, listing)
    const sections: string[] = []
    for (const kind of kinds) {
      const kept = FORMATS.test(kind.says) ? undefined : sectionInPage(kind)
      sections.push(kept ?? `### ${kind.says}\n\n${table(HEAD, await measureKind(kind, listing, far))}`)
    }
    return `One serving thread on core 0; wrk, and the web server that is far, on core 1. 64 MiB of voxels of each format, which pack as real ones do (${'`bench/texture.ts`'}); “hot” are ${HOT} places and a cache of 128 MB, else anywhere and 4 MB. Medians of ${ROUNDS} rounds of ${SECONDS} s after ${WARM_UP_SECONDS} s; what is far is opened anew before each, and what has come is then remembered; memory is the peak of a row. Read: bytes from files, or over the network, per byte of voxels sent.\n\n${sections.join('\n\n')}`
  } finally {
    rmSync(listing, { recursive: true })
  }
}

/** As an earlier run left it. */
function sectionInPage({ says }: Kind): string | undefined {
  const path = join(import.meta.dir, '../docs', page)
  if (!existsSync(path)) return undefined
  const [, text] = readFileSync(path, 'utf8').split(`### ${says}\n`)
  return text && `### ${says}\n${text.split(/\n### |\n<!-- end /)[0]!.trimEnd()}`
}

const HEAD = ['where', 'buckets', 'connections', 'req/s', 'spread', 'MB/s', 'p50 / p99 ms', 'RSS MiB', 'read per byte sent']

async function measureKind(kind: Kind, listing: string, far: Far): Promise<(string | number)[][]> {
  const rows: (string | number)[][] = []
  for (const place of PLACES) {
    await using server = await startServer(['--data', listing, '--cache', place.cache, '--cache-dir', 'none'])
    await opened(server, `${place.where}-${kind.volume.name}`)
    const read = place.where === 'near' ? async () => server.bytesRead() : far.bytesSent
    await ask(server, kind, place, 6, 16, WARM_UP_SECONDS)
    for (const buckets of kind.isZarr ? [1] : BUCKETS)
      for (const connections of CONNECTIONS) rows.push(await measureRow(server, kind, place, buckets, connections, read))
  }
  return rows
}

async function measureRow(
  server: Server,
  kind: Kind,
  place: Place,
  buckets: number,
  connections: number,
  read: () => Promise<number>,
): Promise<(string | number)[]> {
  const bytes = buckets * 32 ** 3 * kind.volume.voxelBytes
  server.resetPeak()
  const before = await read()
  const runs: Awaited<ReturnType<typeof ask>>[] = []
  for (let round = 0; round < ROUNDS; round++) {
    // opened anew: nothing of it is remembered
    if (place.where === 'far') await fetch(`${server.url}/data/triggers/reload/bench/far-${kind.volume.name}`, { method: 'POST' })
    runs.push(await ask(server, kind, place, buckets, connections, SECONDS))
  }
  const perSecond = runs.map(({ requestsPerSecond }) => requestsPerSecond)
  const sent = perSecond.reduce((sum, one) => sum + one * SECONDS * bytes, 0)
  return [
    place.name,
    String(buckets),
    String(connections),
    median(perSecond),
    spread(perSecond),
    (median(perSecond) * bytes) / 1e6,
    `${median(runs.map(({ p50Ms }) => p50Ms)).toFixed(1)} / ${median(runs.map(({ p99Ms }) => p99Ms)).toFixed(1)}`,
    server.memory().peak.toFixed(0),
    ((await read()) - before) / sent,
  ]
}

function ask({ url }: Server, { volume, isZarr }: Kind, place: Place, buckets: number, connections: number, seconds: number) {
  const dataset = `${place.where}-${volume.name}`
  if (!isZarr) {
    const bodies = bucketBodies(volume.size, buckets, place.hot)
    return load(`${url}/data/datasets/bench/${dataset}/layers/${volume.layer}/data`, { bodies, connections, seconds })
  }
  const paths = bucketBodies(volume.size, 1, place.hot).map((body) => {
    const [{ position }] = JSON.parse(body)
    return `/data/zarr/bench/${dataset}/${volume.layer}/1/0.${position.map((at: number) => at / 32).join('.')}`
  })
  return load(url, { paths, connections, seconds })
}

async function opened({ url }: Server, dataset: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await fetch(`${url}/data/datasets/bench/${dataset}`)).ok) return
    await Bun.sleep(100)
  }
  throw new Error(`${dataset} was not opened`)
}

interface Far extends AsyncDisposable {
  readonly url: string
  readonly bytesSent: () => Promise<number>
}

async function startFar(folder: string): Promise<Far> {
  const child = Bun.spawn(pinned(1, [process.execPath, join(import.meta.dir, 'far.ts'), folder, String(LATENCY_MS)]), { stdout: 'pipe' })
  const { value } = await child.stdout.getReader().read()
  const url = new TextDecoder().decode(value).trim()
  return {
    url,
    bytesSent: async () => Number(await (await fetch(`${url}/read`)).text()),
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}
