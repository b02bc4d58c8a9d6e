/** Blosc containers of the reference writers, and what is done to such bytes by accident or on purpose. */
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { blosc } from '../../codecs/blosc.ts'
import { CodecError } from '../../codecs/codec.ts'
import index from '../golden/boss.json'
import { goldenFile } from '../support/boss-server.ts'
import { sha256 } from '../support/golden.ts'

const vectors = index.vectors
const file = (name: string) => goldenFile(`codec/${name}.blosc`)
const decode = (bytes: Uint8Array, size: number): Uint8Array => {
  const target = new Uint8Array(size)
  return target.subarray(0, blosc.decode(bytes, target))
}
const changed = (name: string, change: (bytes: Uint8Array, view: DataView) => void): Uint8Array => {
  const bytes = new Uint8Array(file(name))
  change(bytes, new DataView(bytes.buffer))
  return bytes
}

describe('decodes to what the reference decodes', () => {
  test.each(vectors.map((vector) => [vector.file, vector] as const))('%s', (name, { size, sha256: sum }) => {
    expect(sha256(decode(goldenFile(name), size))).toBe(sum)
  })

  test('every codec, both shuffles, copies and split blocks are among them', () => {
    const flags = vectors.map(({ header }) => header[2]!)
    expect([...new Set(flags.map((flag) => flag >> 5))].sort()).toEqual([0, 1, 2, 3, 4])
    for (const bit of [1, 2, 4, 16]) expect(flags.some((flag) => flag & bit)).toBe(true)
    expect(vectors.some(({ header: [, , flag, size], size: bytes }) => !(flag! & 18) && size! > 1 && bytes > 4096)).toBe(true)
  })

  test.each(['zstd-uint32-plain', 'zstd-uint32-bytes', 'zstd-uint32-bits', 'zstd-uint64-bytes'])(
    '%s: a block stored like the one before, and one that is not',
    (name) => {
      const whole = decode(file(name), new DataView(file(name).buffer, file(name).byteOffset).getUint32(4, true))
      const block = 4096
      const alike = decode(
        changed(name, (_, view) => view.setUint32(20, view.getUint32(16, true), true)),
        whole.length,
      )
      expect(alike.subarray(0, block)).toEqual(whole.subarray(0, block))
      expect(alike.subarray(block, 2 * block)).toEqual(whole.subarray(0, block))
      expect(alike.subarray(2 * block)).toEqual(whole.subarray(2 * block))
    },
  )

  test('a last block that is shorter, stored like the one before, is read for itself', () => {
    // a whole block is 4096 bytes; stored like it, the last one holds more than there is room for
    const last = changed('zstd-uint32-bytes', (_, view) => view.setUint32(24, view.getUint32(20, true), true))
    expect(() => decode(last, 12000)).toThrow(CodecError)
  })

  test('bytes behind the end are nobody’s', () => {
    const bytes = new Uint8Array([...file('lz4-uint16-bytes'), 1, 2, 3])
    expect(decode(bytes, 4000)).toEqual(decode(file('lz4-uint16-bytes'), 4000))
  })
})

describe('refuses', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['no bytes', new Uint8Array(), /0 bytes, its header alone has 16/],
    ['a header cut off', file('memcpy').slice(0, 15), /15 bytes/],
    ['more than fits', changed('memcpy', (_, view) => view.setUint32(4, 0xffff_ffff, true)), /holds 4294967295 bytes, at most 4000/],
    ['an end behind its bytes', changed('memcpy', (_, view) => view.setUint32(12, 9999, true)), /says it has 9999 bytes, there are/],
    ['a copy that is shorter than it says', changed('memcpy', (_, view) => view.setUint32(4, 4000, true)), /holds 4000 bytes as they are/],
    ['Blosc 2', changed('lz4-uint16-bytes', (bytes) => void (bytes[0] = 5)), /version 5/],
    ['elements without bytes', changed('lz4-uint16-bytes', (bytes) => void (bytes[3] = 0)), /elements have no bytes/],
    ['an unknown codec', changed('lz4-uint16-bytes', (bytes) => void (bytes[2]! |= 0xe0)), /codec 7/],
    ['both shuffles', changed('lz4-uint16-bytes', (bytes) => void (bytes[2]! |= 5)), /both bytes and bits/],
    ['blocks of no bytes', changed('lz4-uint16-bytes', (_, view) => view.setUint32(8, 0, true)), /blocks of 0 bytes/],
    ['more blocks than there is room for', changed('lz4-uint16-bytes', (_, view) => view.setUint32(8, 1, true)), /places of 4000 blocks/],
    [
      'a block that begins behind the end',
      changed('lz4-uint16-bytes', (_, view) => view.setUint32(16, 60_000, true)),
      /block 0 is said to begin at byte 60000/,
    ],
    [
      'a block that begins in the header',
      changed('lz4-uint16-bytes', (_, view) => view.setUint32(16, 4, true)),
      /block 0 is said to begin at byte 4/,
    ],
    [
      'a stream of negative length',
      changed('typesize-24-bytes', (_, view) => view.setInt32(view.getUint32(16, true), -5, true)),
      /block 0 has -5 bytes/,
    ],
    [
      'a stream longer than its block',
      changed('typesize-24-bytes', (_, view) => view.setInt32(view.getUint32(16, true), 5000, true)),
      /block 0 has 5000 bytes/,
    ],
  ]
  test.each(cases)('%s', (_, bytes, reason) => {
    const target = new Uint8Array(4000)
    expect(() => blosc.decode(bytes, target)).toThrow(reason)
    expect(() => blosc.decode(bytes, target)).toThrow(CodecError)
  })

  test('a container cut off anywhere', () => {
    for (const { file: name, size } of vectors) {
      const bytes = goldenFile(name)
      for (const length of [17, bytes.length >> 1, bytes.length - 1]) expect(() => decode(bytes.slice(0, length), size)).toThrow(CodecError)
    }
  })
})

test('whatever is changed: an error or as many bytes as it says, within what it was given', () => {
  const originals = vectors.map((vector) => ({ ...vector, bytes: goldenFile(vector.file) }))
  fc.assert(
    fc.property(
      fc.constantFrom(...originals),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
      ({ bytes, size }, changes) => {
        const broken = new Uint8Array(bytes)
        for (const [at, value] of changes) broken[at % broken.length] = value
        const guarded = new Uint8Array(size + 64).fill(0xaa)
        try {
          expect(blosc.decode(broken, guarded.subarray(0, size))).toBeLessThanOrEqual(size)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
        expect(guarded.subarray(size).every((byte) => byte === 0xaa)).toBe(true)
      },
    ),
    { numRuns: 3000 },
  )
})
