import { describe, expect, test } from 'bun:test'
import { Admission } from '../../src/cache/admission.ts'
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { boxAt } from '../../src/volume/box.ts'
import { MemoryArray } from '../support/memory-array.ts'

test('a chunk is worth a place when it is asked for twice within as many questions as there are places', () => {
  const admission = new Admission()
  const ask = (x: number, id = 'a') => admission.admits(id, [x, 0, 0], 100)
  expect([ask(1), ask(1), ask(2), ask(2, 'b')]).toEqual([false, true, false, false])
  for (let x = 1000; x < 1100; x++) ask(x)
  expect([ask(1), ask(1)]).toEqual([false, true])
})

test('neighbours are told apart, below zero as well', () => {
  const admission = new Admission()
  const answers: boolean[] = []
  for (let z = -8; z < 8; z++) for (let y = -8; y < 8; y++) for (let x = -8; x < 8; x++) answers.push(admission.admits('a', [x, y, z], 1e6))
  expect(answers.filter(Boolean)).toEqual([])
})

describe('chunks that are cheap to read again', () => {
  const makeArray = () =>
    Object.assign(new MemoryArray({ id: 'cheap', box: boxAt([0, 0, 0], [8000, 1, 1]), chunkSize: [1000, 1, 1], byteAt: (x) => x % 251 }), {
      isCheap: true,
    })
  const expected = Uint8Array.from({ length: 1000 }, (_, x) => x % 251)

  test('come right into the target, are kept at the second question, and come from the cache at the third', () => {
    const cache = new ChunkCache(1024 * 1024)
    const array = makeArray()
    for (const chunks of [0, 1, 1]) {
      const target = new Uint8Array(1000)
      expect(cache.readWhole(array, [0, 0, 0], target)).toBe(true)
      expect(target).toEqual(expected)
      expect(cache.statistics.chunks).toBe(chunks)
    }
    expect([cache.statistics.hits, cache.statistics.misses]).toEqual([1, 2])
  })

  test('are at hand without a copy from then on, which counts as use', () => {
    const cache = new ChunkCache(1024 * 1024)
    const array = makeArray()
    cache.readWhole(array, [0, 0, 0], new Uint8Array(1000))
    expect(cache.held(array, [0, 0, 0])).toBeUndefined()
    cache.readWhole(array, [0, 0, 0], new Uint8Array(1000))
    expect(cache.held(array, [0, 0, 0])).toEqual(expected)
    expect([cache.statistics.hits, cache.statistics.misses, array.reads.length]).toEqual([1, 2, 2])
  })

  test('a walk through more than the cache holds pushes nothing out', () => {
    const cache = new ChunkCache(1024 * 1024)
    const array = makeArray()
    cache.readWhole(array, [0, 0, 0], new Uint8Array(1000))
    cache.readWhole(array, [0, 0, 0], new Uint8Array(1000))
    for (let x = 1; x < 8; x++) cache.readWhole(array, [x, 0, 0], new Uint8Array(1000))
    expect([cache.statistics.chunks, cache.statistics.evictions]).toEqual([1, 0])
  })

  test('others are kept at once', () => {
    const cache = new ChunkCache(1024 * 1024)
    const array = Object.assign(makeArray(), { isCheap: false })
    cache.readWhole(array, [0, 0, 0], new Uint8Array(1000))
    expect(cache.statistics.chunks).toBe(1)
  })
})
