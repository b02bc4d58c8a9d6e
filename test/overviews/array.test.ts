/** Made mags against a computation of their own, voxel by voxel, with chunks that are missing, broken and slow. */
import { describe, expect, test } from 'bun:test'
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { DiskCache } from '../../src/cache/disk.ts'
import { createLog } from '../../src/log.ts'
import { completeDataset } from '../../src/overviews/complete.ts'
import { Overviews } from '../../src/overviews/overviews.ts'
import { type Box, sizeOf, toMag } from '../../src/volume/box.ts'
import { type ChunkedArray, type Layer, magOf } from '../../src/volume/chunked-array.ts'
import { cutout } from '../../src/volume/cutout.ts'
import { Deadline } from '../../src/volume/errors.ts'
import { Pace } from '../../src/volume/pace.ts'
import { magLiteral, product, type Vec3 } from '../../src/volume/vec.ts'
import { emptyFolder } from '../support/binary.ts'
import { MemoryArray, type MemoryArrayOptions } from '../support/memory-array.ts'

const silent = createLog('text', () => {})
const byteAt = (x: number, y: number, z: number, b: number) =>
  (Math.imul(x + 7, 73) ^ Math.imul(y + 3, 151) ^ Math.imul(z + 1, 199) ^ (b * 31)) & 0xff

const layerOf = (array: ChunkedArray, box: Box, category: Layer['category'] = 'color'): Layer => ({
  name: 'color',
  category,
  dataType: array.dataType,
  channels: array.channels,
  mags: [{ factor: [1, 1, 1], arrays: [array] }],
  boundingBox: box,
})

interface Made {
  readonly layer: Layer
  readonly array: MemoryArray
  readonly chunks: ChunkCache
  readonly overviews: Overviews
}

function make(
  options: Omit<MemoryArrayOptions, 'byteAt'>,
  more: { nm?: Vec3; disk?: DiskCache; category?: Layer['category']; cache?: number; version?: string } = {},
): Made {
  const array = new MemoryArray({ id: 'lab/set@1/color/1-1-1', byteAt, ...options })
  const chunks = new ChunkCache(more.cache ?? 64 * 1024 * 1024)
  const overviews = new Overviews(chunks, silent, more.disk)
  const voxelSize = { nm: more.nm ?? ([1, 1, 1] as Vec3), source: 'test' }
  const dataset = { layers: [layerOf(array, options.box, more.category)], broken: [], voxelSize, notes: [] }
  const version = async () => more.version ?? 'v1'
  const completed = completeDataset(dataset, { versionedId: 'lab/set@1', overviews, version, openedMs: 0, isReadable: () => true })
  return { layer: completed.layers[0]!, array, chunks, overviews }
}

const factors = ({ layer }: Made) => layer.mags.map(({ factor }) => magLiteral(factor))

async function read({ layer, chunks }: Made, factor: Vec3, signal?: AbortSignal): Promise<{ found: boolean; bytes: Uint8Array }> {
  const clip = toMag(layer.boundingBox, factor)
  const mag = magOf(layer, factor)!
  const bytes = new Uint8Array(product(sizeOf(clip)) * layer.channels)
  const found = await cutout(mag, clip, clip, bytes, { chunks, pace: new Pace(), signal })
  return { found, bytes }
}

/** Means of bytes, from one mag to the next as the chain says. */
function expected(
  box: Box,
  chain: readonly Vec3[],
  channels: number,
  valueAt: (x: number, y: number, z: number, c: number) => number,
): Uint8Array {
  let at = valueAt
  let current = box
  for (const step of chain) {
    const next = toMag(current, step)
    const [before, size] = [current, sizeOf(next)]
    const from = at
    const values = new Uint8Array(product(size) * channels)
    let out = 0
    for (let z = next.min[2]; z < next.max[2]; z++)
      for (let y = next.min[1]; y < next.max[1]; y++)
        for (let x = next.min[0]; x < next.max[0]; x++)
          for (let c = 0; c < channels; c++) {
            const all: number[] = []
            for (let k = z * step[2]; k < (z + 1) * step[2]; k++)
              for (let j = y * step[1]; j < (y + 1) * step[1]; j++)
                for (let i = x * step[0]; i < (x + 1) * step[0]; i++)
                  if ([i, j, k].every((edge, d) => edge >= before.min[d]! && edge < before.max[d]!)) all.push(from(i, j, k, c))
            const mean = all.reduce((sum, value) => sum + value, 0) / all.length
            const rest = mean - Math.floor(mean)
            values[out++] = rest === 0.5 ? 2 * Math.round(mean / 2) : Math.round(mean)
          }
    at = (x, y, z, c) => values[(x - next.min[0] + size[0] * (y - next.min[1] + size[1] * (z - next.min[2]))) * channels + c]!
    if (step === chain.at(-1)) return values
    current = next
  }
  throw new Error('an empty chain')
}

describe('made mags are what they should be', () => {
  test.each([
    [
      'a volume of blocks',
      { box: { min: [0, 0, 0], max: [200, 130, 90] }, chunkSize: [32, 32, 32] },
      [1, 1, 1],
      [
        [2, 2, 2],
        [2, 2, 2],
      ],
    ],
    [
      'a box that starts anywhere',
      { box: { min: [-33, 17, 5], max: [101, 120, 71] }, gridOrigin: [-33, 17, 5], chunkSize: [30, 20, 10] },
      [1, 1, 1],
      [
        [2, 2, 2],
        [2, 2, 2],
      ],
    ],
    [
      'thick slices',
      { box: { min: [1, 0, 0], max: [150, 99, 40] }, chunkSize: [64, 64, 1] },
      [4, 4, 40],
      [
        [2, 2, 1],
        [2, 2, 1],
      ],
    ],
    [
      'strips of one plane',
      { box: { min: [0, 0, 0], max: [1501, 333, 1] }, chunkSize: [1501, 13, 1] },
      [1, 1, 1],
      [
        [2, 2, 1],
        [2, 2, 1],
        [2, 2, 1],
      ],
    ],
    [
      'RGB tiles',
      { box: { min: [0, 0, 0], max: [300, 200, 1] }, chunkSize: [64, 48, 1], channels: 3 },
      [1, 1, 1],
      [
        [2, 2, 1],
        [2, 2, 1],
      ],
    ],
  ] as const)('%s', async (_, options, nm, chain) => {
    const channels = 'channels' in options ? options.channels : 1
    for (const isAsync of [false, true]) {
      const made = make({ ...options, channels, isAsync }, { nm, cache: isAsync ? 0 : 1 << 26 })
      for (let n = 1; n <= chain.length; n++) {
        const steps = chain.slice(0, n)
        const factor = steps.reduce<Vec3>((f, s) => [f[0] * s[0], f[1] * s[1], f[2] * s[2]], [1, 1, 1])
        const { bytes } = await read(made, factor)
        expect([magLiteral(factor), Bun.hash(bytes)]).toEqual([
          magLiteral(factor),
          Bun.hash(expected(options.box, steps, channels, byteAt)),
        ])
      }
    }
  })

  test('they are listed behind the stored one and end where all fits a bucket', () => {
    const made = make({ box: { min: [0, 0, 0], max: [1000, 500, 100] }, chunkSize: [32, 32, 32] }, { nm: [4, 4, 40] })
    expect(factors(made)).toEqual(['1-1-1', '2-2-1', '4-4-1', '8-8-1', '16-16-2', '32-32-4'])
    expect(made.layer.mags.map(({ isComputed }) => isComputed ?? false)).toEqual([false, true, true, true, true, true])
  })
})

const BOX: Box = { min: [0, 0, 0], max: [256, 256, 128] }

describe('what is missing, broken or slow below', () => {
  test('a missing chunk is zeros among others, and nothing at all is nothing', async () => {
    const stateOf = (index: Vec3) => (index[0] === 0 ? ('stored' as const) : ('missing' as const))
    const made = make({ box: { min: [0, 0, 0], max: [128, 64, 64] }, chunkSize: [32, 32, 32], stateOf })
    const value = (x: number, y: number, z: number, b: number) => (x < 32 ? byteAt(x, y, z, b) : 0)
    const { found, bytes } = await read(made, [4, 4, 4])
    expect([found, Bun.hash(bytes)]).toEqual([
      true,
      Bun.hash(
        expected(
          made.layer.boundingBox,
          [
            [2, 2, 2],
            [2, 2, 2],
          ],
          1,
          value,
        ),
      ),
    ])
    const nothing = make({ box: BOX, chunkSize: [32, 32, 32], stateOf: () => 'missing' })
    expect((await read(nothing, [8, 8, 8])).found).toBe(false)
    const reads = nothing.array.reads.length
    expect((await read(nothing, [8, 8, 8])).found).toBe(false)
    expect(nothing.array.reads.length).toBe(reads)
  })

  test('a broken chunk fails all that is made of it and nothing else, and is asked for again', async () => {
    let isBroken = true
    const made = make({ box: BOX, chunkSize: [32, 32, 32], stateOf: ([x]) => (isBroken && x === 0 ? 'broken' : 'stored') })
    await expect(read(made, [8, 8, 8])).rejects.toThrow('broken on purpose')
    const mag = magOf(made.layer, [2, 2, 2])!
    const far: Box = { min: [64, 64, 32], max: [96, 96, 64] }
    const target = new Uint8Array(32 ** 3)
    expect(await cutout(mag, far, far, target, { chunks: made.chunks, pace: new Pace() })).toBe(true)
    isBroken = false
    const { bytes } = await read(made, [8, 8, 8])
    expect(Bun.hash(bytes)).toBe(
      Bun.hash(
        expected(
          BOX,
          [
            [2, 2, 2],
            [2, 2, 2],
            [2, 2, 2],
          ],
          1,
          byteAt,
        ),
      ),
    )
  }, 30_000)

  test('many who ask at once share the work: every stored chunk is read once', async () => {
    const made = make({ box: BOX, chunkSize: [32, 32, 32], isAsync: true })
    await Promise.all(Array.from({ length: 8 }, () => read(made, [8, 8, 8])))
    expect(made.array.reads.length).toBe(8 * 8 * 4)
  }, 30_000)

  test('who runs out of time leaves the work going on, who goes away ends it', async () => {
    const options = { box: BOX, chunkSize: [32, 32, 32] as Vec3, isAsync: true }
    const patient = make(options)
    const controller = new AbortController()
    const first = read(patient, [8, 8, 8], controller.signal)
    while (patient.array.reads.length < 20) await Bun.sleep(1)
    controller.abort(new Deadline({ cause: 'too late' }))
    await expect(first).rejects.toThrow('too late')
    expect(patient.overviews.jobs.progress('lab/set@1')[0]).toMatchObject({ layer: 'color', mag: '8-8-8' })
    await read(patient, [8, 8, 8])
    expect(patient.array.reads.length).toBe(8 * 8 * 4)
    expect(patient.overviews.jobs.progress()).toEqual([])

    const gone = make(options)
    const leaving = new AbortController()
    const second = read(gone, [8, 8, 8], leaving.signal)
    while (gone.array.reads.length < 20) await Bun.sleep(1)
    leaving.abort(new Error('gone'))
    await expect(second).rejects.toThrow('gone')
    await Bun.sleep(30)
    const reads = gone.array.reads.length
    await Bun.sleep(100)
    expect([gone.array.reads.length, reads < 200]).toEqual([reads, true])
  }, 30_000)
})

describe('kept on disk', () => {
  const options = { box: BOX, chunkSize: [32, 32, 32] as Vec3 }
  const disk = (folder: string) => new DiskCache(folder, 1e9, () => {})

  test('another process reads nothing of the source again, unless it has changed', async () => {
    const folder = emptyFolder()
    const before = await read(make(options, { disk: disk(folder) }), [8, 8, 8])
    const again = make(options, { disk: disk(folder) })
    expect(await read(again, [8, 8, 8])).toEqual(before)
    expect(again.array.reads.length).toBe(0)
    const changed = make(options, { disk: disk(folder), version: 'v2' })
    await read(changed, [8, 8, 8])
    expect(changed.array.reads.length).toBe(8 * 8 * 4)
  }, 30_000)

  test('nothing stored is kept as well', async () => {
    const folder = emptyFolder()
    const empty = { ...options, stateOf: () => 'missing' as const }
    await read(make(empty, { disk: disk(folder) }), [8, 8, 8])
    const again = make(empty, { disk: disk(folder) })
    expect([(await read(again, [8, 8, 8])).found, again.array.reads.length]).toEqual([false, 0])
  })
})
