/** One bucket at a time: asked of the executable over HTTP, and read by the library of each format inside a Python program. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listVolumes, matrixData, VOLUMES, type Volume } from './matrix-data.ts'
import { median, spread, table } from './measure.ts'
import { pinned, type Server, startServer } from './server.ts'
import { bucketBodies, hasWrk, load } from './wrk.ts'

export const title = 'Against the libraries of each format'
const ROUNDS = 5
const SECONDS = 2
const WARM_UP_SECONDS = 3
const BOXES = 300
const CHECKED = 8

type Library = 'wkw' | 'tifffile' | 'cloud-volume' | 'tensorstore'

const librariesOf = ({ name }: Volume): readonly Library[] => {
  if (name.startsWith('wkw')) return ['wkw']
  return name.startsWith('tiff') ? ['tifffile'] : ['cloud-volume', 'tensorstore']
}

export async function run(): Promise<string> {
  const python = process.env['PYTHON']
  const folder = await matrixData()
  if (!hasWrk() || !python || !folder) return 'Not run: wrk is not installed, or PYTHON names no interpreter with the libraries.'
  const listing = mkdtempSync(join(tmpdir(), 'wkconnect-bench-'))
  try {
    await listVolumes(folder, 'http://127.0.0.1:9', listing)
    const rows: (string | number)[][] = []
    for (const volume of VOLUMES) {
      await using server = await startServer(['--data', listing, '--cache', '4MB', '--cache-dir', 'none'])
      for (const library of librariesOf(volume)) rows.push(await measure(volume, library, { server, python, folder }))
    }
    const head = ['volume', 'library', 'its buckets/s', 'ours over HTTP', 'ratio', 'spread']
    return `One bucket of 32³ anywhere (of TIFFs 32²) at a time, from the page cache: the library in a process of its own, ours asked by wrk over one connection, so that a round trip is in ours and not in theirs; \`--cache 4MB\` and no cache in the libraries. Each on a core of its own, ${ROUNDS} rounds in turns, medians. The first ${CHECKED} buckets are compared byte for byte, but those of JPEG.\n\n${table(head, rows)}`
  } finally {
    rmSync(listing, { recursive: true })
  }
}

interface Parts {
  readonly server: Server
  readonly python: string
  readonly folder: string
}

async function measure(volume: Volume, library: Library, { server, python, folder }: Parts): Promise<(string | number)[]> {
  const { name, layer, size, says } = volume
  const bodies = bucketBodies(size, 1)
  const positions = bodies.slice(0, BOXES).map((body) => (JSON.parse(body) as { position: number[] }[])[0]!.position)
  const path = join(folder, name, name.startsWith('wkw') ? `${layer}/1` : name.startsWith('tiff') ? 'color.tif' : '')
  const url = `${server.url}/data/datasets/bench/near-${name}/layers/${layer}/data`
  while (!(await fetch(url, { method: 'POST', body: bodies[0]! })).ok) await Bun.sleep(50)
  await load(url, { bodies, connections: 1, seconds: WARM_UP_SECONDS })
  const [ours, theirs]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    ours.push((await load(url, { bodies, connections: 1, seconds: SECONDS })).requestsPerSecond)
    const command = pinned(1, [python, join(import.meta.dir, 'libraries.py'), library, path])
    const { stdout, stderr, exitCode } = Bun.spawnSync(command, { stdin: Buffer.from(JSON.stringify(positions)) })
    if (exitCode !== 0) throw new Error(stderr.toString())
    const { seconds, digests } = JSON.parse(stdout.toString()) as { seconds: number; digests: string[] }
    theirs.push(BOXES / seconds)
    if (round === 0 && !name.endsWith('jpeg')) await compare(url, bodies, digests, volume)
  }
  const ratios = ours.map((rate, n) => rate / theirs[n]!)
  return [says, library, median(theirs), median(ours), `**${median(ratios).toPrecision(2)}**`, spread(ratios)]
}

async function compare(
  url: string,
  bodies: readonly string[],
  digests: readonly string[],
  { name, size, voxelBytes }: Volume,
): Promise<void> {
  for (const [n, digest] of digests.entries()) {
    const bucket = await (await fetch(url, { method: 'POST', body: bodies[n]! })).bytes()
    // a plane is a bucket with zeros behind it
    const bytes = bucket.subarray(0, 32 * 32 * Math.min(32, size[2]) * voxelBytes)
    if (createHash('sha256').update(bytes).digest('hex') !== digest) throw new Error(`${name}: ${bodies[n]} was read otherwise`)
  }
}
