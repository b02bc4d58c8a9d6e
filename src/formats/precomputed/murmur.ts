/**
 * MurmurHash3_x86_128 of the eight bytes of a 64-bit number, seed 0: the low 64 of its 128 bits, as Precomputed's shards use it.
 * Eight bytes are less than a block, so all of it is tail and finish. Reference: Austin Appleby's MurmurHash3.cpp (public domain).
 */
export function murmurHash3(id: bigint, seed = 0): bigint {
  const low = Number(BigInt.asUintN(32, id))
  const high = Number(BigInt.asUintN(32, id >> 32n))
  let h1 = seed
  let h2 = seed
  let h3 = seed
  let h4 = seed
  h2 ^= Math.imul(rotate(Math.imul(high, 0xab0e9789), 16), 0x38b34ae5)
  h1 ^= Math.imul(rotate(Math.imul(low, 0x239b961b), 15), 0xab0e9789)
  h1 ^= 8
  h2 ^= 8
  h3 ^= 8
  h4 ^= 8
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  h3 = (h3 + h1) | 0
  h4 = (h4 + h1) | 0
  h1 = mix(h1)
  h2 = mix(h2)
  h3 = mix(h3)
  h4 = mix(h4)
  h1 = (h1 + h2 + h3 + h4) | 0
  h2 = (h2 + h1) | 0
  return (BigInt(h2 >>> 0) << 32n) | BigInt(h1 >>> 0)
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

function mix(word: number): number {
  word ^= word >>> 16
  word = Math.imul(word, 0x85ebca6b)
  word ^= word >>> 13
  word = Math.imul(word, 0xc2b2ae35)
  return word ^ (word >>> 16)
}
