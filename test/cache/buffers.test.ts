import { expect, test } from 'bun:test'
import { Answers, LARGE_BYTES } from '../../src/cache/answers.ts'
import { Buffers } from '../../src/cache/buffers.ts'
import { sizeClass } from '../../src/cache/slabs.ts'
import { Tables } from '../../src/cache/tables.ts'

const KIB = 1024

test('what is given back is used again', () => {
  const buffers = new Buffers(64 * KIB, 64 * KIB)
  const first = buffers.take(5000) as Uint8Array
  buffers.giveBack(first)
  expect(buffers.take(5500)).toBe(first)
})

test('who would exceed the limit waits, first come first served', async () => {
  const buffers = new Buffers(64 * KIB, 0)
  const first = buffers.take(48 * KIB) as Uint8Array
  const order: string[] = []
  const large = Promise.resolve(buffers.take(48 * KIB)).then((buffer) => order.push('large') && buffer)
  const small = Promise.resolve(buffers.take(4 * KIB)).then((buffer) => order.push('small') && buffer)
  await Bun.sleep(1)
  expect([order, buffers.usedBytes]).toEqual([[], 48 * KIB])
  buffers.giveBack(first)
  await Promise.all([large, small])
  expect(order).toEqual(['large', 'small'])
  expect(buffers.usedBytes).toBeLessThanOrEqual(64 * KIB)
})

test('one buffer larger than the limit is granted when nothing else is in use', () => {
  const buffers = new Buffers(8 * KIB, 0)
  expect((buffers.take(100 * KIB) as Uint8Array).length).toBeGreaterThanOrEqual(100 * KIB)
})

test('not more than asked for is kept', () => {
  const buffers = new Buffers(1024 * KIB, 20 * KIB)
  const taken = Array.from({ length: 10 }, () => buffers.take(8 * KIB) as Uint8Array)
  for (const buffer of taken) buffers.giveBack(buffer)
  expect([buffers.usedBytes, buffers.keptBytes <= 20 * KIB]).toEqual([0, true])
})

test('size classes waste at most a third', () => {
  for (const bytes of [1, 4096, 4097, 32768, 98304, 98305, 262144, 1e6, 2 ** 27]) {
    const size = sizeClass(bytes)
    expect(size).toBeGreaterThanOrEqual(bytes)
    if (bytes >= 4096) expect(size).toBeLessThan(bytes * 1.5)
  }
})

test('tables: made once for all who ask, failures and absences not kept, oldest out first', async () => {
  const tables = new Tables(3000)
  let made = 0
  const make = async () => ({ n: ++made })
  const weigh = () => 1000
  const [a, b] = await Promise.all([tables.get('x', make, weigh), tables.get('x', make, weigh)])
  expect([a, b, made]).toEqual([{ n: 1 }, { n: 1 }, 1])
  await expect(Promise.resolve(tables.get('bad', async () => Promise.reject(new Error('no')), weigh))).rejects.toThrow('no')
  expect(await tables.get('bad', async () => ({ n: 5 }), weigh)).toEqual({ n: 5 })
  expect([tables.get('absent', () => undefined, weigh), tables.get('absent', () => ({ n: 6 }), weigh)]).toEqual([undefined, { n: 6 }])
  expect(tables.heldBytes).toBeLessThanOrEqual(3000)
  expect(tables.get('x', () => ({ n: 7 }), weigh)).toEqual({ n: 7 })
  tables.drop('')
  expect(tables.heldBytes).toBe(0)
})

test('who leaves the line lets those behind in', async () => {
  const buffers = new Buffers(64 * KIB, 0)
  const first = buffers.take(48 * KIB) as Uint8Array
  const away = new AbortController()
  const large = Promise.resolve(buffers.take(48 * KIB, away.signal)).catch((error: Error) => error.message)
  const small = Promise.resolve(buffers.take(4 * KIB))
  expect(buffers.waiting).toBe(2)
  away.abort(new Error('left'))
  expect([await large, (await small).length, buffers.waiting]).toEqual(['left', 4 * KIB, 0])
  buffers.giveBack(await small)
  buffers.giveBack(first)
  expect(buffers.usedBytes).toBe(0)
})

test('answers: large ones leave half of the memory to small ones', async () => {
  const answers = new Answers(8 * LARGE_BYTES, 0)
  const large = [1, 2].map(() => answers.take(2 * LARGE_BYTES) as Uint8Array)
  const third = Promise.resolve(answers.take(LARGE_BYTES + 1))
  expect(answers.waiting).toBe(1)
  const small = [1, 2, 3, 4].map(() => answers.take(LARGE_BYTES))
  expect(small.every((buffer) => buffer instanceof Uint8Array)).toBe(true)
  for (const buffer of [...large, ...(small as Uint8Array[])]) answers.giveBack(buffer)
  answers.giveBack(await third)
  expect([answers.usedBytes, answers.waiting]).toEqual([0, 0])
})
