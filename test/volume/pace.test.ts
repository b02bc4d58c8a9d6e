import { expect, test } from 'bun:test'
import { Pace } from '../../src/volume/pace.ts'

const busy = (ms: number) => {
  for (const end = performance.now() + ms; performance.now() < end; );
}

test('many long answers together leave the event loop free as often as one does, and all get on', async () => {
  const done = new Array(20).fill(0)
  let isOver = false
  const longAnswer = async (n: number) => {
    const pace = new Pace()
    while (done[n] < 10) {
      busy(1.5)
      done[n]++
      if (pace.due()) await pace.turn()
    }
  }
  const gaps: number[] = []
  const watch = async () => {
    await new Promise((resolve) => setImmediate(resolve))
    for (let last = performance.now(); !isOver; last = performance.now()) {
      await new Promise((resolve) => setImmediate(resolve))
      gaps.push(performance.now() - last)
    }
  }
  const watching = watch()
  await Promise.all(done.map((_, n) => longAnswer(n)))
  isOver = true
  await watching
  expect(done).toEqual(new Array(20).fill(10))
  // 300 ms of work: in turns of all twenty there would be ten rounds, each of 30 ms
  expect(gaps.length).toBeGreaterThan(50)
})

test('who waits longest goes first', async () => {
  const order: number[] = []
  await Promise.all(
    [0, 1, 2].map(async (n) => {
      const pace = new Pace()
      for (let round = 0; round < 2; round++) {
        await pace.turn()
        order.push(n)
      }
    }),
  )
  expect(order).toEqual([0, 1, 2, 0, 1, 2])
})
