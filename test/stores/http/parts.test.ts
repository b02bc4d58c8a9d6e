/** The parts the client is made of: limit, breaker, retries, memory of blocks. */
import { describe, expect, test } from 'bun:test'
import { BLOCK_BYTES, BlockCache } from '../../../src/stores/http/blocks.ts'
import { Breaker, WEIGHTS } from '../../../src/stores/http/breaker.ts'
import { decodeContent } from '../../../src/stores/http/decode.ts'
import { Retriable, RetryBudget, retryAfterMs, retrying } from '../../../src/stores/http/retry.ts'
import { joinKey } from '../../../src/stores/http/url.ts'
import { CorruptChunk, Unusable } from '../../../src/volume/errors.ts'
import { Limit } from '../../../src/volume/limit.ts'

describe('the limit', () => {
  test('runs so many at a time, the others in order', async () => {
    const limit = new Limit(3)
    let running = 0
    let most = 0
    const order: number[] = []
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        limit.run(async () => {
          order.push(n)
          most = Math.max(most, ++running)
          await Bun.sleep(1)
          running--
        }),
      ),
    )
    expect(most).toBe(3)
    expect(order).toEqual(Array.from({ length: 20 }, (_, n) => n))
  })

  test('a failure and a reader that leaves the line hold up nobody', async () => {
    const limit = new Limit(1)
    const controller = new AbortController()
    const bad = limit.run(() => Bun.sleep(10).then(() => Promise.reject(new Error('bad'))))
    const left = limit.run(async () => 'never', controller.signal)
    const good = limit.run(async () => 'good')
    controller.abort(new Error('left'))
    expect(await Promise.allSettled([bad, left, good])).toMatchObject([
      { reason: { message: 'bad' } },
      { reason: { message: 'left' } },
      { value: 'good' },
    ])
    expect(await limit.run(async () => 1)).toBe(1)
  })
})

describe('the breaker', () => {
  const broken = () => {
    const breaker = new Breaker(4000)
    for (let n = 0; n < 5; n++) breaker.failed('no answer', WEIGHTS.silent, 1000)
    return breaker
  }
  test('opens after five silences in a row, or twenty errors', () => {
    expect(broken().enter(1001)).toContain('no answer')
    const breaker = new Breaker(4000)
    for (let n = 0; n < 19; n++) breaker.failed('status 500', WEIGHTS.error, 1000)
    expect(breaker.enter(1001)).toBeUndefined()
    breaker.failed('status 500', WEIGHTS.error, 1000)
    expect(breaker.enter(1001)).toContain('status 500')
  })

  test('a success in between begins the count anew', () => {
    const breaker = new Breaker()
    for (let n = 0; n < 40; n++) {
      breaker.failed('status 500', WEIGHTS.silent)
      if (n % 4 === 3) breaker.succeeded()
    }
    expect(breaker.enter()).toBeUndefined()
  })

  test('after the rest lets one through; its success opens the way, its failure does not', () => {
    const breaker = broken()
    expect([breaker.enter(5001), breaker.enter(5002) === undefined]).toEqual([undefined, false])
    breaker.failed('still', WEIGHTS.silent, 5003)
    expect(breaker.enter(5004)).toContain('still')
    expect(breaker.enter(9100)).toBeUndefined()
    breaker.succeeded()
    expect([breaker.enter(9101), breaker.enter(9101)]).toEqual([undefined, undefined])
  })

  test('whoever comes during a trial may wait for how it ends, but not long', async () => {
    const breaker = broken()
    expect(breaker.trial()).toBeUndefined()
    breaker.enter(5001)
    const good = breaker.trial()
    breaker.succeeded()
    await good
    expect([breaker.enter(5002), breaker.trial()]).toEqual([undefined, undefined])
    const silent = broken()
    silent.enter(5001)
    await silent.trial()
    expect(silent.enter(5002)).toContain('no answer')
  })

  test('a trial whose reader left makes the next one a trial', () => {
    const breaker = broken()
    breaker.enter(5001)
    breaker.ended()
    expect([breaker.enter(5002), breaker.enter(5003)]).toEqual([undefined, expect.stringContaining('no answer')])
  })

  test('a trial that never reports is tried anew', () => {
    const breaker = broken()
    expect(breaker.enter(5001)).toBeUndefined()
    expect(breaker.enter(9002)).toBeUndefined()
  })
})

describe('trying again', () => {
  const until = () => performance.now() + 10_000
  test('what may pass, until it does', async () => {
    let n = 0
    const work = async () => {
      if (n++ < 3) throw new Retriable({ cause: 'busy' })
      return n
    }
    expect(await retrying(work, { until: until(), baseMs: 1 })).toBe(4)
  })

  test.each([
    ['a wrong answer once', { once: true }, 2],
    ['a late one six times', {}, 6],
  ])('%s', async (_, options, expected) => {
    let n = 0
    const work = () => Promise.reject(new Retriable({ cause: `${++n}` }, options))
    await retrying(work, { until: until(), baseMs: 1 }).catch(() => {})
    expect(n).toBe(expected)
  })

  test('not when the budget is spent, and again when it is earned', async () => {
    const budget = new RetryBudget()
    while (budget.spend());
    let n = 0
    const work = () => Promise.reject(new Retriable({ cause: `${++n}` }))
    await retrying(work, { until: until(), baseMs: 1, budget }).catch(() => {})
    expect(n).toBe(1)
    budget.earn()
    budget.earn()
    await retrying(work, { until: until(), baseMs: 1, budget }).catch(() => {})
    expect(n).toBe(3)
  })

  test('Retry-After in seconds, as a date, or nonsense', () => {
    expect(retryAfterMs('2')).toBe(2000)
    expect(retryAfterMs('Wed, 21 Oct 2026 07:28:05 GMT', Date.parse('2026-10-21T07:28:00Z'))).toBe(5000)
    expect([retryAfterMs(null), retryAfterMs('soon'), retryAfterMs('-1')]).toEqual([0, 0, 0])
  })
})

describe('the memory of blocks', () => {
  test('is bounded, whatever is read', async () => {
    const blocks = new BlockCache(8 * BLOCK_BYTES)
    for (let n = 0; n < 100; n++) await blocks.get(1, n, async () => Uint8Array.of(n))
    expect(blocks.size).toBe(8)
  })

  test('shares what is on its way and forgets what failed', async () => {
    const blocks = new BlockCache(8 * BLOCK_BYTES)
    let loads = 0
    const fail = async () => {
      loads++
      await Bun.sleep(1)
      throw new Error('no')
    }
    const both = await Promise.allSettled([blocks.get(1, 0, fail), blocks.get(1, 0, fail)])
    expect([loads, ...both.map(({ status }) => status)]).toEqual([1, 'rejected', 'rejected'])
    expect(await blocks.get(1, 0, async () => Uint8Array.of(7))).toEqual(Uint8Array.of(7))
  })
})

describe('unpacking', () => {
  const bytes = new Uint8Array(100_000).fill(7)
  const packed = { gzip: Bun.gzipSync(bytes), zstd: Bun.zstdCompressSync(bytes), br: require('node:zlib').brotliCompressSync(bytes) }
  test.each(Object.entries(packed))('%s, and no more than allowed', async (encoding, body) => {
    expect(await decodeContent(body, encoding, 100_000, 'f')).toEqual(bytes)
    expect(await decodeContent(body, encoding, 99_999, 'f').catch((error) => error)).toBeInstanceOf(CorruptChunk)
    expect(await decodeContent(body.slice(0, -3), encoding, 100_000, 'f').catch((error) => error)).toBeInstanceOf(CorruptChunk)
  })
  test('an unknown encoding is damage, not bytes', async () => {
    expect(await decodeContent(bytes, 'compress', 1000, 'f').catch((error) => error)).toBeInstanceOf(CorruptChunk)
  })
})

test.each([
  ['a/b', 'c', 'a/b/c'],
  ['a/b/', './c//d', 'a/b/c/d'],
  ['a/b', '../c', 'a/c'],
  ['', 'c', 'c'],
  ['a', '', 'a'],
])('%p and %p are %p', (base, key, path) => expect(joinKey(base, key)).toBe(path))
test('a key does not lead out of the bucket', () => expect(() => joinKey('a', '../../b')).toThrow(Unusable))
