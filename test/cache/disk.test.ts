import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DiskCache } from '../../src/cache/disk.ts'
import { emptyFolder } from '../support/binary.ts'

const quiet = () => {
  const said: string[] = []
  return { said, warn: (line: string) => void said.push(line) }
}
const bytes = (length: number, value = 7) => new Uint8Array(length).fill(value)
const filesOf = (folder: string) =>
  (readdirSync(folder, { recursive: true }) as string[]).filter((file) => file.endsWith('.wkcache')).map((file) => join(folder, file))
const sizeOf = (folder: string) => filesOf(folder).reduce((sum, file) => sum + statSync(file).size, 0)

test('what was put is there, also for the next process, and other keys are not', async () => {
  const folder = join(emptyFolder(), 'not/there/yet')
  const { said, warn } = quiet()
  const cache = new DiskCache(folder, 1e6, warn)
  expect(await cache.get('a')).toBeUndefined()
  await cache.put('a', bytes(1000))
  await cache.put('nothing', bytes(0))
  expect(await new DiskCache(folder, 1e6, warn).get('a')).toEqual(bytes(1000))
  expect(await cache.get('nothing')).toEqual(bytes(0))
  expect(await cache.get('b')).toBeUndefined()
  expect(said).toEqual([])
})

describe('a damaged record is deleted and not handed out', () => {
  test.each([
    ['cut short', (file: string) => truncateSync(file, 500)],
    ['empty', (file: string) => truncateSync(file, 0)],
    [
      'with a flipped bit',
      (file: string) => {
        const content = readFileSync(file)
        content[700]! ^= 1
        writeFileSync(file, content)
      },
    ],
    [
      'with a claim of a longer key',
      (file: string) => {
        const content = readFileSync(file)
        content.writeUInt32BE(0xffff_ffff, 4)
        writeFileSync(file, content)
      },
    ],
    ['of other bytes', (file: string) => writeFileSync(file, 'something else altogether')],
  ])('%s', async (_, damage) => {
    const folder = emptyFolder()
    const cache = new DiskCache(folder, 1e6, () => {})
    await cache.put('a', bytes(1000))
    const [file] = filesOf(folder)
    damage(file!)
    expect(await cache.get('a')).toBeUndefined()
    expect([cache.statistics.damaged, cache.statistics.heldBytes, filesOf(folder)]).toEqual([1, 0, []])
    await cache.put('a', bytes(1000))
    expect(await cache.get('a')).toEqual(bytes(1000))
  })

  test('that was moved to the place of another', async () => {
    const folder = emptyFolder()
    const cache = new DiskCache(folder, 1e6, () => {})
    await cache.put('a', bytes(10, 1))
    const first = filesOf(folder)[0]!
    await cache.put('b', bytes(10, 2))
    const second = filesOf(folder).find((file) => file !== first)!
    writeFileSync(second, readFileSync(first))
    expect(await cache.get('b')).toBeUndefined()
    expect(await cache.get('a')).toEqual(bytes(10, 1))
  })
})

test('the folder never holds more than the budget, and what was used last stays', async () => {
  const folder = emptyFolder()
  const cache = new DiskCache(folder, 10_000, () => {})
  for (let n = 0; n < 40; n++) {
    await cache.put(`key ${n}`, bytes(900))
    await cache.get('key 0')
    expect(sizeOf(folder)).toBeLessThanOrEqual(10_000)
  }
  expect([await cache.get('key 0'), await cache.get('key 39'), await cache.get('key 1')]).toEqual([bytes(900), bytes(900), undefined])
  expect(cache.statistics.heldBytes).toBe(sizeOf(folder))
  await cache.put('too large', bytes(5000))
  expect(await cache.get('too large')).toBeUndefined()
})

test('a later process counts what is there, throws the oldest out first and leaves other files alone', async () => {
  const folder = emptyFolder()
  const before = new DiskCache(folder, 10_000, () => {})
  for (let n = 0; n < 8; n++) await before.put(`key ${n}`, bytes(1000))
  const old = filesOf(folder)[3]!
  utimesSync(old, 1, 1)
  writeFileSync(join(folder, 'mine.txt'), 'mine')
  writeFileSync(join(old, '../mine.wkcache'), bytes(50_000))
  const after = new DiskCache(folder, 9000, () => {})
  await after.put('one more', bytes(1000))
  expect(filesOf(folder)).not.toContain(old)
  expect(filesOf(folder).length).toBeLessThan(10)
  expect(readFileSync(join(folder, 'mine.txt'), 'utf8')).toBe('mine')
  expect(statSync(join(old, '../mine.wkcache')).size).toBe(50_000)
})

test('a folder that cannot be made is said once and is no failure', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'file'), '')
  const { said, warn } = quiet()
  const cache = new DiskCache(join(folder, 'file/below'), 1e6, warn)
  await cache.put('a', bytes(10))
  await cache.put('b', bytes(10))
  expect(await cache.get('a')).toBeUndefined()
  expect([said.length, said[0]]).toEqual([1, expect.stringContaining(join(folder, 'file/below'))])
})
