import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { growCells } from '../../src/sample/cells.ts'
import { emptyFolder, indicesOf, RunningBinary } from '../support/binary.ts'

const CELLS = 'sample_organization/cells'
const SIZE = [192, 192, 96] as const
let server: RunningBinary
let id: string

beforeAll(async () => {
  const data = emptyFolder()
  server = await RunningBinary.start(['--sample', '--data', data], {
    env: { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' },
  })
  await server.list()
  // one cube file of mag 2 is taken away: nothing is stored there
  rmSync(join(data, 'binary/sample_organization/cells/color/4'), { recursive: true })
  await server.get('/data/triggers/reload/sample_organization/cells', { method: 'POST' })
  id = (await server.list()).find(({ name }) => name === 'cells')!.id
})
afterAll(() => server.stop())

const truth = growCells(SIZE)

/** The voxels that were written, zero outside the volume. */
function expected(
  box: { min: readonly number[]; size: readonly number[] },
  voxels: Uint8Array | Uint32Array = truth.color,
): Uint8Array<ArrayBuffer> {
  const [w, h, d] = box.size as [number, number, number]
  const out = voxels instanceof Uint8Array ? new Uint8Array(w * h * d) : new Uint32Array(w * h * d)
  for (let z = 0, i = 0; z < d; z++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++, i++) {
        const at = [x + box.min[0]!, y + box.min[1]!, z + box.min[2]!] as const
        if (at.every((edge, n) => edge >= 0 && edge < SIZE[n]!)) out[i] = voxels[at[0] + SIZE[0] * (at[1] + SIZE[1] * at[2])]!
      }
    }
  }
  return new Uint8Array(out.buffer)
}

const bucket = (position: number[], more = {}) => ({ position, mag: [1, 1, 1], cubeSize: 32, fourBit: false, ...more })

describe('buckets', () => {
  test('one bucket is 32³ voxels, x fastest, with all index headers and CORS', async () => {
    const response = await server.buckets(CELLS, 'color', [bucket([64, 32, 32])])
    expect(response.status).toBe(200)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected({ min: [64, 32, 32], size: [32, 32, 32] }))
    expect(indicesOf(response)).toEqual({ missing: [], empty: [], failed: [] })
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(response.headers.get('Access-Control-Max-Age')).toBe('600')
    expect(response.headers.get('Access-Control-Expose-Headers')).toBe('Failure-Bucket-Indices, Empty-Bucket-Indices, MISSING-BUCKETS')
    expect(response.headers.get('Content-Type')).toBe('application/octet-stream')
  })

  test('what is at hand has a length; what had to be waited for comes in chunks', async () => {
    const lengths = new Set<string | null>()
    for (let n = 0; n < 50 && !lengths.has('32768'); n++) {
      const response = await server.buckets(CELLS, 'color', [bucket([64, 32, 32])])
      expect((await response.bytes()).length).toBe(32768)
      lengths.add(response.headers.get('Content-Length'))
    }
    expect(lengths).toContain('32768')
  })

  test('one at a time, often and side by side, with a cache for a few of them: always its own voxels, packed to four bits as well', async () => {
    const data = emptyFolder()
    await using small = await RunningBinary.start(['--sample', '--data', data, '--cache', '1MB'])
    await small.list()
    const places = Array.from({ length: 12 }, (_, n) => [32 * (n % 6), 32 * Math.floor(n / 6), 32])
    for (let round = 0; round < 20; round++) {
      // the first are asked for several times each, so that they are kept; the others push them out again
      const asked = Array.from({ length: 24 }, (_, n) => places[round % 2 === 0 ? n % 4 : (n * 5) % 12]!)
      await Promise.all(
        asked.map(async (min, n) => {
          const fourBit = n % 8 === 7
          const response = await small.buckets(CELLS, 'color', [bucket(min, { fourBit })])
          const whole = expected({ min, size: [32, 32, 32] })
          const packed = () => Uint8Array.from({ length: whole.length / 2 }, (_, i) => (whole[2 * i]! & 0xf0) | (whole[2 * i + 1]! >> 4))
          expect(Buffer.from(await response.arrayBuffer()).equals(fourBit ? packed() : whole)).toBe(true)
        }),
      )
    }
  })

  test('only what is there is sent, in order; the rest is listed as empty', async () => {
    const requests = [
      bucket([192, 0, 0]),
      bucket([0, 0, 0]),
      bucket([0, 0, 0], { mag: [3, 3, 3] }),
      bucket([0, 0, 0], { mag: [4, 4, 4] }),
      bucket([32, 0, 0]),
    ]
    const response = await server.buckets(CELLS, 'color', requests)
    expect(indicesOf(response)).toEqual({ missing: [0, 2, 3], empty: [0, 2, 3], failed: [] })
    expect(response.headers.get('MISSING-BUCKETS')).toBe('[0, 2, 3]')
    const both = Buffer.concat([expected({ min: [0, 0, 0], size: [32, 32, 32] }), expected({ min: [32, 0, 0], size: [32, 32, 32] })])
    expect(Buffer.from(await response.arrayBuffer()).equals(both)).toBe(true)
  })

  test.each([
    ['unaligned', [5, 7, 11]],
    ['partly below zero', [-16, -3, -31]],
    ['over the upper edge', [176, 180, 90]],
  ])('a position %s is cut out exactly, zero outside', async (_, position) => {
    const response = await server.buckets(CELLS, 'segmentation', [bucket(position)])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected({ min: position, size: [32, 32, 32] }, truth.segmentation))
  })

  test.each([1, 17, 64, 256])('cubeSize %d', async (cubeSize) => {
    const response = await server.buckets(CELLS, 'color', [bucket([3, 4, 5], { cubeSize })])
    expect(indicesOf(response).missing).toEqual([])
    const body = new Uint8Array(await response.arrayBuffer())
    expect(Buffer.from(body).equals(expected({ min: [3, 4, 5], size: [cubeSize, cubeSize, cubeSize] }))).toBe(true)
  })

  test('a cubeSize that is not served fails alone', async () => {
    const response = await server.buckets(CELLS, 'color', [bucket([0, 0, 0], { cubeSize: 257 }), bucket([0, 0, 0])])
    expect(indicesOf(response)).toEqual({ missing: [0], empty: [], failed: [0] })
    expect((await response.arrayBuffer()).byteLength).toBe(32768)
  })

  test('a bucket of mag 2 lies at floor(position / mag)', async () => {
    const [even, odd] = await Promise.all(
      [64, 65].map(async (x) => (await server.buckets(CELLS, 'segmentation', [bucket([x, 0, 0], { mag: [2, 2, 2] })])).arrayBuffer()),
    )
    expect(Buffer.from(even!).equals(Buffer.from(odd!))).toBe(true)
    expect(new Uint32Array(even!)[1]).toBe(truth.segmentation[66])
  })

  test('zoomStep, a missing fourBit, null and unknown keys are understood', async () => {
    const requests = [
      { position: [0, 0, 0], zoomStep: 0, cubeSize: 32 },
      { position: [0, 0, 0], mag: 1, additionalCoordinates: null, version: 3, applyAgglomerate: 'none', annotationId: 'x' },
    ]
    const response = await server.buckets(CELLS, 'color', requests)
    const one = Buffer.from(expected({ min: [0, 0, 0], size: [32, 32, 32] }))
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.concat([one, one]))).toBe(true)
    const coarse = await server.buckets(CELLS, 'color', [{ position: [0, 0, 0], zoomStep: 1, cubeSize: 32, fourBit: false }])
    expect((await coarse.arrayBuffer()).byteLength).toBe(32768)
  })

  test('fourBit packs the high nibbles of two bytes', async () => {
    const plain = expected({ min: [32, 32, 32], size: [32, 32, 32] })
    const packed = plain.filter((_, i) => i % 2 === 0).map((_, i) => (plain[2 * i]! & 0xf0) | (plain[2 * i + 1]! >> 4))
    const response = await server.buckets(CELLS, 'color', [bucket([32, 32, 32], { fourBit: true }), bucket([32, 32, 32])])
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.concat([packed, plain]))).toBe(true)
  })

  test('by id, by name, with and without a version the answer is the same', async () => {
    const body = JSON.stringify([bucket([0, 0, 0])])
    const paths = [`/data/datasets/${id}`, `/data/v9/datasets/${CELLS}`, `/data/v15/datasets/${id}`, `/data/v16/datasets/${id}`]
    const answers = await Promise.all(
      paths.map(async (path) =>
        (await server.get(`${path}/layers/color/data?token=&annotationId=1`, { method: 'POST', body })).arrayBuffer(),
      ),
    )
    for (const answer of answers) expect(new Uint8Array(answer)).toEqual(expected({ min: [0, 0, 0], size: [32, 32, 32] }))
  })

  test('positions beyond any volume are empty', async () => {
    const response = await server.buckets(CELLS, 'color', [bucket([2 ** 52, 0, 0]), bucket([-(2 ** 52), 0, 0])])
    expect(indicesOf(response).empty).toEqual([0, 1])
  })

  test('no buckets asked for is an empty answer', async () => {
    const response = await server.buckets(CELLS, 'color', [])
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0])
  })
})

describe('cuboids', () => {
  const path = (query: string) => `/data/datasets/${CELLS}/layers/color/data?${query}`

  test('any box, zero-filled, nothing missing', async () => {
    const response = await server.get(path('x=-5&y=100&z=80&width=210&height=11&depth=40&mag=1-1-1'))
    expect(indicesOf(response)).toEqual({ missing: [], empty: [], failed: [] })
    expect(Buffer.from(await response.arrayBuffer()).equals(expected({ min: [-5, 100, 80], size: [210, 11, 40] }))).toBe(true)
  })

  test('a large one is streamed whole', async () => {
    const response = await server.get(`/data/datasets/${CELLS}/layers/segmentation/data?x=0&y=0&z=0&width=256&height=256&depth=256&mag=1`)
    const body = Buffer.from(await response.arrayBuffer())
    expect(body.equals(expected({ min: [0, 0, 0], size: [256, 256, 256] }, truth.segmentation))).toBe(true)
  })

  test('a reader that takes its time gets the same bytes', async () => {
    const response = await server.get(`/data/datasets/${CELLS}/layers/segmentation/data?x=0&y=0&z=0&width=256&height=256&depth=160&mag=1`)
    const parts: Uint8Array[] = []
    for await (const part of response.body!) {
      parts.push(part)
      if (parts.length % 16 === 0) await Bun.sleep(1)
    }
    expect(Buffer.concat(parts).equals(expected({ min: [0, 0, 0], size: [256, 256, 160] }, truth.segmentation))).toBe(true)
  })

  test('half bytes and the older resolution parameter', async () => {
    const response = await server.get(path('x=0&y=0&z=0&width=3&height=1&depth=1&resolution=0&halfByte=true'))
    const [a, b, c] = truth.color
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([(a! & 0xf0) | (b! >> 4), c! & 0xf0])
  })

  test.each([
    ['a side of 513', 'x=0&y=0&z=0&width=513&height=1&depth=1&mag=1-1-1', 400],
    ['a side of 0', 'x=0&y=0&z=0&width=0&height=1&depth=1&mag=1-1-1', 400],
    ['a mag that is none', 'x=0&y=0&z=0&width=1&height=1&depth=1&mag=1-1', 400],
    ['a missing coordinate', 'x=0&y=0&width=1&height=1&depth=1&mag=1-1-1', 400],
    ['a mag that is not there', 'x=0&y=0&z=0&width=1&height=1&depth=1&mag=8-8-8', 404],
  ])('%s is refused with a reason', async (_, query, status) => {
    const response = await server.get(path(query))
    expect(response.status).toBe(status)
    expect(((await response.json()) as { messages: { error: string }[] }).messages[0]?.error).toBeString()
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('*')
  })
})

describe('everything else', () => {
  test('the list has what a person wants to know', async () => {
    const cells = (await server.list()).find(({ name }) => name === 'cells')
    expect(cells).toMatchObject({
      organization: 'sample_organization',
      status: 'ok',
      voxelSize: { factor: [11.24, 11.24, 28], unit: 'nanometer', source: 'datasource-properties.json' },
      layers: [
        {
          name: 'color',
          category: 'color',
          elementClass: 'uint8',
          boundingBox: { topLeft: [0, 0, 0], width: 192, height: 192, depth: 96 },
          mags: [
            [1, 1, 1],
            [2, 2, 2],
            [4, 4, 2],
            [8, 8, 4],
          ],
          computedMags: [
            [4, 4, 2],
            [8, 8, 4],
          ],
          making: [],
        },
        { name: 'segmentation', category: 'segmentation', elementClass: 'uint32' },
      ],
    })
    expect(cells?.id).toBe(new Bun.CryptoHasher('sha256').update(CELLS).digest('hex').slice(0, 24))
  })

  test('a data source is one webKnossos of any era reads, and an unusable one says why with status 200', async () => {
    const { dataSource, messages } = (await (await server.get(`/data/datasets/${CELLS}`)).json()) as {
      dataSource: Record<string, unknown>
      messages: unknown[]
    }
    expect(messages).toEqual([])
    expect(dataSource).toMatchObject({ id: { team: 'sample_organization', name: 'cells' }, scale: [11.24, 11.24, 28] })
    expect(dataSource['status']).toBeUndefined()
    const unusable = await server.get('/data/datasets/sample_organization/fafb_v14')
    expect([unusable.status, await unusable.json()]).toEqual([
      200,
      {
        dataSource: { id: { team: 'sample_organization', name: 'fafb_v14' }, status: expect.stringContaining('storage.googleapis.com') },
        messages: [],
      },
    ])
    expect((await server.buckets('sample_organization/fafb_v14', 'image', [])).status).toBe(404)
  })

  test('build info, as a front end compares it', async () => {
    const info = (await (await server.get('/api/buildinfo')).json()) as { webknossosDatastore: Record<string, string> }
    expect(info.webknossosDatastore).toMatchObject({ name: 'wkconnect', datastoreApiVersion: '2.0' })
  })

  test('a preflight of any path is answered with the headers asked for', async () => {
    const response = await server.get('/data/anything/at/all', {
      method: 'OPTIONS',
      headers: { 'Access-Control-Request-Headers': 'content-type,x-auth-token' },
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('Access-Control-Allow-Headers')).toBe('content-type,x-auth-token')
    expect(response.headers.get('Access-Control-Allow-Methods')).toContain('DELETE')
  })

  test('triggers and cache-dropping DELETE answer 200, by GET and POST, also for unknown ids', async () => {
    const calls: [string, string][] = [
      ['POST', '/data/triggers/checkInboxBlocking?organizationId=x'],
      ['GET', '/data/triggers/checkInboxBlocking'],
      ['POST', `/data/triggers/reload/${CELLS}?layerName=color`],
      ['POST', `/data/v15/triggers/reload/sample_organization/${id}`],
      ['DELETE', `/data/datasets/${id}`],
      ['DELETE', '/data/datasets/0123456789abcdef01234567'],
      ['DELETE', `/data/datasets/${CELLS}`],
    ]
    for (const [method, path] of calls) expect([path, (await server.get(path, { method })).status]).toEqual([path, 200])
    const response = await server.buckets(CELLS, 'color', [bucket([0, 0, 0])])
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(expected({ min: [0, 0, 0], size: [32, 32, 32] }))
  })
})
