/** TIFF through the executable: a recording that grows while it is served, and what the listing says of it. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { buildTiff, greyPage } from '../support/build-tiff.ts'

const [width, height, depth] = [32, 32, 8]
const plane = width * height
const head = buildTiff(Array.from({ length: depth }, (_, z) => ({ tags: greyPage(width, height, 8192 + z * plane) }))).bytes
const recorded = (planes: number) =>
  Buffer.concat([head, Buffer.alloc(8192 - head.length), Uint8Array.from({ length: planes * plane }, (_, i) => 1 + Math.floor(i / plane))])

let server: RunningBinary
let path: string
beforeAll(async () => {
  const folder = join(emptyFolder(), 'lab/running')
  mkdirSync(folder, { recursive: true })
  path = join(folder, 'scan.tif')
  writeFileSync(path, recorded(3))
  server = await RunningBinary.start([join(folder, '../..')])
})
afterAll(() => server.stop())

const read = async () => {
  const query = `x=0&y=0&z=0&width=1&height=1&depth=${depth}&mag=1`
  return [...(await (await server.get(`/data/datasets/lab/running/layers/scan/data?${query}`)).bytes())]
}
const depthNow = async () => (await server.list())[0]!.layers[0]!

test('a recording is shown as far as it goes, and its new slices once they are there', async () => {
  await depthNow()
  expect(await read()).toEqual([1, 2, 3, 0, 0, 0, 0, 0])
  writeFileSync(path, recorded(depth))
  await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
  expect(await read()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

test('a file that is cut is unusable with the reason, and usable when it is whole', async () => {
  writeFileSync(path, recorded(depth).subarray(0, 4))
  await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
  const [listed] = await server.list()
  expect([listed!.status, listed!.reason]).toEqual(['unusable', expect.stringContaining('4 bytes are too few for a TIFF')])
  writeFileSync(path, recorded(depth))
  await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
  expect(await read()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})
