/** Every golden case through the executable: buckets and cuboids against what the reference reader reads. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { emptyFolder, indicesOf, RunningBinary } from '../support/binary.ts'
import { GOLDEN, type GoldenCase, readable, refused, sha256 } from '../support/golden.ts'

let server: RunningBinary
beforeAll(async () => {
  const others = ['hms-dbmi+viv', 'libvips+libvips', 'scalableminds+webknossos-libs'].map((name) => join(GOLDEN, 'third-party', name))
  server = await RunningBinary.start([join(GOLDEN, 'data'), ...others, '--cache', '32MB', '--state', emptyFolder()])
})
afterAll(() => server.stop())

const titled = <T extends GoldenCase>(cases: readonly T[]) =>
  cases.map((one) => [`${one.organization}/${one.dataset}: ${one.about}`, one] as const)

describe('a cuboid of the whole box is what the reference reader reads', () => {
  test.each(titled(readable))('%s', async (_, { organization, dataset, layers }) => {
    const listed = (await server.list()).find((one) => one.organization === organization && one.name === dataset)
    for (const { name, elementClass, mag, topLeft, size, sha256: expected } of layers) {
      expect(listed?.layers.find((one) => one.name === name)?.elementClass).toBe(elementClass)
      const [x, y, z] = topLeft.map((edge, d) => edge * mag[d]!)
      const query = `x=${x}&y=${y}&z=${z}&width=${size[0]}&height=${size[1]}&depth=${size[2]}&mag=${mag.join('-')}`
      const response = await server.get(`/data/datasets/${organization}/${dataset}/layers/${name}/data?${query}`)
      expect([name, mag, sha256(await response.bytes())]).toEqual([name, mag, expected])
    }
  })
})

describe('buckets put together are what the reference reader reads', () => {
  test.each(titled(readable.filter(({ layers }) => layers[0]!.size.every((edge) => edge <= 192))))('%s', async (_, one) => {
    const { organization, dataset, layers } = one
    const { name, mag, topLeft, size, sha256: expected } = layers.at(-1)!
    const counts = size.map((edge) => Math.ceil(edge / 32)) as [number, number, number]
    const corners: [number, number, number][] = []
    for (let k = 0; k < counts[2]; k++)
      for (let j = 0; j < counts[1]; j++) for (let i = 0; i < counts[0]; i++) corners.push([i * 32, j * 32, k * 32])
    const requests = corners.map((corner) => ({ position: corner.map((edge, d) => (edge + topLeft[d]!) * mag[d]!), mag, cubeSize: 32 }))
    const response = await server.buckets(`${organization}/${dataset}`, name, requests)
    const { empty, failed, missing } = indicesOf(response)
    expect([failed, missing]).toEqual([[], empty])
    const body = await response.bytes()
    const voxel = corners.length === empty.length ? 1 : body.length / (32 ** 3 * (corners.length - empty.length))
    const whole = new Uint8Array(size[0] * size[1] * size[2] * voxel)
    let at = 0
    for (const [n, [x, y, z]] of corners.entries()) {
      if (empty.includes(n)) continue
      for (let k = 0; k < 32 && z + k < size[2]; k++) {
        for (let j = 0; j < 32 && y + j < size[1]; j++) {
          const start = at + 32 * (j + 32 * k) * voxel
          const row = body.subarray(start, start + Math.min(32, size[0] - x) * voxel)
          whole.set(row, (x + size[0] * (y + j + size[1] * (z + k))) * voxel)
        }
      }
      at += 32 ** 3 * voxel
    }
    if (empty.length < corners.length) expect(sha256(whole)).toBe(expected)
  })
})

describe('what is refused is listed with its reason and not served', () => {
  test.each(titled(refused))('%s', async (_, { organization, dataset, refused: word }) => {
    const listed = (await server.list()).find((one) => one.organization === organization && one.name === dataset)
    expect([listed?.status, listed?.reason]).toEqual(['unusable', expect.stringContaining(word)])
    const response = await server.buckets(`${organization}/${dataset}`, 'color', [])
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining(word)])
  })
})
