/** Reading TIFF: random crops of tiles against pread and against libvips, stacks of pages, folders of slices. */
import { closeSync, existsSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Glob } from 'bun'
import { ChunkCache } from '../src/cache/chunk-cache.ts'
import { discover } from '../src/datasets/discover.ts'
import { openDataset, type Resources } from '../src/datasets/open.ts'
import { growCells } from '../src/sample/cells.ts'
import { boxAt } from '../src/volume/box.ts'
import type { Layer } from '../src/volume/chunked-array.ts'
import { cutout } from '../src/volume/cutout.ts'
import { Pace } from '../src/volume/pace.ts'
import { buildTiff, greyPage } from '../test/support/build-tiff.ts'
import { makeResources } from '../test/support/open.ts'
import { tinyTiff } from '../test/support/tiny-tiff.ts'
import { median, spread, table } from './measure.ts'

export const title = 'TIFF: crops of tiles, stacks, folders'

const EDGE = 8192
const TILE = 256
const CROPS = 1500
const ROUNDS = 7
/** A sixteenth of the tiles: what is asked for again is mostly gone. */
const CACHE = 4 * 2 ** 20
const folder = join(import.meta.dir, '../.bench/tiff')

export async function run(): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const resources = await makeResources()
  const crops = await cropTable(resources)
  const stacks = await stackTable(resources)
  resources.pool.close()
  return `${crops}\n\n${stacks}`
}

async function cropTable(resources: Resources): Promise<string> {
  const rows: (string | number)[][] = []
  for (const [name, path] of writeTiled()) {
    const layer = await open(path, resources)
    const others = name === 'none' ? await versusPread(path, layer) : await versusVips(path, layer)
    rows.push([`${name}, against ${others.against}`, others.ours, others.range, others.theirs, others.theirs / others.ours])
  }
  return [
    table([`random 32×32 of ${EDGE}² uint8 in ${TILE}² tiles`, 'ours µs', 'lowest – highest', 'theirs µs', 'ratio'], rows),
    '',
    'Page cache warm, a cache of 4 MiB; a ratio above 1 is faster than the other. Of 64 neighbouring crops 63 cost a copy.',
  ].join('\n')
}

/** Names and paths; those vips writes only where it is installed. */
function writeTiled(): [string, string][] {
  const raw = join(folder, 'none.tif')
  if (!existsSync(raw)) {
    const { color } = growCells([256, 256, 16])
    const tiles = (EDGE / TILE) ** 2
    const tags = greyPage(EDGE, EDGE, 0).filter(({ tag }) => ![273, 278, 279].includes(tag))
    const offsets = Array.from({ length: tiles }, (_, n) => 65_536 + n * TILE * TILE)
    const { bytes } = buildTiff([
      {
        tags: [
          ...tags,
          { tag: 322, type: 3, values: [TILE] },
          { tag: 323, type: 3, values: [TILE] },
          { tag: 324, type: 4, values: offsets },
          { tag: 325, type: 4, values: offsets.map(() => TILE * TILE) },
        ],
      },
    ])
    const pixels = Buffer.alloc(tiles * TILE * TILE)
    for (let n = 0; n < tiles; n++) pixels.set(color.subarray((n % 16) * TILE * TILE, ((n % 16) + 1) * TILE * TILE), n * TILE * TILE)
    writeFileSync(raw, Buffer.concat([bytes, Buffer.alloc(65_536 - bytes.length), pixels]))
  }
  const files: [string, string][] = [['none', raw]]
  for (const compression of Bun.which('vips') ? ['lzw', 'deflate', 'jpeg', 'zstd'] : []) {
    const path = join(folder, `${compression}.tif`)
    const options = ['--tile', `--tile-width=${TILE}`, `--tile-height=${TILE}`, `--compression=${compression}`]
    if (!existsSync(path)) Bun.spawnSync(['vips', 'tiffsave', raw, path, ...options])
    files.push([compression, path])
  }
  return files
}

let opened = 0
async function open(path: string, resources: Resources): Promise<Layer> {
  const { datasets } = await discover(path, { organization: 'bench', ...resources })
  const dataset = await openDataset(`bench/tiff@${++opened}`, 'tiff', datasets[0]!.descriptor!, resources, () => {})
  return dataset.layers[0]!
}

interface Compared {
  readonly against: string
  readonly ours: number
  readonly range: string
  readonly theirs: number
}

const places = (seed: number): [number, number][] => {
  let state = seed
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648) % (EDGE - 32)
  return Array.from({ length: CROPS }, () => [next(), next()])
}

async function cropAll(layer: Layer, seed: number): Promise<number> {
  const target = new Uint8Array(32 * 32)
  const options = { chunks: new ChunkCache(CACHE), pace: new Pace() }
  const all = places(seed)
  const start = performance.now()
  for (const [x, y] of all) {
    const done = cutout(layer.mags[0]!, boxAt([x, y, 0], [32, 32, 1]), layer.boundingBox, target, options)
    if (done instanceof Promise) await done
  }
  return ((performance.now() - start) / CROPS) * 1000
}

/** The same tiles by one pread each, and the 32 rows copied out of them. */
async function versusPread(path: string, layer: Layer): Promise<Compared> {
  const fd = openSync(path, 'r')
  const tile = Buffer.alloc(TILE * TILE)
  const target = new Uint8Array(32 * 32)
  const preadAll = (seed: number): number => {
    const all = places(seed)
    const start = performance.now()
    for (const [left, top] of all) {
      for (let ty = Math.floor(top / TILE); ty * TILE < top + 32; ty++) {
        for (let tx = Math.floor(left / TILE); tx * TILE < left + 32; tx++) {
          readSync(fd, tile, 0, tile.length, 65_536 + (ty * (EDGE / TILE) + tx) * TILE * TILE)
          const [x0, x1] = [Math.max(left, tx * TILE), Math.min(left + 32, (tx + 1) * TILE)]
          for (let y = Math.max(top, ty * TILE); y < Math.min(top + 32, (ty + 1) * TILE); y++) {
            const from = (y - ty * TILE) * TILE - tx * TILE
            target.set(tile.subarray(from + x0, from + x1), (y - top) * 32 + x0 - left)
          }
        }
      }
    }
    return ((performance.now() - start) / CROPS) * 1000
  }
  const [ours, theirs] = await inTurns(
    (seed) => cropAll(layer, seed),
    async (seed) => preadAll(seed),
  )
  closeSync(fd)
  return { against: 'pread of the same tiles and copy', ours: median(ours), range: spread(ours), theirs: median(theirs) }
}

async function versusVips(path: string, layer: Layer): Promise<Compared> {
  const python = process.env['PYTHON'] ?? 'python3'
  const vips = async (seed: number): Promise<number> => {
    const run = Bun.spawnSync([python, join(import.meta.dir, 'tiff-vips.py'), path, String(EDGE), String(CROPS), String(seed)], {
      env: { ...process.env, VIPS_CONCURRENCY: '1' },
    })
    return Number(run.stdout.toString().trim() || Number.NaN)
  }
  const [ours, theirs] = await inTurns((seed) => cropAll(layer, seed), vips)
  return {
    against: Number.isNaN(theirs[0]) ? 'libvips (pyvips is not installed)' : 'libvips',
    ours: median(ours),
    range: spread(ours),
    theirs: median(theirs),
  }
}

async function inTurns(ours: (seed: number) => Promise<number>, theirs: (seed: number) => Promise<number>): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []]
  await ours(1)
  for (let round = 1; round <= ROUNDS; round++) {
    times[0].push(await ours(round))
    times[1].push(await theirs(round))
  }
  return times
}

async function stackTable(resources: Resources): Promise<string> {
  const pages = 1000
  const [width, height] = [1024, 1024]
  const path = join(folder, 'stack.tif')
  if (!existsSync(path)) writeFileSync(path, tinyTiff(width, height, 1, pages))
  const rows: (string | number)[][] = []
  const opening = performance.now()
  const layer = await open(path, resources)
  rows.push(['open a stack of 1,000 pages of 1024²', performance.now() - opening, ''])
  const bucket = new Uint8Array(32 ** 3)
  const options = { chunks: new ChunkCache(0), pace: new Pace() }
  const first: number[] = []
  const again: number[] = []
  for (let z = 0; z + 32 <= pages; z += 32) {
    for (const times of [first, again]) {
      const start = performance.now()
      await cutout(layer.mags[0]!, boxAt([512, 512, z], [32, 32, 32]), layer.boundingBox, bucket, options)
      times.push(performance.now() - start)
    }
  }
  rows.push(['a 32³ bucket of it, its 32 directories unread', median(first), spread(first)])
  rows.push(['a 32³ bucket of it, nothing else kept', median(again), spread(again)])
  const slices = join(folder, 'slices/lab/slices')
  if (!existsSync(slices)) {
    mkdirSync(slices, { recursive: true })
    for (let n = 0; n < 10_000; n++) writeFileSync(join(slices, `s${n}.tif`), tinyTiff(64, 64, n & 255))
  }
  const times: number[] = []
  for (let n = 0; n < 3; n++) {
    const start = performance.now()
    await open(join(folder, 'slices'), resources)
    times.push(performance.now() - start)
  }
  rows.push([`find and open a stack of ${[...new Glob('*.tif').scanSync(slices)].length} files`, median(times), spread(times)])
  return table(['stacks', 'ms', 'lowest – highest'], rows)
}
