import { afterAll, describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import { CodecError } from '../../codecs/codec.ts'
import { DecodePool } from '../../codecs/pool.ts'
import { UpstreamError } from '../../src/volume/errors.ts'

const pool = new DecodePool(2)
afterAll(() => pool.close())

const plain = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 31) >> 3)
const swap = { codec: 'deflate', filters: [{ filter: 'swap-bytes', options: { sampleBytes: 2 } }] }

describe('small chunks here, large ones in a thread', () => {
  test.each([
    [1000, false],
    [2_000_000, true],
  ])('%d bytes, in a thread: %p', async (size, isLater) => {
    const decoder = await pool.decoder(swap)
    const target = new Uint8Array(size)
    const bytes = plain(size)
    const result = decoder.decode(deflateSync(Buffer.from(bytes).swap16()), target)
    expect(result instanceof Promise).toBe(isLater)
    await result
    expect(Buffer.from(target).equals(Buffer.from(bytes))).toBe(true)
  })

  test('the source may be used again at once', async () => {
    const decoder = await pool.decoder({ codec: 'deflate' })
    const source = new Uint8Array(deflateSync(plain(2_000_000)))
    const target = new Uint8Array(2_000_000)
    const result = decoder.decode(source, target)
    source.fill(0)
    await result
    expect(Buffer.from(target).equals(Buffer.from(plain(2_000_000)))).toBe(true)
  })

  test('many at a time all arrive where they belong', async () => {
    const decoder = await pool.decoder({ codec: 'deflate' })
    const sizes = Array.from({ length: 12 }, (_, n) => 500_000 + n)
    const targets = sizes.map((size) => new Uint8Array(size))
    await Promise.all(sizes.map((size, n) => decoder.decode(deflateSync(new Uint8Array(size).fill(n)), targets[n]!)))
    targets.forEach((target, n) => {
      expect([target[0], target.at(-1)]).toEqual([n, n])
    })
  })
})

test.skipIf(process.platform !== 'linux')('decoding threads come after the one that answers', async () => {
  const decoder = await pool.decoder({ codec: 'deflate' })
  await decoder.decode(deflateSync(plain(2_000_000)), new Uint8Array(2_000_000))
  // field 19 of stat; the name in parentheses may hold blanks
  const niceness = (thread: string) => readFileSync(`/proc/self/task/${thread}/stat`, 'latin1').replace(/.*\)/s, '').split(' ')[17]
  const threads = readdirSync('/proc/self/task').map(niceness)
  expect([niceness(String(process.pid)), threads.includes('10')]).toEqual(['0', true])
})

test('damage is the same error from a thread', async () => {
  const decoder = await pool.decoder({ codec: 'deflate' })
  await expect(Promise.resolve(decoder.decode(Uint8Array.of(1, 2, 3), new Uint8Array(2_000_000)))).rejects.toBeInstanceOf(CodecError)
  const short = deflateSync(plain(1000))
  await expect(Promise.resolve(decoder.decode(short, new Uint8Array(2_000_000)))).rejects.toThrow(/1000 bytes instead of 2000000/)
})

test('closing fails what is under way and what waits, as trouble that may pass', async () => {
  const closing = new DecodePool(1)
  const decoder = await closing.decoder({ codec: 'deflate' })
  const source = deflateSync(plain(4_000_000))
  const results = Promise.allSettled(Array.from({ length: 5 }, () => decoder.decode(source, new Uint8Array(4_000_000))))
  expect(closing.jobs).toBe(5)
  closing.close()
  for (const result of await results) expect(result.status === 'rejected' && result.reason).toBeInstanceOf(UpstreamError)
  expect(closing.jobs).toBe(0)
})

// a program of its own, because the test runner holds the event loop by itself
test('a program that waits for threads leaves the cores to them, and ends by itself', async () => {
  const program = `
    const { DecodePool } = await import(${JSON.stringify(join(import.meta.dir, '../../codecs/pool.ts'))})
    const filters = Array.from({ length: 20 }, () => ({ filter: 'swap-bytes', options: { sampleBytes: 2 } }))
    const decoder = await new DecodePool(1).decoder({ codec: 'deflate', filters })
    const target = new Uint8Array(8_000_000)
    const source = (await import('node:zlib')).deflateSync(target)
    await decoder.decode(source, target)
    const [here, all] = [process.threadCpuUsage(), process.cpuUsage()]
    for (let n = 0; n < 10; n++) await decoder.decode(source, target)
    const seconds = ({ user, system }) => (user + system) / 1e6
    console.log(JSON.stringify({ here: seconds(process.threadCpuUsage(here)), all: seconds(process.cpuUsage(all)) }))`
  await using child = Bun.spawn([process.execPath, '-e', program], { stdout: 'pipe' })
  const { here, all } = JSON.parse(await child.stdout.text())
  expect(await child.exited).toBe(0)
  // half of all where the loop runs in circles
  expect(here / all).toBeLessThan(0.3)
})
