/** What every store must do. `make` gives a store that holds exactly these keys. */
import { describe, expect, test } from 'bun:test'
import type { Store } from '../../src/stores/store.ts'
import { CorruptChunk } from '../../src/volume/errors.ts'

export const STORED: Record<string, Uint8Array> = {
  'a.bin': Uint8Array.from({ length: 1000 }, (_, i) => i % 251),
  'folder/b': Uint8Array.of(1, 2, 3),
  'folder/deeper/c': new Uint8Array(),
  'name with blanks & ümlaut %20 #1': Uint8Array.of(9),
}

export function describeStore(name: string, make: () => Promise<Store>): void {
  describe(name, () => {
    test.each(Object.keys(STORED))('%s is what was stored', async (key) => {
      const store = await make()
      expect(await store.get(key)).toEqual(STORED[key]!)
      expect((await store.stat(key))?.size).toBe(STORED[key]!.length)
    })

    test.each(['nothing', 'folder/nothing', 'nothing/at/all', 'a.bin/below', 'folder'])('%s is missing, which is no error', async (key) => {
      const store = await make()
      expect(await store.stat(key)).toBeUndefined()
      if (key !== 'folder') expect([await store.get(key), await store.open(key)]).toEqual([undefined, undefined])
    })

    test('ranges: inside, from the end, cut at the end, behind it', async () => {
      const store = await make()
      const all = STORED['a.bin']!
      expect(await store.get('a.bin', { start: 10, length: 20 })).toEqual(all.slice(10, 30))
      expect(await store.get('a.bin', { start: -16, length: 16 })).toEqual(all.slice(-16))
      expect(await store.get('a.bin', { start: 990, length: 100 })).toEqual(all.slice(990))
      expect(await store.get('a.bin', { start: 2000, length: 5 })).toEqual(new Uint8Array())
    })

    test('an object larger than asked for is refused', async () => {
      const store = await make()
      expect((await store.get('a.bin', undefined, undefined, 1000))?.length).toBe(1000)
      expect(await store.get('a.bin', undefined, undefined, 999).catch((error) => error)).toBeInstanceOf(CorruptChunk)
    })

    test('many keys and ranges at once are each their own', async () => {
      const store = await make()
      const all = STORED['a.bin']!
      const starts = Array.from({ length: 60 }, (_, n) => (n * 37) % 900)
      const parts = await Promise.all(starts.map((start) => store.get('a.bin', { start, length: 50 })))
      expect(parts).toEqual(starts.map((start) => all.slice(start, start + 50)))
    })

    test('an open key is current while nothing changes', async () => {
      expect(await (await (await make()).open('a.bin'))?.isCurrent()).toBe(true)
    })

    test('an open key is read at any position, and never beyond its end', async () => {
      const file = (await (await make()).open('a.bin'))!
      const target = new Uint8Array(7)
      for (const offset of [0, 500, 993]) {
        await file.read(target, offset)
        expect(target).toEqual(STORED['a.bin']!.slice(offset, offset + 7))
      }
      const beyond = (offset: number) => Promise.resolve().then(() => file.read(target, offset))
      await expect(beyond(994)).rejects.toBeInstanceOf(CorruptChunk)
      await expect(beyond(-1)).rejects.toBeInstanceOf(CorruptChunk)
    })

    test('a listing tells folders from files', async () => {
      const store = await make()
      if (!store.list) return
      const sorted = async (prefix: string) => [...(await store.list!(prefix))].sort((a, b) => (a.name < b.name ? -1 : 1))
      expect(await sorted('folder')).toEqual([
        { name: 'b', isFolder: false },
        { name: 'deeper', isFolder: true },
      ])
      expect(await sorted('nothing')).toEqual([])
    })

    test('the version stays while the bytes do', async () => {
      const store = await make()
      expect((await store.stat('a.bin'))?.version).toBe((await store.stat('a.bin'))!.version)
      expect((await store.open('a.bin'))?.version).toBe((await store.stat('a.bin'))!.version)
    })
  })
}
