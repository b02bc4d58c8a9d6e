/** Data on a server 50 ms away: how many requests a view costs, and how many round trips' time. */
import { basename, dirname } from 'node:path'
import { ChunkCache } from '../src/cache/chunk-cache.ts'
import { openDataset } from '../src/datasets/open.ts'
import type { Store } from '../src/stores/store.ts'
import { boxAt } from '../src/volume/box.ts'
import type { ChunkedArray } from '../src/volume/chunked-array.ts'
import { cutout } from '../src/volume/cutout.ts'
import { Pace } from '../src/volume/pace.ts'
import { type Vec3, ZERO } from '../src/volume/vec.ts'
import { ObjectServer } from '../test/support/object-server.ts'
import { makeResources, readBox } from '../test/support/open.ts'
import { openTrusted } from '../test/support/remote.ts'
import { median, table } from './measure.ts'
import { tiledFiles } from './tiled.ts'

export const title = 'Remote data, 50 ms away'

const LATENCY_MS = 50
const EDGE = 64
const ROUNDS = 5

export async function run(): Promise<string> {
  await using server = await ObjectServer.start()
  for (let n = 0; n < 200; n++) server.objects.set(`chunk${n}`, new Uint8Array(EDGE ** 3).fill(n + 1))
  server.objects.set('shard', new Uint8Array(100 * 20_000).fill(7))
  for (const [name, path] of await tiledFiles()) server.objects.set(`${name}.tif`, new Uint8Array(await Bun.file(path).bytes()))
  server.latencyMs = LATENCY_MS
  const store = await openTrusted(server.url)
  // connections are there, as they are in a server that runs
  await Promise.all(Array.from({ length: 32 }, () => store.get('chunk0')))

  const rows = [
    await measure(server, 'a view of 6 buckets in one chunk of 64³', () => readBuckets(store)),
    await measure(server, '100 cold chunks of 64³, an object each', () => readAll(100, (n) => store.get(`chunk${n}`))),
    await measure(server, '100 cold chunks of 20 kB that lie side by side in one object', () =>
      readAll(100, (n) => store.get('shard', { start: n * 20_000, length: 20_000 })),
    ),
    ...(await measureTiff(server)),
  ]
  return `${table(['what', 'requests', 'kB', 'ms', 'round trips'], rows)}

The server is this repository's own (\`test/support/object-server.ts\`), in the same process, and waits ${LATENCY_MS} ms before each answer; medians of
${ROUNDS} runs. At most 32 requests are under way to one server at a time.`
}

async function measure(server: ObjectServer, what: string, work: () => Promise<unknown>): Promise<(string | number)[]> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    server.asked.length = 0
    server.bytesSent = 0
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  const ms = median(times)
  return [what, String(server.asked.length), String(Math.round(server.bytesSent / 1024)), ms, ms / LATENCY_MS]
}

const readAll = (count: number, read: (n: number) => Promise<unknown>) => Promise.all(Array.from({ length: count }, (_, n) => read(n)))

async function readBuckets(store: Store): Promise<void> {
  const array: ChunkedArray = {
    id: 'bench',
    dataType: 'uint8',
    channels: 1,
    box: boxAt(ZERO, [EDGE, EDGE, EDGE]),
    gridOrigin: ZERO,
    chunkSize: [EDGE, EDGE, EDGE],
    async readChunk(_, target) {
      target.set((await store.get('chunk1'))!)
      return true
    },
  }
  const chunks = new ChunkCache(64 * 1024 * 1024)
  const corners = Array.from({ length: 6 }, (_, n): Vec3 => [(n & 1) * 32, ((n >> 1) & 1) * 32, (n >> 2) * 32])
  await Promise.all(
    corners.map((corner) =>
      cutout({ factor: [1, 1, 1], arrays: [array] }, boxAt(corner, [32, 32, 32]), array.box, new Uint8Array(32 ** 3), {
        chunks,
        pace: new Pace(),
      }),
    ),
  )
}

/** A TIFF with its tables in front, as a COG has them: opened, and one tile of it read. */
async function measureTiff(server: ObjectServer): Promise<(string | number)[][]> {
  const resources = await makeResources()
  let n = 0
  const open = (name: string) => {
    const url = `${server.url}/${name}`
    const descriptor = {
      format: 'tiff' as const,
      folder: dirname(url),
      root: url,
      images: [{ name, slices: [{ key: basename(url), z: 0 }] }],
    }
    return openDataset(`bench/tiff@${++n}`, name, descriptor, resources, () => {})
  }
  try {
    const opened = await measure(server, 'opening a tiled TIFF of 2 MB', () => open('none.tif'))
    const dataset = await open('Zstd.tif')
    const tile = await measure(server, 'one cold tile of 256² of it, compressed', async () => {
      resources.tables.drop('')
      await readBox(dataset.layers[0]!, [1, 1, 1], [512, 512, 0], [256, 256, 1])
    })
    return [opened, tile]
  } finally {
    resources.pool.close()
  }
}
