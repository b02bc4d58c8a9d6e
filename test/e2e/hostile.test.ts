/** Broken files, lying headers and wrong requests: each a clear answer, and the good dataset beside them is served all the while. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writePyramid } from '../../src/sample/write-tiff.ts'
import { writeWkwMag } from '../../src/sample/write-wkw.ts'
import { emptyFolder, indicesOf, RunningBinary } from '../support/binary.ts'

const EDGE = 128
const voxels = Uint8Array.from({ length: EDGE ** 3 }, (_, i) => 1 + (((i * 2654435761) >>> 24) % 255))
const data = emptyFolder()
const outside = emptyFolder()
let server: RunningBinary

const lab = (name: string) => join(data, 'lab', name)
const CUBE = 'color/1/z0/y0/x0.wkw'

const properties = (name: string, mag: Record<string, unknown> = { mag: 1 }, layer = 'color') =>
  JSON.stringify({
    id: { name, team: 'lab' },
    scale: [4, 4, 4],
    dataLayers: [
      {
        name: layer,
        category: 'color',
        elementClass: 'uint8',
        dataFormat: 'wkw',
        boundingBox: { topLeft: [0, 0, 0], width: EDGE, height: EDGE, depth: EDGE },
        mags: [mag],
      },
    ],
  })

/** A copy of the good dataset whose first cube file is changed by `damage`. */
function damaged(name: string, damage: (file: string) => void): void {
  cpSync(lab('good'), lab(name), { recursive: true })
  damage(join(lab(name), CUBE))
}

function patch(file: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(file)
  change(bytes)
  writeFileSync(file, bytes)
}

/** A TIFF of one page with these LONG tags. */
function tinyTiff(tags: readonly (readonly [tag: number, value: number])[], next = 0, tail = 0): Buffer {
  const file = Buffer.alloc(8 + 2 + 12 * tags.length + 4 + tail)
  file.write('II*\0', 'latin1')
  file.writeUInt32LE(8, 4)
  file.writeUInt16LE(tags.length, 8)
  tags.forEach(([tag, value], n) => {
    const at = 10 + 12 * n
    file.writeUInt16LE(tag, at)
    file.writeUInt16LE(4, at + 2)
    file.writeUInt32LE(1, at + 4)
    file.writeUInt32LE(value, at + 8)
  })
  file.writeUInt32LE(next, 10 + 12 * tags.length)
  return file
}

const page = (width: number, height: number, offset: number, bytes: number, rows = height) =>
  [
    [256, width],
    [257, height],
    [258, 8],
    [259, 1],
    [262, 1],
    [273, offset],
    [277, 1],
    [278, rows],
    [279, bytes],
  ] as const

beforeAll(async () => {
  mkdirSync(lab('good'), { recursive: true })
  await writeWkwMag(join(lab('good'), 'color/1'), voxels, [EDGE, EDGE, EDGE])
  writeFileSync(join(lab('good'), 'datasource-properties.json'), properties('good'))
  damaged('truncated', (file) => truncateSync(file, readFileSync(file).length >> 1))
  damaged('broken_off', (file) => truncateSync(file, readFileSync(file).length >> 1))
  damaged('empty', (file) => truncateSync(file, 0))
  damaged('cut_header', (file) => truncateSync(file, 9))
  damaged('flipped', (file) => patch(file, (bytes) => bytes.fill(0xff, 16 + 8 * 64, 16 + 8 * 64 + 4000)))
  damaged('jumps', (file) => patch(file, (bytes) => bytes.writeBigUInt64LE(2n ** 63n, 16)))
  damaged('backwards', (file) => patch(file, (bytes) => bytes.writeBigUInt64LE(1n, 16)))
  damaged('text', (file) => writeFileSync(file, '<html>404</html>'.repeat(100)))
  damaged('header_lies', (file) => patch(file, (bytes) => bytes.writeUInt8(0xff, 4)))
  damaged('absurd', (file) => {
    patch(file, (bytes) => bytes.writeUInt8(0xff, 4))
    patch(join(file, '../../../header.wkw'), (bytes) => bytes.writeUInt8(0xff, 4))
  })
  damaged('no_magic', (file) => patch(join(file, '../../../header.wkw'), (bytes) => bytes.write('PNG')))
  damaged('folder_for_file', (file) => {
    Bun.spawnSync(['rm', file])
    mkdirSync(file)
  })
  damaged('fifo', (file) => {
    Bun.spawnSync(['rm', file])
    Bun.spawnSync(['mkfifo', file])
  })
  for (const [name, mag] of [
    ['climbs', { mag: 1, path: '../../../secret' }],
    ['absolute', { mag: 1, path: outside }],
    ['huge_mag', { mag: [2 ** 40, 1, 1] }],
  ] as const) {
    mkdirSync(lab(name), { recursive: true })
    writeFileSync(join(lab(name), 'datasource-properties.json'), properties(name, mag))
  }
  mkdirSync(lab('climbing_layer'), { recursive: true })
  writeFileSync(join(lab('climbing_layer'), 'datasource-properties.json'), properties('climbing_layer', { mag: 1 }, '../good/color'))
  mkdirSync(lab('not_json'), { recursive: true })
  writeFileSync(join(lab('not_json'), 'datasource-properties.json'), '{"dataLayers": [')
  mkdirSync(lab('deep'), { recursive: true })
  writeFileSync(join(lab('deep'), 'datasource-properties.json'), '['.repeat(200_000))

  mkdirSync(lab('images'), { recursive: true })
  const image = (name: string, bytes: Uint8Array) => writeFileSync(join(lab('images'), `${name}.tif`), bytes)
  await writePyramid(join(lab('images'), 'fine.tif'), [{ voxels, size: [512, 512, 1] }], 4)
  image('nothing', new Uint8Array())
  image('loop', tinyTiff(page(16, 16, 8, 256), 8, 512))
  image('huge', tinyTiff(page(2 ** 31 - 1, 2 ** 31 - 1, 8, 0xffffffff)))
  image('strip', tinyTiff([...page(2 ** 20, 2 ** 20, 8, 64).filter(([tag]) => tag !== 259), [259, 5]]))
  image('past_end', tinyTiff(page(64, 64, 1_000_000, 4096)))
  image('short', tinyTiff(page(64, 64, 8, 17)))
  image('noise', Buffer.concat([Buffer.from('II*\0\x08\0\0\0', 'latin1'), Buffer.from(voxels.subarray(0, 4096))]))
  image('tags', Buffer.concat([Buffer.from('MM\0*\0\0\0\x08\xff\xff', 'latin1'), Buffer.from(voxels.subarray(0, 65536))]))
  Bun.spawnSync(['mkfifo', join(lab('images'), 'pipe.tif')])
  mkdirSync(join(lab('images'), 'folder.tif'))

  for (const n of [1, 2, 3, 4]) {
    await writeWkwMag(join(outside, `secret${n}/color/1`), voxels, [EDGE, EDGE, EDGE])
    symlinkSync(join(outside, `secret${n}`), lab(`linked${n}`))
  }
  cpSync(lab('good'), lab('linked_cube'), { recursive: true })
  Bun.spawnSync(['rm', join(lab('linked_cube'), CUBE)])
  symlinkSync(join(outside, 'secret1/color/1/z0/y0/x0.wkw'), join(lab('linked_cube'), CUBE))

  server = await RunningBinary.start(['--data', data, '--cache', '64MB'])
  await server.logged(/datasets? lead/)
}, 30_000)
afterAll(() => server.stop())

const bucket = (position: number[]) => ({ position, mag: [1, 1, 1], cubeSize: 32, fourBit: false })
const goodBucket = async () => {
  const response = await server.buckets('lab/good', 'color', [bucket([96, 96, 96])])
  return Buffer.from(await response.arrayBuffer())
}
const expectedBucket = Buffer.alloc(32 ** 3)
for (let z = 0, i = 0; z < 32; z++)
  for (let y = 0; y < 32; y++) for (let x = 0; x < 32; x++, i++) expectedBucket[i] = voxels[96 + x + EDGE * (96 + y + EDGE * (96 + z))]!

afterEach(async () => {
  expect(server.isRunning).toBe(true)
  expect((await goodBucket()).equals(expectedBucket)).toBe(true)
})

describe('WKW', () => {
  test.each(['empty', 'cut_header', 'jumps', 'backwards', 'text', 'header_lies', 'folder_for_file', 'fifo'])(
    'a cube file that is %s is a failure, not black voxels, and takes no good bucket along',
    async (name) => {
      cpSync(join(lab('good'), CUBE), join(lab(name), 'color/1/z0/y0/x1.wkw'))
      const response = await server.buckets(`lab/${name}`, 'color', [bucket([0, 0, 0]), bucket([128, 0, 0])])
      expect([response.status, indicesOf(response)]).toEqual([200, { missing: [0, 1], empty: [1], failed: [0] }])
      const cuboid = await server.get(`/data/datasets/lab/${name}/layers/color/data?x=0&y=0&z=0&width=8&height=8&depth=8&mag=1`)
      expect([422, 503]).toContain(cuboid.status)
      expect(cuboid.headers.get('Content-Type')).toBe('application/json')
    },
  )

  test.each([
    ['truncated', [0, 0, 0], [96, 96, 96]],
    ['flipped', [96, 96, 96], [0, 0, 0]],
  ])('in a file that is %s the blocks that are whole are served', async (name, good, bad) => {
    const response = await server.buckets(`lab/${name}`, 'color', [bucket(bad), bucket(good), bucket(bad)])
    expect([response.status, indicesOf(response)]).toEqual([200, { missing: [0, 2], empty: [], failed: [0, 2] }])
    expect((await response.arrayBuffer()).byteLength).toBe(32 ** 3)
    const [x, y, z] = bad
    const cuboid = await server.get(`/data/datasets/lab/${name}/layers/color/data?x=${x}&y=${y}&z=${z}&width=8&height=8&depth=8&mag=1`)
    expect([cuboid.status, await cuboid.json()]).toEqual([422, { messages: [{ error: 'The stored data of this region is damaged.' }] }])
  })

  test('damage found when the status has been sent breaks the answer off', async () => {
    const path = '/data/datasets/lab/broken_off/layers/color/data?x=0&y=0&z=-200&width=512&height=512&depth=512&mag=1'
    const response = await server.get(path)
    expect(response.status).toBe(200)
    await expect(response.bytes()).rejects.toThrow()
    await server.logged(/broken_off, layer color: cuboid broken off at z/)
  })

  test('the log names dataset, layer, file and block, the answer no path', async () => {
    await server.buckets('lab/flipped', 'color', [bucket([0, 0, 0])])
    const log = await server.logged(/flipped/)
    expect(log).toMatch(/lab\/flipped, layer color: bucket at 0, 0, 0 of mag 1-1-1: .*block 0.*x0\.wkw/)
  })

  test.each([
    ['absurd', /header\.wkw/],
    ['climbs', /outside|allow-path|\.\./],
    ['absolute', /--allow-path/],
    ['climbing_layer', /\.\./],
    ['not_json', /not valid JSON/],
    ['deep', /./],
  ])('a dataset that is %s is unusable with a reason', async (name, reason) => {
    const entry = (await server.list()).find((one) => one.name === name)!
    expect(entry.status).toBe('unusable')
    expect(entry.reason).toMatch(reason)
    const response = await server.buckets(`lab/${name}`, 'color', [bucket([0, 0, 0])])
    expect(response.status).toBe(404)
  })

  test('a damaged header.wkw is made good by that of a cube file', async () => {
    const response = await server.buckets('lab/no_magic', 'color', [bucket([96, 96, 96])])
    expect(Buffer.from(await response.arrayBuffer()).equals(expectedBucket)).toBe(true)
  })

  test('a mag that no volume has is answered, whatever is asked of it', async () => {
    const response = await server.buckets('lab/huge_mag', 'color', [{ ...bucket([0, 0, 0]), mag: [2 ** 40, 1, 1] }])
    expect([200, 404]).toContain(response.status)
    expect((await response.arrayBuffer()).byteLength).toBeLessThan(32768)
  })
})

describe('TIFF', () => {
  test('what cannot be opened is named with its reason beside what can', async () => {
    const entry = (await server.list()).find(({ name }) => name === 'images')!
    expect(entry.status).toBe('ok')
    const status = Object.fromEntries(entry.layers.map((layer) => [layer.name, layer.status]))
    expect(Object.keys(status)).not.toContain('pipe')
    expect(Object.keys(status)).not.toContain('folder')
    expect(status['fine']).toBeUndefined()
    for (const name of ['nothing', 'loop', 'huge', 'strip', 'noise', 'tags'])
      expect([name, status[name]]).toEqual([name, expect.any(String)])
  })

  test.each(['past_end', 'short'])('pixels that are %s are a failure', async (layer) => {
    const response = await server.buckets('lab/images', layer, [bucket([0, 0, 0])])
    expect(indicesOf(response)).toEqual({ missing: [0], empty: [], failed: [0] })
  })
})

describe('links that lead out', () => {
  test('are grouped into one piece of advice', async () => {
    expect(server.log).toContain(`5 datasets lead to ${outside}: add --allow-path ${outside} to serve them`)
    expect(server.log).not.toContain('linked1')
    const entry = (await server.list()).find(({ name }) => name === 'linked1')!
    expect([entry.status, entry.reason]).toEqual(['unusable', expect.stringContaining('--allow-path')])
  })

  test('are not followed to a single file either', async () => {
    const response = await server.buckets('lab/linked_cube', 'color', [bucket([0, 0, 0])])
    expect(indicesOf(response).failed).toEqual([0])
  })

  test('are followed below an allowed folder', async () => {
    await using other = await RunningBinary.start(['--data', data, '--allow-path', outside])
    const linked = (await other.list()).filter(({ name }) => name.startsWith('linked'))
    expect(linked.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok'])
    const response = await other.buckets('lab/linked_cube', 'color', [bucket([96, 96, 96])])
    expect(Buffer.from(await response.arrayBuffer()).equals(expectedBucket)).toBe(true)
  })
})

describe('requests', () => {
  test.each([
    '/data/datasets/lab/..%2f..%2f..%2fetc/layers/color/data?x=0&y=0&z=0&width=1&height=1&depth=1&mag=1',
    '/data/datasets/lab/good/layers/..%2f..%2fpasswd/data?x=0&y=0&z=0&width=1&height=1&depth=1&mag=1',
    '/data/datasets/lab/good%00/layers/color/data?x=0&y=0&z=0&width=1&height=1&depth=1&mag=1',
    '/data/datasets/__proto__/constructor/layers/toString/data?x=0&y=0&z=0&width=1&height=1&depth=1&mag=1',
    '/data/datasets/lab/good/layers/color/unknown',
    '/etc/passwd',
  ])('%s is 404 in JSON', async (path) => {
    const response = await server.get(path)
    expect(response.status).toBe(404)
    expect(response.headers.get('Content-Type')).toBe('application/json')
    expect(await response.json()).toMatchObject({ messages: [{ error: expect.any(String) }] })
  })

  test('a name that is no valid percent-encoding is an error of the client', async () => {
    const response = await server.get('/data/datasets/lab/%ff%zz/layers/color/data')
    expect([400, 404]).toContain(response.status)
  })

  test.each([
    ['not JSON', '{"position": [0,', 400],
    ['not buckets', '[{"position": "here"}]', 400],
    ['numbers that are none', '[{"position": [1e999, 0, 0], "mag": 1}]', 400],
    ['without a mag', '[{"position": [0, 0, 0]}]', 400],
    ['10,001 buckets', JSON.stringify(Array.from({ length: 10_001 }, () => ({ position: [0, 0, 0], mag: 1 }))), 413],
    ['more than a MiB', `[${' '.repeat(1024 * 1024)}]`, 413],
    ['over 512 MiB of voxels', JSON.stringify(Array.from({ length: 33 }, () => ({ position: [0, 0, 0], mag: 1, cubeSize: 256 }))), 413],
  ])('a body that is %s is refused with a reason', async (_, body, status) => {
    const response = await server.get('/data/datasets/lab/good/layers/color/data', { method: 'POST', body })
    expect(response.status).toBe(status)
    expect((await response.text()).length).toBeGreaterThan(20)
  })

  test('a method that is not served is told so', async () => {
    const response = await server.get('/data/health', { method: 'PATCH' })
    expect([404, 405]).toContain(response.status)
    expect(response.headers.get('Content-Type')).toBe('application/json')
  })
})

test('memory stays bounded through all of it', () => {
  if (process.platform !== 'linux') return
  const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024
  expect(peak).toBeLessThan(1024)
})
