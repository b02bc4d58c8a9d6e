import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { boxAt } from '../../src/volume/box.ts'
import { type ChunkedArray, chunkBytes } from '../../src/volume/chunked-array.ts'
import { CorruptChunk } from '../../src/volume/errors.ts'
import type { MaybePromise } from '../../src/volume/maybe-promise.ts'
import type { Vec3 } from '../../src/volume/vec.ts'
import { MemoryArray } from '../support/memory-array.ts'

const MIB = 1024 * 1024
const line = (id: string, chunk: number, isAsync = false) =>
  new MemoryArray({
    id,
    box: boxAt([0, 0, 0], [chunk * 1000, 1, 1]),
    chunkSize: [chunk, 1, 1],
    byteAt: (x) => Math.floor(x / chunk) % 251,
    isAsync,
  })
const at = (x: number): Vec3 => [x, 0, 0]
const nothing = () => {}

/** An array whose reads end when the test says so. */
class Gated implements ChunkedArray {
  readonly id = 'gated'
  readonly dataType = 'uint8'
  readonly channels = 1
  readonly box = boxAt([0, 0, 0], [64, 1, 1])
  readonly gridOrigin: Vec3 = [0, 0, 0]
  readonly chunkSize: Vec3 = [8, 1, 1]
  reads = 0
  signal: AbortSignal | undefined
  #gate = Promise.withResolvers<boolean>()

  readChunk(_: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    this.reads++
    this.signal = signal
    target.fill(7)
    return this.#gate.promise
  }
  open(stored = true): void {
    this.#gate.resolve(stored)
    this.#gate = Promise.withResolvers()
  }
  fail(): void {
    this.#gate.reject(new CorruptChunk({ cause: 'broken on purpose' }))
    this.#gate = Promise.withResolvers()
  }
}

/** An array whose chunks come in memory of their own. */
class Fetched extends MemoryArray {
  readonly fetched: Uint8Array[] = []

  constructor(id: string, chunk: number) {
    super({
      id,
      box: boxAt([0, 0, 0], [chunk * 1000, 1, 1]),
      chunkSize: [chunk, 1, 1],
      byteAt: (x) => Math.floor(x / chunk) % 251,
      isAsync: true,
    })
  }

  async fetchChunk(index: Vec3): Promise<Uint8Array> {
    const bytes = new Uint8Array(chunkBytes(this))
    await this.readChunk(index, bytes)
    this.fetched.push(bytes)
    return bytes
  }
}

describe('chunks in memory of their own', () => {
  test('are kept as they came, and their memory is given back when they go', async () => {
    const cache = new ChunkCache(4 * MIB)
    const array = new Fetched('a', MIB)
    for (const x of [0, 1, 2, 3]) await cache.read(array, at(x), nothing)
    const [first, second] = array.fetched
    await cache.read(array, at(0), (bytes) => expect(bytes).toBe(first!))
    expect([array.reads.length, cache.statistics.heldBytes]).toEqual([4, 4 * MIB])
    await cache.read(array, at(4), nothing)
    expect([first!.length, second!.length, cache.statistics.heldBytes]).toEqual([MIB, 0, 4 * MIB])
  })

  test('that are a part of something larger are copied', async () => {
    const cache = new ChunkCache(4 * MIB)
    let fetched = 0
    const part = {
      ...gridOf(1000),
      fetchChunk: async () => {
        fetched++
        return new Uint8Array(5000).fill(3).subarray(0, 1000)
      },
    }
    for (let n = 0; n < 2; n++)
      expect(await cache.read(part, at(0), (bytes) => expect([bytes.length, bytes[9]]).toEqual([1000, 3]))).toBe(true)
    expect([fetched, cache.statistics.chunks]).toEqual([1, 1])
  })

  test('may have any length, and nothing is none', async () => {
    const cache = new ChunkCache(MIB)
    const some = { ...gridOf(1000), fetchChunk: async ([x]: Vec3) => (x < 10 ? new Uint8Array(1 + 7000 * x).fill(x) : undefined) }
    for (let n = 0; n < 2; n++)
      for (let x = 0; x < 12; x++) {
        let length = 0
        const found = await cache.read(some, at(x), (bytes) => (length = bytes.length))
        expect([found, length]).toEqual(x < 10 ? [true, 1 + 7000 * x] : [false, 0])
      }
    expect(cache.statistics.chunks).toBe(10)
  })

  test('memory changes hands between them and the others', async () => {
    const cache = new ChunkCache(8 * MIB)
    const [own, small] = [new Fetched('own', MIB), line('small', 4096)]
    for (let n = 0; n < 3; n++) {
      for (let x = 0; x < 2000; x++) cache.read(small, at(x), nothing)
      for (let x = 0; x < 10; x++) await cache.read(own, at(x), (bytes) => expect(bytes[77]).toBe(x))
      expect(cache.statistics.heldBytes).toBeLessThanOrEqual(8 * MIB)
    }
    const before = own.reads.length
    for (const x of [8, 9, 8, 9]) await cache.read(own, at(x), nothing)
    expect(own.reads.length).toBe(before)
  })

  test('one that is forgotten is read anew', async () => {
    const cache = new ChunkCache(MIB)
    const array = new Fetched('a', 5000)
    for (let n = 0; n < 2; n++) await cache.read(array, at(3), nothing)
    cache.forget(array, at(3))
    await cache.read(array, at(3), nothing)
    expect([array.reads.length, cache.statistics.chunks]).toEqual([2, 1])
  })
})

const gridOf = (chunk: number) => ({
  id: 'grid',
  box: boxAt([0, 0, 0], [chunk * 1000, 1, 1]),
  gridOrigin: [0, 0, 0] as Vec3,
  chunkSize: [chunk, 1, 1] as Vec3,
})

describe('bytes', () => {
  test('never more than the budget, whatever sizes come', () => {
    const size = fc.integer({ min: 1, max: 300_000 })
    fc.assert(
      fc.property(
        fc.integer({ min: 100_000, max: 4 * MIB }),
        fc.array(fc.tuple(size, fc.integer({ min: 0, max: 40 })), { maxLength: 200 }),
        (budget, steps) => {
          const cache = new ChunkCache(budget)
          for (const [bytes, index] of steps) {
            let seen: number | undefined
            expect(cache.read(line(`a${bytes}`, bytes), at(index), (chunk) => (seen = chunk[0]))).toBe(true)
            expect(seen).toBe(index % 251)
            expect(cache.statistics.heldBytes).toBeLessThanOrEqual(budget)
          }
        },
      ),
      { numRuns: 100, seed: 2 },
    )
  })

  test('the least recently used goes first', () => {
    const array = line('a', MIB)
    const cache = new ChunkCache(4 * MIB)
    for (const x of [0, 1, 2, 3]) cache.read(array, at(x), nothing)
    cache.read(array, at(0), nothing)
    cache.read(array, at(4), nothing)
    array.reads.length = 0
    for (const x of [0, 2, 3, 4]) cache.read(array, at(x), nothing)
    expect(array.reads).toEqual([])
    cache.read(array, at(1), nothing)
    expect(array.reads).toEqual([at(1)])
  })

  test('memory changes hands between sizes of chunks', () => {
    const cache = new ChunkCache(8 * MIB)
    const small = line('small', 4096)
    for (let x = 0; x < 1000; x++) cache.read(small, at(x), nothing)
    for (let x = 0; x < 1000; x++) cache.read(line('s2', 4096), at(x), nothing)
    const large = line('large', 2 * MIB)
    for (const x of [0, 1, 0, 1, 0, 1]) cache.read(large, at(x), nothing)
    expect(large.reads.length).toBe(2)
  })

  test('a chunk too large to be kept is served', () => {
    const array = line('a', 3 * MIB)
    const cache = new ChunkCache(4 * MIB)
    for (let n = 0; n < 2; n++) expect(cache.read(array, at(1), (bytes) => expect(bytes[5]).toBe(1))).toBe(true)
    expect([array.reads.length, cache.statistics.chunks]).toEqual([2, 0])
  })

  test('without a budget everything is served and nothing kept', () => {
    const cache = new ChunkCache(0)
    expect(cache.read(line('a', 10), at(3), (bytes) => expect(bytes[0]).toBe(3))).toBe(true)
    expect(cache.statistics.heldBytes).toBe(0)
  })

  test('that nothing is stored is not kept, for it may be written tomorrow', () => {
    const array = new MemoryArray({ box: boxAt([0, 0, 0], [8, 8, 8]), chunkSize: [8, 8, 8], byteAt: () => 1, stateOf: () => 'missing' })
    const cache = new ChunkCache(MIB)
    expect([cache.read(array, at(0), nothing), cache.read(array, at(0), nothing), array.reads.length]).toEqual([false, false, 2])
  })
})

describe('single flight', () => {
  test('concurrent readers of a chunk share one read', async () => {
    const array = new Gated()
    const cache = new ChunkCache(MIB)
    const seen: number[] = []
    const readers = Array.from({ length: 20 }, () => cache.read(array, at(0), (bytes) => seen.push(bytes[0]!)))
    array.open()
    expect(await Promise.all(readers)).toEqual(new Array(20).fill(true))
    expect([array.reads, seen.length, new Set(seen).size]).toEqual([1, 20, 1])
  })

  test('a failure reaches all of them and is forgotten', async () => {
    const array = new Gated()
    const cache = new ChunkCache(MIB)
    const readers = [1, 2, 3].map(() =>
      Promise.resolve(cache.read(array, at(0), nothing)).then(
        () => 'read',
        () => 'failed',
      ),
    )
    array.fail()
    expect(await Promise.all(readers)).toEqual(['failed', 'failed', 'failed'])
    const again = cache.read(array, at(0), nothing)
    array.open()
    expect([await again, array.reads]).toEqual([true, 2])
  })

  test('is aborted only when the last reader has gone', async () => {
    const array = new Gated()
    const cache = new ChunkCache(MIB)
    const [first, second] = [new AbortController(), new AbortController()]
    const readers = [first, second].map(({ signal }) => Promise.resolve(cache.read(array, at(0), nothing, signal)).catch(() => 'left'))
    first.abort()
    await Promise.resolve()
    expect(array.signal?.aborted).toBe(false)
    second.abort()
    expect([await readers[0], await readers[1], array.signal?.aborted]).toEqual(['left', 'left', true])
    const again = cache.read(array, at(0), nothing)
    expect(array.reads).toBe(2)
    array.open()
    expect(await again).toBe(true)
  })
})

test('a chunk that is dropped while readers wait for it is whole when they get it', async () => {
  const cache = new ChunkCache(64 * 1024)
  const slow = line('slow/1', 8192, true)
  const readers = Array.from({ length: 3 }, (_, x) => cache.read(slow, at(x), (bytes) => expect(new Set(bytes)).toEqual(new Set([x]))))
  cache.drop('slow/')
  for (let x = 0; x < 50; x++) cache.read(line('other', 8192), at(x), nothing)
  expect(await Promise.all(readers)).toEqual([true, true, true])
})

test('dropping forgets what begins so, and nothing else', () => {
  const cache = new ChunkCache(MIB)
  const [mine, other] = [line('lab/a@1/color/1', 100), line('lab/a@11/color/1', 100)]
  for (const array of [mine, other]) cache.read(array, at(0), nothing)
  cache.drop('lab/a@1/')
  for (const array of [mine, other]) cache.read(array, at(0), nothing)
  expect([mine.reads.length, other.reads.length, cache.statistics.chunks]).toEqual([2, 1, 2])
})

test('any order of reads, drops and sizes gives the bytes that are stored', async () => {
  const step = fc.record({
    array: fc.integer({ min: 0, max: 5 }),
    index: fc.integer({ min: 0, max: 30 }),
    drop: fc.integer({ min: 0, max: 20 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150 }), async (steps) => {
      const cache = new ChunkCache(MIB)
      const arrays = [900, 5000, 9000, 70_000, 200_000, 400_000].map((bytes, n) =>
        n === 2 || n === 4 ? new Fetched(`lab/${n}`, bytes) : line(`lab/${n}`, bytes, n % 2 === 1),
      )
      const reading = steps.map(({ array, index, drop }) => {
        if (drop === 0) cache.drop(`lab/${array}`)
        if (drop === 1) cache.forget(arrays[array]!, at(index))
        const size = chunkBytes(arrays[array]!)
        return cache.read(arrays[array]!, at(index), (bytes) => {
          expect([bytes.length, bytes[0], bytes[size - 1]]).toEqual([size, index, index])
        })
      })
      await Promise.all(reading)
      expect(cache.statistics.heldBytes).toBeLessThanOrEqual(MIB)
    }),
    { numRuns: 60, seed: 3 },
  )
})
