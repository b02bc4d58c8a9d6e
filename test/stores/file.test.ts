import { describe, expect, test } from 'bun:test'
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AllowedFolders, isInside } from '../../src/stores/allowed.ts'
import { FileStore } from '../../src/stores/file.ts'
import { FileHandles } from '../../src/stores/handles.ts'
import { FileChanged } from '../../src/stores/store.ts'
import { OutsideAllowed, UpstreamError } from '../../src/volume/errors.ts'
import { describeStore, STORED } from '../conformance/store.ts'
import { emptyFolder } from '../support/binary.ts'

function stored(): string {
  const folder = emptyFolder()
  for (const [key, bytes] of Object.entries(STORED)) {
    mkdirSync(dirname(join(folder, key)), { recursive: true })
    writeFileSync(join(folder, key), bytes)
  }
  return folder
}

const open = async (folder: string, isLocal: boolean, handles = new FileHandles()) =>
  new FileStore(folder, handles, await AllowedFolders.of([folder]), { point: folder, isLocal })

describeStore('a folder of a local disk', () => open(stored(), true))
describeStore('a folder of a network file system', () => open(stored(), false))

describe.each([true, false])('paths (local disk %p)', (sync) => {
  test.each(['../secret', 'deeper/../../secret', '/../secret'])('%s leads nowhere outside', async (key) => {
    const folder = stored()
    writeFileSync(join(folder, 'secret'), 'secret')
    const store = await open(join(folder, 'folder'), sync)
    await expect(Promise.resolve().then(() => store.get(key))).rejects.toBeInstanceOf(OutsideAllowed)
  })

  test('a name with a NUL byte is an error, not a file', async () => {
    const store = await open(stored(), sync)
    await expect(Promise.resolve().then(() => store.get('a.bin\0.txt'))).rejects.toBeInstanceOf(UpstreamError)
  })

  test('a link that stays inside is followed, one that leads out is refused with the flag that allows it', async () => {
    const folder = stored()
    const outside = stored()
    symlinkSync(join(folder, 'a.bin'), join(folder, 'inside'))
    symlinkSync(outside, join(folder, 'away'))
    const store = await open(folder, sync)
    expect((await store.get('inside'))?.length).toBe(1000)
    const acts: (() => Promise<unknown>)[] = [() => store.get('away/a.bin'), () => store.stat('away/a.bin'), () => store.list('away')]
    for (const act of acts) {
      const error = await Promise.resolve()
        .then(act)
        .then(
          () => undefined,
          (reason) => reason,
        )
      expect(error).toBeInstanceOf(OutsideAllowed)
      expect(error.message).toContain('--allow-path')
    }
    const allowed = new FileStore(folder, new FileHandles(), await AllowedFolders.of([folder, outside]), { point: folder, isLocal: sync })
    expect((await allowed.get('away/a.bin'))?.length).toBe(1000)
  })

  test('a FIFO is not waited for', async () => {
    const folder = stored()
    Bun.spawnSync(['mkfifo', join(folder, 'pipe')])
    const store = await open(folder, sync)
    expect(await store.stat('pipe')).toBeUndefined()
    await expect(Promise.resolve().then(() => store.open('pipe'))).rejects.toBeInstanceOf(UpstreamError)
  })
})

describe.each([true, false])('a file that changes while it is open (local disk %p)', (sync) => {
  const opened = async (limit?: number) => {
    const folder = stored()
    const handles = new FileHandles(limit)
    const store = await open(folder, sync, handles)
    return { folder, store, file: (await store.open('a.bin'))! }
  }
  const read = async (file: { read: (target: Uint8Array, offset: number) => unknown }, offset = 900) =>
    file.read(new Uint8Array(100), offset)

  test('cut off: said, not zeros', async () => {
    const { folder, file } = await opened()
    truncateSync(join(folder, 'a.bin'), 10)
    await expect(read(file)).rejects.toBeInstanceOf(FileChanged)
  })

  test('closed for want of handles and replaced meanwhile: said', async () => {
    const { folder, store, file } = await opened(1)
    await store.open('folder/b')
    writeFileSync(join(folder, 'new'), new Uint8Array(1000))
    renameSync(join(folder, 'new'), join(folder, 'a.bin'))
    await expect(read(file)).rejects.toBeInstanceOf(FileChanged)
    expect((await store.get('a.bin'))?.[5]).toBe(0)
  })

  test('closed for want of handles and still the same: read on', async () => {
    const { store, file } = await opened(1)
    await store.open('folder/b')
    await read(file)
  })

  test('removed: said', async () => {
    const { folder, store, file } = await opened(1)
    await store.open('folder/b')
    rmSync(join(folder, 'a.bin'))
    await expect(read(file)).rejects.toBeInstanceOf(FileChanged)
  })
})

test('however many files are read, few are open', async () => {
  const folder = emptyFolder()
  for (let n = 0; n < 200; n++) writeFileSync(join(folder, `f${n}`), Uint8Array.of(n))
  const handles = new FileHandles(16)
  const store = await open(folder, true, handles)
  const files = Array.from({ length: 200 }, (_, n) => store.open(`f${n}`) as { read(target: Uint8Array, offset: number): void })
  const target = new Uint8Array(1)
  for (let round = 0; round < 3; round++) {
    files.forEach((file, n) => {
      file.read(target, 0)
      expect(target[0]).toBe(n)
    })
  }
  expect(handles.openFiles).toBeLessThanOrEqual(16)
})

test('inside is the folder and what lies below, not what begins alike', () => {
  expect([isInside('/a/b', '/a/b'), isInside('/a/b', '/a/b/c'), isInside('/a/b', '/a/bc'), isInside('/', '/etc')]).toEqual([
    true,
    true,
    false,
    true,
  ])
})
