import { describe, expect, test } from 'bun:test'
import { Busy, Gate } from '../../src/api/gate.ts'

const spin = (ms: number): void => {
  for (const until = performance.now() + ms; performance.now() < until; );
}

describe('a gate', () => {
  test('takes so many, refuses the next, and takes it when one has left', () => {
    const gate = new Gate(2)
    gate.enter()
    gate.enter()
    expect(() => gate.enter()).toThrow(Busy)
    expect([gate.underWay, gate.refused]).toEqual([2, 1])
    gate.leave()
    gate.enter()
    expect(gate.underWay).toBe(2)
  })

  test('after a slice of work everybody else has a turn, and the order stays', async () => {
    const gate = new Gate(100)
    const order: string[] = []
    const work = async (n: number) => {
      const turn = gate.turn()
      if (turn) await turn
      spin(2)
      order.push(`work ${n}`)
    }
    const all = Array.from({ length: 6 }, (_, n) => work(n))
    setImmediate(() => order.push('somebody else'))
    await Promise.all(all)
    await new Promise((resolve) => setImmediate(resolve))
    expect(order.filter((word) => word !== 'somebody else')).toEqual([0, 1, 2, 3, 4, 5].map((n) => `work ${n}`))
    const at = order.indexOf('somebody else')
    expect([at > 0, at < 5]).toEqual([true, true])
  })

  test('also where nobody has counted rounds yet, as between small requests', async () => {
    const gate = new Gate(100)
    gate.turn()
    await Bun.sleep(5)
    gate.turn()
    const order: string[] = []
    const work = async () => {
      const turn = gate.turn()
      if (turn) await turn
      spin(2)
      order.push('work')
    }
    const all = Array.from({ length: 10 }, work)
    setImmediate(() => order.push('somebody else'))
    await Promise.all(all)
    expect(order.indexOf('somebody else')).toBeLessThan(7)
  })

  test('small requests one after the other hardly ever wait', async () => {
    const gate = new Gate(1)
    let waits = 0
    for (let n = 0; n < 1000; n++) {
      const turn = gate.turn()
      if (turn) waits++
      await turn
      spin(0.02)
      if (n % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
    }
    // not never: a test that is held up in the middle of a round has used up its slice
    expect(waits).toBeLessThan(100)
  })

  test('who asks alone never waits', async () => {
    const gate = new Gate(1)
    for (let n = 0; n < 5; n++) {
      expect(gate.turn()).toBeUndefined()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  })

  test('two slabs at a time, the others in order; who has left gets none and holds up nobody', async () => {
    const gate = new Gate(10)
    const order: number[] = []
    const ends: (() => void)[] = []
    const read = (n: number) => () => {
      order.push(n)
      return new Promise<number>((resolve) => ends.push(() => resolve(n)))
    }
    const left = new AbortController()
    const slabs = [0, 1, 2, 3, 4].map((n) => gate.slab(read(n), false, n === 2 ? left.signal : undefined))
    const outcomes = Promise.allSettled(slabs)
    expect([order, gate.waiting]).toEqual([[0, 1], 3])
    left.abort(new Error('left'))
    for (let n = 0; n < 5; n++) {
      ends.shift()?.()
      await Bun.sleep(1)
    }
    expect((await outcomes).map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as Error).message))).toEqual([
      0,
      1,
      'left',
      3,
      4,
    ])
    expect([order, gate.waiting]).toEqual([[0, 1, 3, 4], 0])
  })

  test('slabs that wait for something else hold up none that do not', async () => {
    const gate = new Gate(10)
    const never = Array.from({ length: 5 }, () => gate.slab(() => new Promise<never>(() => {}), true))
    expect([await gate.slab(async () => 'read', false), gate.waiting, never.length]).toEqual(['read', 1, 5])
  })

  test('who waits too long is told to come again', async () => {
    const gate = new Gate(10)
    for (let n = 0; n < 2; n++) void gate.slab(() => new Promise<never>(() => {}), false)
    const line = gate.patience(undefined, 5)
    const late = gate.slab(async () => 'read', false, line.signal)
    expect(await late.catch((error) => error)).toBeInstanceOf(Busy)
    expect([gate.refused, gate.waiting]).toEqual([1, 0])
  })

  test('a slab that fails makes room', async () => {
    const gate = new Gate(10)
    const fail = () => gate.slab(() => Promise.reject(new Error('damaged')), false)
    const results = await Promise.allSettled([fail(), fail(), fail(), gate.slab(async () => 'read', false)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled'])
  })
})
