/** Buckets out of a local Precomputed store against tensorstore in Python, what the decode pool costs, and what a second worker brings. */
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DecodePool } from '../codecs/pool.ts'
import { ChunkCache } from '../src/cache/chunk-cache.ts'
import { growCells } from '../src/sample/cells.ts'
import { boxAt } from '../src/volume/box.ts'
import { chunkBytes, type Layer, wireBytes } from '../src/volume/chunked-array.ts'
import { type ChunkReader, cutout } from '../src/volume/cutout.ts'
import { always, chain } from '../src/volume/maybe-promise.ts'
import { Pace } from '../src/volume/pace.ts'
import { makeResources, openPath } from '../test/support/open.ts'
import { seededRandom } from '../test/support/random.ts'
import { median, table } from './measure.ts'

export const title = 'Neuroglancer Precomputed against tensorstore'

const EDGE = 256
const ROUNDS = 3
const MIB = 1024 * 1024
const STORES = ['raw', 'jpeg', 'compressed_segmentation', 'compressed_segmentation_64'] as const
const PYTHON = process.env['PYTHON'] ?? join(import.meta.dir, '../.venv/bin/python')
const SCRIPT = join(import.meta.dir, 'precomputed.py')

type Position = readonly [number, number, number]
type Times = { readonly wall: number; readonly cpu: number }

export async function run(): Promise<string> {
  if (!existsSync(PYTHON)) return `Not measured: PYTHON names no interpreter with tensorstore.`
  const folder = await stores()
  const rows: (string | number)[][] = []
  for (const name of STORES) {
    for (const [cached, cache] of [
      ['nothing cached', 0],
      ['all cached', 1024 * MIB],
    ] as const) {
      const boxes = positions(cache === 0 ? 400 : 1500)
      const [ours, theirs]: [Times[], Times[]] = [[], []]
      for (let round = 0; round < ROUNDS; round++) {
        ours.push(await readOurs(join(folder, name), boxes, cache))
        theirs.push(readTheirs(join(folder, name), boxes, cache))
      }
      const rate = (times: readonly Times[], key: keyof Times) => boxes.length / median(times.map((one) => one[key]))
      rows.push([
        `${name}, ${cached}`,
        rate(ours, 'wall'),
        rate(theirs, 'wall'),
        rate(ours, 'wall') / rate(theirs, 'wall'),
        rate(ours, 'cpu') / rate(theirs, 'cpu'),
      ])
    }
  }
  const head = ['32³ out of 64³ chunks, one thread', 'ours buckets/s', 'tensorstore buckets/s', 'ratio', 'ratio per CPU second']
  return `${table(head, rows)}\n\n${await pool(join(folder, 'jpeg'))}`
}

/** JPEG chunks, each once: here, in one worker, in two. All are warm before anything is measured. */
async function pool(path: string): Promise<string> {
  const boxes = Array.from({ length: 64 }, (_, n): Position => [64 * (n % 4), 64 * ((n >> 2) % 4), 64 * (n >> 4)])
  const kinds = {
    'on this thread': await reader(path, 0, Number.POSITIVE_INFINITY),
    'one worker': await reader(path, 0, 0, 1),
    'two workers': await reader(path, 0, 0, 2),
  }
  type Kind = keyof typeof kinds
  const names = Object.keys(kinds) as Kind[]
  const times: Record<Kind, Times[]> = { 'on this thread': [], 'one worker': [], 'two workers': [] }
  for (let round = -8; round < 10 * ROUNDS; round++) {
    for (const name of names) {
      const taken = await kinds[name].read(boxes, 64)
      if (round >= 0) times[name].push(taken)
    }
  }
  for (const name of names) kinds[name].close()
  const wall = (name: Kind) => 1000 * median(times[name].map((one) => one.wall))
  const cpu = (name: Kind) => 1000 * median(times[name].map((one) => one.cpu))
  const rows = names.map((name) => [name, wall(name), cpu(name), cpu(name) / cpu('on this thread'), wall('one worker') / wall(name)])
  return table(['64 JPEG chunks of 64³, all at once', 'ms', 'CPU ms', 'CPU of this thread', 'speed of one worker'], rows)
}

interface Reader {
  /** `parallel` buckets at a time. */
  read(boxes: readonly Position[], parallel: number): Promise<Times>
  close(): void
}

async function reader(path: string, cache: number, inlineNs: number, workers = 1): Promise<Reader> {
  const decoding = new DecodePool(workers, inlineNs)
  const chunks: ChunkReader = cache > 0 ? new ChunkCache(cache) : nothingKept()
  const { layers } = await openPath(path, { ...(await makeResources()), pool: decoding, chunks })
  const layer: Layer = layers[0]!
  const target = new Uint8Array(32 ** 3 * wireBytes(layer))
  const readOne = (position: Position) =>
    cutout(layer.mags[0]!, boxAt(position, [32, 32, 32]), layer.boundingBox, target, { chunks, pace: new Pace() })
  return {
    async read(boxes, parallel) {
      const [start, before] = [performance.now(), process.cpuUsage()]
      for (let n = 0; n < boxes.length; n += parallel) await Promise.all(boxes.slice(n, n + parallel).map(readOne))
      const used = process.cpuUsage(before)
      return { wall: (performance.now() - start) / 1000, cpu: (used.user + used.system) / 1e6 }
    },
    close: () => decoding.close(),
  }
}

/** Buckets one after the other. */
async function readOurs(path: string, boxes: readonly Position[], cache: number): Promise<Times> {
  const { read, close } = await reader(path, cache, Number.POSITIVE_INFINITY)
  await read(boxes.slice(0, 50), 1)
  const times = await read(boxes, 1)
  close()
  return times
}

/** Every chunk is read anew, into memory that is used again as the cache's is. */
function nothingKept(): ChunkReader {
  const free: Uint8Array[] = []
  return {
    read(array, index, visit, signal) {
      if (!('readChunk' in array))
        return array.fetchChunk(index, signal).then((bytes) => {
          if (bytes) visit(bytes)
          return bytes !== undefined
        })
      const target = free.pop() ?? new Uint8Array(chunkBytes(array))
      return always(
        () =>
          chain(array.readChunk(index, target, signal), (stored) => {
            if (stored) visit(target)
            return stored
          }),
        () => free.push(target),
      )
    },
    held: () => undefined,
    readWhole: (array, index, target, signal) => array.readChunk(index, target, signal),
    forget() {},
  }
}

function readTheirs(path: string, boxes: readonly Position[], cache: number): Times {
  const { stdout, stderr, exitCode } = Bun.spawnSync([PYTHON, SCRIPT, 'read', path, String(cache)], {
    stdin: Buffer.from(JSON.stringify(boxes)),
  })
  if (exitCode !== 0) throw new Error(stderr.toString())
  return JSON.parse(stdout.toString())
}

function positions(count: number): Position[] {
  const random = seededRandom('precomputed')
  const at = () => 32 * random(EDGE / 32)
  return Array.from({ length: count }, () => [at(), at(), at()])
}

/** Written by tensorstore, once; kept in .bench. */
async function stores(): Promise<string> {
  const folder = join(import.meta.dir, '../.bench/precomputed')
  if (existsSync(folder)) return folder
  const making = `${folder}.tmp`
  await rm(making, { recursive: true, force: true })
  await mkdir(making, { recursive: true })
  const { color, segmentation } = growCells([EDGE, EDGE, EDGE])
  const raw = join(making, 'voxels.bin')
  await writeFile(raw, Buffer.concat([color, new Uint8Array(segmentation.buffer)]))
  const { exitCode, stderr } = Bun.spawnSync([PYTHON, SCRIPT, 'make', making, raw])
  if (exitCode !== 0) throw new Error(stderr.toString())
  await rm(raw)
  await rename(making, folder)
  return folder
}
