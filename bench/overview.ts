/** The first overview of an image of 40,000 × 40,000 pixels in strips: time, memory, and how long /data/health takes meanwhile. */
import { existsSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { growCells } from '../src/sample/cells.ts'
import { tinyTiff } from '../test/support/tiny-tiff.ts'
import { median, percentile99, table } from './measure.ts'
import { startServer, watchHealth } from './server.ts'

export const title = 'The first overview of a flat image'
const EDGE = 40_000
const CACHE_MIB = 256

export async function run(): Promise<string> {
  const folder = join(import.meta.dir, '../.bench')
  const file = await stripImage(join(folder, 'flat'))
  const cache = join(folder, 'overview-cache')
  await rm(cache, { recursive: true, force: true })
  const rows: (string | number)[][] = []
  const args = [file, '--cache', `${CACHE_MIB}MB`, '--cache-dir', cache]
  const measure = async (name: string, path: string) => {
    await using server = await startServer(args)
    await fetch(`${server.url}/data/datasets`)
    const stopWatching = watchHealth(server.url)
    const start = performance.now()
    let tries = 0
    for (let status = 503; status === 503; tries++) {
      const response = await fetch(`${server.url}${path}`)
      await response.arrayBuffer()
      status = response.status
    }
    const seconds = (performance.now() - start) / 1000
    const health = await stopWatching()
    const { peak } = server.memory()
    rows.push([name, seconds, tries, peak, peak - CACHE_MIB, median(health), percentile99(health), Math.max(...health)])
  }
  const cuboid = (edge: number, mag: number) =>
    `/data/datasets/sample_organization/flat/layers/flat/data?x=0&y=0&z=0&width=${edge}&height=${edge}&depth=1&mag=${mag}-${mag}-1`
  await measure(
    'the picture on the page',
    '/picture/sample_organization%2Fflat/flat'.replace('sample_organization%2Fflat', await idOf(args)),
  )
  await measure('one bucket of mag 2-2-1', cuboid(32, 2))
  await measure('all of mag 2048-2048-1, of the whole image', cuboid(20, 2048))
  await measure('the same after a restart', cuboid(20, 2048))
  const head = ['what', 's', 'requests', 'peak RSS MiB', `above the ${CACHE_MIB} MiB of --cache`, 'health p50 ms', 'p99 ms', 'most ms']
  return `${EDGE.toLocaleString('en')}² uint8 in one uncompressed strip, 1.6 GB. Bar: 300 MiB above \`--cache\`.\n\n${table(head, rows)}`
}

async function idOf(args: readonly string[]): Promise<string> {
  await using server = await startServer(args)
  const [dataset] = (await (await fetch(`${server.url}/data/datasets`)).json()) as { id: string }[]
  return dataset!.id
}

async function stripImage(folder: string): Promise<string> {
  const file = join(folder, 'flat.tif')
  if (existsSync(file)) return file
  await mkdir(folder, { recursive: true })
  const making = await open(`${file}.tmp`, 'w')
  // the header of a tiny one, with the right sizes put in
  const head = tinyTiff(1, 1).subarray(0, -1)
  head.writeUInt32LE(EDGE, 8 + 2 + 8)
  head.writeUInt32LE(EDGE, 8 + 2 + 12 + 8)
  head.writeUInt32LE(EDGE, 8 + 2 + 12 * 7 + 8)
  head.writeUInt32LE(EDGE * EDGE, 8 + 2 + 12 * 8 + 8)
  await making.write(head)
  const { color } = growCells([256, 256, 16])
  const rows = new Uint8Array(EDGE * 100)
  for (let i = 0; i < rows.length; i++) rows[i] = color[i % color.length]!
  for (let y = 0; y < EDGE; y += 100) await making.write(rows)
  await making.close()
  await rename(`${file}.tmp`, file)
  return file
}
