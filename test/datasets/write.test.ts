import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from '../../src/datasets/lock.ts'
import { CannotWrite, changeDatasetsFile, FILE_VERSION } from '../../src/datasets/write.ts'
import { emptyFolder } from '../support/binary.ts'

const REFERENCE = '$'.concat('{NAS}/a')
const read = (file: string) => JSON.parse(readFileSync(file, 'utf8'))

describe('changing datasets.json', () => {
  test('keeps keys that are not ours and references to the environment as they are', async () => {
    const file = join(emptyFolder(), 'datasets.json')
    writeFileSync(file, JSON.stringify({ comment: 'mine', wkw: { lab: { a: { path: REFERENCE, extra: [1] } } } }))
    await changeDatasetsFile(file, (json) => {
      json['tiff'] = { lab: { b: {} } }
    })
    expect(read(file)).toEqual({
      version: FILE_VERSION,
      comment: 'mine',
      wkw: { lab: { a: { path: REFERENCE, extra: [1] } } },
      tiff: { lab: { b: {} } },
    })
  })

  test('a broken file is left as it is', async () => {
    const file = join(emptyFolder(), 'datasets.json')
    writeFileSync(file, '{"wkw": ')
    await expect(changeDatasetsFile(file, () => {})).rejects.toThrow(/broken \(line 1/)
    expect(readFileSync(file, 'utf8')).toBe('{"wkw": ')
  })

  test('a file of a newer version is left as it is', async () => {
    const file = join(emptyFolder(), 'datasets.json')
    writeFileSync(file, `{"version": ${FILE_VERSION + 1}}`)
    await expect(changeDatasetsFile(file, () => {})).rejects.toThrow(CannotWrite)
    expect(read(file).version).toBe(FILE_VERSION + 1)
  })

  test('what a link leads to is replaced, not the link', async () => {
    const [folder, elsewhere] = [emptyFolder(), emptyFolder()]
    writeFileSync(join(elsewhere, 'list.json'), '{}')
    symlinkSync(join(elsewhere, 'list.json'), join(folder, 'datasets.json'))
    await changeDatasetsFile(join(folder, 'datasets.json'), (json) => {
      json['wkw'] = {}
    })
    expect(read(join(elsewhere, 'list.json'))).toEqual({ version: FILE_VERSION, wkw: {} })
  })

  test('nothing is left beside it, also when the change fails', async () => {
    const folder = emptyFolder()
    const file = join(folder, 'datasets.json')
    await changeDatasetsFile(file, () => {})
    await expect(
      changeDatasetsFile(file, () => {
        throw new Error('no')
      }),
    ).rejects.toThrow(/was not changed: no/)
    expect(readdirSync(folder)).toEqual(['datasets.json'])
  })

  test('a folder that is not there is said with the flag for another one', async () => {
    await expect(changeDatasetsFile('/nowhere/at/all/datasets.json', () => {})).rejects.toThrow(/--state/)
  })
})

/** Adds datasets one after the other until it is killed. */
const ADDER = `
const { changeDatasetsFile } = await import(process.argv[1])
for (let n = 0; n < 1000; n++)
  await changeDatasetsFile(process.argv[2], (json) => { ((json.wkw ??= {}).lab ??= {})[process.argv[3] + n] = { path: 'x'.repeat(200) } })
`
const adder = (file: string, prefix: string) =>
  Bun.spawn([process.execPath, '-e', ADDER, join(import.meta.dir, '../../src/datasets/write.ts'), file, prefix], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, BUN_BE_BUN: '1' },
  })

test('killed at any instant it leaves the old file or the new one, and the next one goes on', async () => {
  const file = join(emptyFolder(), 'datasets.json')
  let before = 0
  for (let round = 0; round < 25; round++) {
    const child = adder(file, `r${round}_`)
    await Bun.sleep(80 + round * 7)
    child.kill('SIGKILL')
    await child.exited
    if (!existsSync(file)) continue
    const count = Object.keys(read(file).wkw.lab).length
    expect(count).toBeGreaterThanOrEqual(before)
    before = count
  }
  expect(before).toBeGreaterThan(25)
}, 30_000)

test('two processes that write at the same time lose nothing', async () => {
  const file = join(emptyFolder(), 'datasets.json')
  const children = ['a', 'b'].map((prefix) => adder(file, prefix))
  await Bun.sleep(1500)
  for (const child of children) child.kill('SIGKILL')
  await Promise.all(children.map(({ exited }) => exited))
  const names = Object.keys(read(file).wkw.lab)
  for (const prefix of ['a', 'b']) {
    const numbers = names.filter((name) => name.startsWith(prefix)).map((name) => Number(name.slice(1)))
    expect(numbers).toEqual(Array.from(numbers, (_, n) => n))
    expect(numbers.length).toBeGreaterThan(0)
  }
}, 30_000)

describe('the lock', () => {
  test('of a process that is gone is broken', async () => {
    const path = join(emptyFolder(), 'lock')
    const child = Bun.spawn(['true'])
    await child.exited
    writeFileSync(path, `${child.pid} ${(await import('node:os')).hostname()} x`)
    expect(await withLock(path, async () => 'done')).toBe('done')
    expect(existsSync(path)).toBe(false)
  })

  test('is held by one at a time', async () => {
    const path = join(emptyFolder(), 'lock')
    let inside = 0
    await Promise.all(
      Array.from({ length: 8 }, () =>
        withLock(path, async () => {
          expect(++inside).toBe(1)
          await Bun.sleep(2)
          inside--
        }),
      ),
    )
  })
})
