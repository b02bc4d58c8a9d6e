/** Axes beside x, y, z: a layer of three time steps in memory, read through buckets and cuboids. */
import { describe, expect, test } from 'bun:test'
import { type BucketRequest, readBuckets } from '../../src/api/buckets.ts'
import type { Context } from '../../src/api/context.ts'
import { readCuboid } from '../../src/api/cuboid.ts'
import { Gate } from '../../src/api/gate.ts'
import { coordinates } from '../../src/api/query.ts'
import { Answers } from '../../src/cache/answers.ts'
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { createLog } from '../../src/log.ts'
import type { Coordinate, Layer } from '../../src/volume/chunked-array.ts'
import { layerAt } from '../../src/volume/coordinates.ts'
import { memoryLayer } from '../support/layers.ts'

const steps = [10, 20, 30].map((value) => memoryLayer({ size: [32, 32, 32], byteAt: (x) => value + (x % 2) }))
const layer: Layer = {
  ...steps[0]!,
  additionalAxes: [{ name: 't', bounds: [0, 3] }],
  at: (at) => steps[at.find(({ name }) => name === 't')?.value ?? 0],
}
const context = {
  chunks: new ChunkCache(1024 * 1024),
  answers: new Answers(64 * 1024 * 1024, 1024),
  gate: new Gate(10),
  log: createLog('text', () => {}),
} as unknown as Context

const at = (value: number, name = 't'): Coordinate[] => [{ name, value }]
const bucket = (additionalCoordinates?: BucketRequest['additionalCoordinates']): BucketRequest => ({
  position: [0, 0, 0],
  mag: [1, 1, 1],
  ...(additionalCoordinates !== undefined && { additionalCoordinates }),
})

describe('buckets', () => {
  test('come from the step asked for; null, none and an empty list mean the first', async () => {
    const requests = [bucket(at(2)), bucket(null), bucket(), bucket([]), bucket(at(1))]
    const { bytes, empty, failed } = await readBuckets(layer, requests, () => 'here', context)
    expect([empty, failed]).toEqual([[], []])
    expect([0, 1, 2, 3, 4].map((n) => bytes[n * 32 ** 3])).toEqual([30, 10, 10, 10, 20])
    expect(bytes[1]).toBe(31)
  })

  test('an axis that is not there, a step outside and one of many at once leave the others alone', async () => {
    const several = [{ name: 't', value: 0, length: 32 }]
    const requests = [bucket(at(3)), bucket(at(-1)), bucket(at(0, 'c')), bucket(several), bucket([{ name: 't', value: 1, length: 1 }])]
    const { bytes, empty, failed } = await readBuckets(layer, requests, () => 'here', context)
    expect([empty, failed, bytes.length, bytes[0]]).toEqual([[0, 1, 2], [3], 32 ** 3, 20])
  })

  test('a layer of three axes is the same everywhere', async () => {
    const { bytes, empty } = await readBuckets(steps[0]!, [bucket(at(0)), bucket(at(7)), bucket(null)], () => 'here', context)
    expect([empty, bytes.length, bytes[0]]).toEqual([[], 3 * 32 ** 3, 10])
  })
})

describe('cuboids', () => {
  const read = async (where: readonly Coordinate[] | undefined) => {
    const there = layerAt(layer, where)
    const request = { mag: (there ?? layer).mags[0]!, position: [0, 0, 0], size: [2, 1, 1], halfByte: false, isThere: !!there } as const
    const response = await readCuboid(there ?? layer, request, 'here', context)
    return [[...(await response.bytes())], response.headers.get('MISSING-BUCKETS')]
  }
  test('come from the step asked for, and are zero outside', async () => {
    expect(await read(at(1))).toEqual([[20, 21], '[]'])
    expect(await read(undefined)).toEqual([[10, 11], '[]'])
    expect(await read(at(9))).toEqual([[0, 0], '[]'])
    expect(await read(at(0, 'channel'))).toEqual([[0, 0], '[]'])
  })

  test('coordinates in a query are JSON; what is not is refused', () => {
    const parse = (text: string | undefined) => coordinates({ additionalCoordinates: text })
    expect(parse('[{"name":"t","value":2}]')).toEqual(at(2))
    expect([parse('null'), parse(''), parse(undefined)]).toEqual([undefined, undefined, undefined])
    for (const text of ['{', '{"name":"t"}', '[{"name":"t","value":1.5}]', '[{"name":"t","value":1,"length":32}]', '[1]', '"t"'])
      expect(() => parse(text)).toThrow(/additionalCoordinates/)
  })
})
