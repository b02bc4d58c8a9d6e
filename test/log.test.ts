/** A problem that repeats is said once, then summed up, also when it does not come back. */
import { expect, test } from 'bun:test'
import { createLog } from '../src/log.ts'

const REPEAT_MS = 60

async function linesOf(work: (trouble: (topic: string) => void) => Promise<void> | void, format: 'text' | 'json' = 'text') {
  const lines: string[] = []
  const log = createLog(format, (line) => lines.push(line), REPEAT_MS)
  await work((topic) => log.trouble(topic, `${topic} fails`))
  return lines
}

test('what comes again is kept back and counted when the time is over', async () => {
  const lines = await linesOf(async (trouble) => {
    for (let n = 0; n < 5; n++) trouble('disk')
    await Bun.sleep(3 * REPEAT_MS)
  })
  expect(lines).toEqual([expect.stringMatching(/disk fails$/), expect.stringMatching(/disk fails \(4 more within 0 s\)$/)])
})

test('what came once is said once; after a quiet time it is news again', async () => {
  const lines = await linesOf(async (trouble) => {
    trouble('disk')
    await Bun.sleep(3 * REPEAT_MS)
    trouble('disk')
  })
  expect(lines.map((line) => line.replace(/^.*? .*? /, ''))).toEqual(['disk fails', 'disk fails'])
})

test('topics do not hide each other, and a flood of them stays bounded and counted', async () => {
  const lines = await linesOf((trouble) => {
    trouble('first')
    trouble('first')
    for (let n = 0; n < 1000; n++) trouble(`topic ${n}`)
  })
  expect(lines).toHaveLength(1002)
  expect(lines.filter((line) => line.includes('first fails (1 more'))).toHaveLength(1)
})

test('control characters of a name do not reach the terminal; JSON stays one object a line', async () => {
  const [line] = await linesOf((trouble) => trouble('\u001b[2J\nx'))
  expect(line).toEndWith('?[2J x fails')
  const [json] = await linesOf((trouble) => trouble('a'), 'json')
  expect(JSON.parse(json!)).toMatchObject({ level: 'error', message: 'a fails' })
})
