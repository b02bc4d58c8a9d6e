/**
 * In which file of a sharded scale a chunk lies. Spec: neuroglancer, src/datasource/precomputed/sharded.md; formats.md 2.8. Ids and hashes
 * have 64 bits and are `bigint`.
 */
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { Unusable } from '../../volume/errors.ts'
import type { Vec3 } from '../../volume/vec.ts'
import { murmurHash3 } from './murmur.ts'

export interface Sharding {
  readonly hash: 'identity' | 'murmurhash3_x86_128'
  readonly preshiftBits: number
  readonly minishardBits: number
  readonly shardBits: number
  readonly indexEncoding: 'raw' | 'gzip'
  readonly dataEncoding: 'raw' | 'gzip'
}

const Bits = Type.Integer({ minimum: 0, maximum: 64 })
const Compression = Type.Optional(Type.Union([Type.Literal('raw'), Type.Literal('gzip')]))
const ShardingJson = Type.Object(
  {
    '@type': Type.Literal('neuroglancer_uint64_sharded_v1'),
    hash: Type.Union([Type.Literal('identity'), Type.Literal('murmurhash3_x86_128')]),
    preshift_bits: Bits,
    minishard_bits: Bits,
    shard_bits: Bits,
    minishard_index_encoding: Compression,
    data_encoding: Compression,
  },
  { additionalProperties: true },
)
/** More minishards than this cannot be addressed with a position in a file. */
const MAX_MINISHARD_BITS = 32

/** Throws `Unusable`. */
export function parseSharding(json: unknown): Sharding {
  if (!Value.Check(ShardingJson, json)) {
    const problem = Value.Errors(ShardingJson, json).First()
    throw new Unusable(`its sharding at ${problem?.path || '/'}: ${problem?.message}`)
  }
  const { minishard_bits: minishardBits, shard_bits: shardBits } = json
  if (minishardBits + shardBits > 64)
    throw new Unusable(`its sharding has ${minishardBits} minishard_bits and ${shardBits} shard_bits, more than the 64 of an id`)
  if (minishardBits > MAX_MINISHARD_BITS)
    throw new Unusable(`its sharding has ${minishardBits} minishard_bits; at most ${MAX_MINISHARD_BITS} are read`)
  return {
    hash: json.hash,
    preshiftBits: json.preshift_bits,
    minishardBits,
    shardBits,
    indexEncoding: json.minishard_index_encoding ?? 'raw',
    dataEncoding: json.data_encoding ?? 'raw',
  }
}

/** Where an id is to be found: the number of its shard and of its minishard therein. */
export function placeOf(id: bigint, { hash, preshiftBits, minishardBits, shardBits }: Sharding): { shard: bigint; minishard: number } {
  const shifted = id >> BigInt(preshiftBits)
  const hashed = hash === 'identity' ? shifted : murmurHash3(shifted)
  return {
    minishard: Number(BigInt.asUintN(minishardBits, hashed)),
    shard: BigInt.asUintN(shardBits, hashed >> BigInt(minishardBits)),
  }
}

/** The name of a shard without its extension: hexadecimal, padded to the number of digits the bits need. */
export const shardName = (shard: bigint, { shardBits }: Sharding): string => shard.toString(16).padStart(Math.ceil(shardBits / 4), '0')

/** Bits an id of a chunk has in a grid of so many chunks; more than 64 cannot be sharded. */
export const mortonBits = (grid: Vec3): number => grid.reduce((sum, cells) => sum + bitsOf(cells), 0)

/**
 * A chunk's id: the bits of its place in the grid (counted from the volume's own corner), lowest first, x before y before z, leaving out
 * those that are 0 everywhere because the grid ends before.
 */
export function compressedMorton(cell: Vec3, grid: Vec3): bigint {
  let id = 0n
  let place = 0n
  const largest = Math.max(...grid)
  for (let bit = 0; 2 ** bit < largest; bit++) {
    for (let d = 0; d < 3; d++) {
      if (2 ** bit >= grid[d]!) continue
      if (Math.floor(cell[d]! / 2 ** bit) % 2 === 1) id |= 1n << place
      place++
    }
  }
  return id
}

const bitsOf = (cells: number): number => Math.ceil(Math.log2(Math.max(1, cells)))
