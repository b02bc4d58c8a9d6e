/** Vectors of tensorstore and cloud-volume (formats.md 8), and indices that lie. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resources } from '../../../src/datasets/open.ts'
import { murmurHash3 } from '../../../src/formats/precomputed/murmur.ts'
import {
  compressedMorton,
  mortonBits,
  parseSharding,
  placeOf,
  type Sharding,
  shardName,
} from '../../../src/formats/precomputed/sharding.ts'
import { Shards } from '../../../src/formats/precomputed/shards.ts'
import type { Store } from '../../../src/stores/store.ts'
import { CorruptChunk } from '../../../src/volume/errors.ts'
import { emptyFolder } from '../../support/binary.ts'
import { GOLDEN } from '../../support/golden.ts'
import { makeResources, openPath, readBox } from '../../support/open.ts'

let resources: Resources
beforeAll(async () => {
  resources = await makeResources()
})
afterAll(() => resources.pool.close())

const sharding = (hash: Sharding['hash'], preshiftBits: number, minishardBits: number, shardBits: number): Sharding => ({
  hash,
  preshiftBits,
  minishardBits,
  shardBits,
  indexEncoding: 'raw',
  dataEncoding: 'raw',
})

describe('MurmurHash3_x86_128', () => {
  test.each([
    [0n, 0, 0xe028ae41, 0x4772b084],
    [0n, 1, 0x5ad58a7e, 0x54337108],
    [0n, 2, 0x64010da2, 0x62e8bc17],
    [1n, 0, 0x16d4ce9a, 0xe8bd67d6],
    [1n, 1, 0x4b7ab8c6, 0xeb555955],
    [1n, 2, 0xeb2301be, 0x48e12494],
    [42n, 0, 0x5119f47a, 0xc20b94f9],
    [42n, 1, 0xd6b51bca, 0xa25ad86b],
    [42n, 2, 0x2d83d9c7, 0x082115eb],
  ])('of %p with seed %d', (id, seed, h1, h2) => {
    expect(murmurHash3(id, seed)).toBe((BigInt(h2) << 32n) | BigInt(h1))
  })
})

describe('the place of an id', () => {
  test.each([
    [1822975381n, sharding('murmurhash3_x86_128', 6, 11, 7), 18, '42'],
    [0b10101010n, sharding('identity', 2, 3, 3), 2, '5'],
    [7n, sharding('identity', 0, 0, 0), 0, '0'],
    [2n ** 64n - 1n, sharding('identity', 0, 4, 60), 15, 'fffffffffffffff'],
  ])('%p', (id, spec, minishard, name) => {
    const place = placeOf(id, spec)
    expect([place.minishard, shardName(place.shard, spec)]).toEqual([minishard, name])
  })

  test('of a chunk in a large image', () => {
    const [chunk, size] = [
      [128, 128, 16],
      [248832, 134144, 7063],
    ] as const
    const cell = [144689, 52487, 2829].map((at, d) => Math.floor(at / chunk[d]!)) as [number, number, number]
    const grid = size.map((edge, d) => Math.ceil(edge / chunk[d]!)) as [number, number, number]
    const spec = sharding('identity', 9, 6, 16)
    expect(shardName(placeOf(compressedMorton(cell, grid), spec).shard, spec)).toBe('458d')
  })
})

test.each([
  [[1, 0, 0], [3, 3, 3], 1n],
  [[2, 0, 0], [3, 3, 3], 8n],
  [[2, 2, 0], [3, 3, 3], 0b11000n],
  [[2, 2, 1], [3, 3, 3], 0b11100n],
  [[1, 2, 0], [2, 3, 1], 0b101n],
  [[3, 3, 0], [4, 4, 1], 0b1111n],
  [[5, 5, 0], [8, 8, 2], 0b1100011n],
  [[2 ** 31 - 1, 0, 2 ** 31 - 1], [2 ** 31, 1, 2 ** 31], 2n ** 62n - 1n],
] as [[number, number, number], [number, number, number], bigint][])('compressed Morton code of %p in %p', (cell, grid, id) => {
  expect(compressedMorton(cell, grid)).toBe(id)
})

test('bits of an id: as many as the grid needs', () => {
  expect([
    mortonBits([1, 1, 1]),
    mortonBits([3, 3, 3]),
    mortonBits([2 ** 22, 2 ** 21, 2 ** 21]),
    mortonBits([2 ** 22, 2 ** 22, 2 ** 21]),
  ]).toEqual([0, 6, 64, 65])
})

test.each([
  [{ minishard_bits: 60, shard_bits: 5 }, /more than the 64/],
  [{ minishard_bits: 40 }, /at most 32/],
  [{ hash: 'md5' }, /hash/],
  [{ preshift_bits: -1 }, /preshift_bits/],
  [{ data_encoding: 'zip' }, /data_encoding/],
])('sharding with %p is refused', (change, reason) => {
  const good = { '@type': 'neuroglancer_uint64_sharded_v1', hash: 'identity', preshift_bits: 0, minishard_bits: 1, shard_bits: 1 }
  expect(() => parseSharding({ ...good, ...change })).toThrow(reason)
})

/** A store in memory that counts what is read. */
function memoryStore(files: Readonly<Record<string, Uint8Array>>): Store & { readonly reads: string[] } {
  const reads: string[] = []
  return {
    url: 'memory',
    reads,
    async stat(key) {
      return files[key] && { size: files[key].length, version: '1' }
    },
    async get(key) {
      return files[key]
    },
    open(key) {
      const bytes = files[key]
      reads.push(`open ${key}`)
      if (!bytes) return undefined
      return {
        name: key,
        size: bytes.length,
        version: '1',
        read(target, offset) {
          reads.push(`${key} ${offset}+${target.length}`)
          target.set(bytes.subarray(offset, offset + target.length))
        },
        isCurrent: async () => true,
      }
    },
  }
}

/** One shard of one minishard with these rows of ids, gaps and sizes, after `data` bytes. */
function shardFile(rows: readonly (readonly [bigint, bigint, bigint])[], data: number, table?: readonly [bigint, bigint]): Uint8Array {
  const index = new BigUint64Array(rows.length * 3)
  rows.forEach((row, n) => {
    for (const [k, value] of row.entries()) index[k * rows.length + n] = value
  })
  const head = BigUint64Array.from(table ?? [BigInt(data), BigInt(data + index.byteLength)])
  return Buffer.concat([new Uint8Array(head.buffer), new Uint8Array(data).fill(7), new Uint8Array(index.buffer)])
}

describe('an index', () => {
  const shardsOf = (file: Uint8Array, store = memoryStore({ 's/0.shard': file })) => ({
    store,
    shards: new Shards({
      id: `test${Math.random()}`,
      store,
      folder: 's',
      sharding: sharding('identity', 0, 0, 0),
      tables: resources.tables,
    }),
  })

  test('is read once; the second id of a minishard costs no read before its own', () => {
    const { shards, store } = shardsOf(
      shardFile(
        [
          [5n, 0n, 10n],
          [2n ** 60n, 2n, 8n],
        ],
        20,
      ),
    )
    expect(shards.find(5n)).toMatchObject({ start: 16, length: 10 })
    const before = store.reads.length
    expect(shards.find(5n + 2n ** 60n)).toMatchObject({ start: 28, length: 8 })
    expect(shards.find(6n)).toBeUndefined()
    expect([before, store.reads.length]).toEqual([3, 3])
  })

  test('whose ids are in no order is searched all the same', () => {
    const { shards } = shardsOf(
      shardFile(
        [
          [9n, 0n, 4n],
          [2n ** 64n - 4n, 0n, 6n],
        ],
        20,
      ),
    )
    expect(shards.find(5n)).toMatchObject({ start: 20, length: 6 })
  })

  test.each([
    ['ends behind the file', shardFile([[5n, 0n, 10n]], 20, [20n, 2000n])],
    ['ends before it begins', shardFile([[5n, 0n, 10n]], 20, [20n, 10n])],
    ['lies beyond all files', shardFile([[5n, 0n, 10n]], 20, [2n ** 63n, 2n ** 63n + 24n])],
    ['is no whole number of rows', shardFile([[5n, 0n, 10n]], 20, [20n, 43n])],
    ['names bytes behind the file', shardFile([[5n, 0n, 1000n]], 20)],
    ['names bytes beyond all files', shardFile([[5n, 2n ** 64n - 1n, 2n ** 64n - 1n]], 20)],
    ['is cut within its table', new Uint8Array(9)],
  ])('that %s is damage', (_, file) => {
    expect(() => shardsOf(file).shards.find(5n)).toThrow(CorruptChunk)
  })

  test('an index that would unpack to gigabytes is refused', async () => {
    const bomb = Bun.gzipSync(new Uint8Array(80 * 1024 * 1024))
    const head = BigUint64Array.from([0n, BigInt(bomb.length)])
    const store = memoryStore({ 's/0.shard': Buffer.concat([new Uint8Array(head.buffer), bomb]) })
    const spec = { ...sharding('identity', 0, 0, 0), indexEncoding: 'gzip' as const }
    const shards = new Shards({ id: 'bomb', store, folder: 's', sharding: spec, tables: resources.tables })
    await expect(Promise.try(() => shards.find(1n))).rejects.toThrow(/holds more than the 67108864 bytes/)
  })
})

test('a chunk damaged within its shard fails alone', async () => {
  const folder = join(emptyFolder(), 'shard_identity')
  cpSync(join(GOLDEN, 'data/precomputed/shard_identity'), folder, { recursive: true })
  const shard = join(folder, '4_4_40', readdirSync(join(folder, '4_4_40'))[0]!)
  const bytes = readFileSync(shard)
  // the first chunk follows the table of one minishard
  bytes.fill(0xff, 16, 60)
  writeFileSync(shard, bytes)
  expect(statSync(shard).size).toBe(bytes.length)
  const { layers } = await openPath(folder, resources)
  const [layer] = layers
  const at = layer!.mags[0]!.arrays[0]!.gridOrigin
  await expect(readBox(layer!, [1, 1, 1], at, [16, 16, 16])).rejects.toThrow(/4_4_40.*compressed_segmentation/)
  const neighbour = await readBox(layer!, [1, 1, 1], [at[0] + 16, at[1], at[2]], [16, 16, 16])
  expect(neighbour.some((byte) => byte > 0)).toBe(true)
})
