import { describe, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { AllowedFolders } from '../../src/stores/allowed.ts'
import { FileStore } from '../../src/stores/file.ts'
import { FileHandles } from '../../src/stores/handles.ts'
import { withCompressedSiblings } from '../../src/stores/siblings.ts'
import { CorruptChunk } from '../../src/volume/errors.ts'
import { emptyFolder } from '../support/binary.ts'

const bytes = new Uint8Array(5000).fill(3)
const folder = emptyFolder()
const write = (name: string, body: Uint8Array) => writeFileSync(join(folder, name), body)
write('gzip.gz', Bun.gzipSync(bytes))
write('brotli.br', brotliCompressSync(bytes))
write('zstd.zstd', Bun.zstdCompressSync(bytes))
write('both', Uint8Array.of(1))
write('both.gz', Bun.gzipSync(bytes))
write('broken.gz', Bun.gzipSync(bytes).slice(0, 20))
write('bomb.gz', Bun.gzipSync(new Uint8Array(5_000_000)))
const store = async () => withCompressedSiblings(new FileStore(folder, new FileHandles(), await AllowedFolders.of([folder])))

describe('objects that lie compressed beside their name', () => {
  test.each(['gzip', 'brotli', 'zstd'])('%s', async (key) => expect(await (await store()).get(key)).toEqual(bytes))
  test('the plain name counts first', async () => expect(await (await store()).get('both')).toEqual(Uint8Array.of(1)))
  test('nothing there is missing', async () => expect(await (await store()).get('nothing')).toBeUndefined())
  test('a range is only of the plain object', async () =>
    expect(await (await store()).get('gzip', { start: 0, length: 4 })).toBeUndefined())
  test.each(['broken', 'bomb'])('%s: damaged, with the file named', async (key) => {
    const error = await (await store()).get(key, undefined, undefined, 1_000_000).catch((reason) => reason)
    expect(error).toBeInstanceOf(CorruptChunk)
    expect(error.message).toContain(`${key}.gz`)
  })
})
