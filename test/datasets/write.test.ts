import { describe, expect, test } from 'bun:test'
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
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

/** Adds datasets one after the other, from number `from` on, and says each one that is stored, until it is killed. */
const ADDER = `
const { changeDatasetsFile } = await import(process.argv[1])
const [file, prefix, from] = process.argv.slice(2)
for (let n = Number(from); n < 1000; n++) {
  await changeDatasetsFile(file, (json) => { ((json.wkw ??= {}).lab ??= {})[prefix + n] = { path: 'x'.repeat(200) } })
  require('node:fs').writeSync(1, n + '\\n')
}
`
const adder = (file: string, prefix: string, from = 0) =>
  Bun.spawn([process.execPath, '-e', ADDER, join(import.meta.dir, '../../src/datasets/write.ts'), file, prefix, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, BUN_BE_BUN: '1' },
  })

/** `WKCONNECT_ADDS=1000` makes it as many as are promised. */
const ADDS = Number(process.env['WKCONNECT_ADDS'] ?? 60)

test(
  'killed at any instant it leaves the old file or the new one, and the next one goes on',
  async () => {
    const file = join(emptyFolder(), 'datasets.json')
    let stored = 0
    let kills = 0
    for (; stored < ADDS; kills++) {
      const child = adder(file, 'd', stored)
      const reader = child.stdout.getReader()
      let said = new TextDecoder().decode((await reader.read()).value)
      // each takes a millisecond or two
      await Bun.sleep(Math.random() * 10)
      child.kill('SIGKILL')
      await child.exited
      for (let part = await reader.read(); !part.done; part = await reader.read()) said += new TextDecoder().decode(part.value)
      const acknowledged = stored + said.split('\n').length - 1
      const names = Object.keys(read(file).wkw.lab)
      expect(names).toEqual(names.map((_, n) => `d${n}`))
      // what was acknowledged is there, and at most the one under way beside it
      expect([acknowledged, acknowledged + 1]).toContain(names.length)
      stored = names.length
    }
    expect(kills).toBeGreaterThan(ADDS / 60)
    // the last one may have left its file; the next one removes what all have left
    await changeDatasetsFile(file, () => {})
    expect(readdirSync(join(file, '..'))).toEqual(['datasets.json'])
  },
  30_000 + ADDS * 1000,
)

test('two processes that write at the same time lose nothing', async () => {
  const file = join(emptyFolder(), 'datasets.json')
  const children = ['a', 'b'].map((prefix) => adder(file, prefix))
  // on a busy machine one may begin long after the other
  await Promise.all(children.map(({ stdout }) => stdout.getReader().read()))
  await Bun.sleep(500)
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
    writeFileSync(path, `${child.pid} ${hostname()} x`)
    expect(await withLock(path, async () => 'done')).toBe('done')
    expect(existsSync(path)).toBe(false)
  })

  test.each([
    ['of a process id that somebody else has by now', () => `${process.pid} ${hostname()} x`],
    ['of another machine', () => '1 elsewhere x'],
    ['that was never written', () => ''],
  ])('%s is broken when nothing happens to it', async (_, text) => {
    const path = join(emptyFolder(), 'lock')
    writeFileSync(path, text())
    expect(await withLock(path, async (isHeld) => isHeld(), 100)).toBe(true)
    expect(existsSync(path)).toBe(false)
  })

  test('that was taken over is known to be lost, and left to the new holder', async () => {
    const path = join(emptyFolder(), 'lock')
    const held = withLock(path, async (isHeld) => {
      writeFileSync(path, '1 elsewhere x')
      return isHeld()
    })
    expect([await held, existsSync(path)]).toEqual([false, true])
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
