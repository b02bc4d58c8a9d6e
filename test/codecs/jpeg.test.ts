import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CodecError } from '../../codecs/codec.ts'
import { loadCodec } from '../../codecs/index.ts'
import { decodeBaseline } from '../../codecs/jpeg-baseline.ts'
import cases from '../golden/jpeg.json'
import { GOLDEN, sha256 } from '../support/golden.ts'
import { seededRandom } from '../support/random.ts'

const jpeg = await loadCodec('jpeg')
const read = (name: string) => new Uint8Array(readFileSync(join(GOLDEN, 'data/jpeg', `${name}.jpg`)))
const bytesOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)
const optionsOf = (shape: readonly number[]) => ({ components: shape[2] ?? 1, colour: shape.length === 3 ? 'ycbcr' : 'grey' })

/** Left to libjpeg-turbo: progressive, and chroma sampled in ways nobody stores volumes in. */
const isOther = (name: string) => /^(progressive|440|411)/.test(name)

// first, because what is then read behind the stream is a memory of zeros that ends nowhere
test('a scan header that says it is longer than the stream', () => {
  const { name, shape } = cases.find((one) => one.name === 'grey_5x40_q40')!
  const damaged = read(name)
  const scan = damaged.findIndex((byte, at) => byte === 0xff && damaged[at + 1] === 0xda)
  for (let length = damaged.length; length < 65536; length += 101) {
    damaged.set([length >> 8, length & 255], scan + 2)
    expect(() => jpeg.decode(damaged, new Uint8Array(bytesOf(shape)), optionsOf(shape))).toThrow(CodecError)
  }
})

describe('the pixels of libjpeg-turbo, to the bit', () => {
  test.each(cases)('$name', ({ name, shape, sha256: expected }) => {
    const target = new Uint8Array(bytesOf(shape))
    expect(jpeg.decode(read(name), target, optionsOf(shape))).toBe(target.length)
    expect(sha256(target)).toBe(expected)
  })

  test.each(cases)('$name is decoded by whom it should be', ({ name, shape }) => {
    const decoded = decodeBaseline(read(name), new Uint8Array(bytesOf(shape)), true)
    expect(decoded === undefined).toBe(isOther(name))
  })
})

describe('damage is an error of ours or pixels, and stays inside the target', () => {
  const random = seededRandom('jpeg')
  test.each(cases.filter(({ name }) => !isOther(name) && /17x23|restart/.test(name)))('$name', ({ name, shape }) => {
    const whole = read(name)
    const size = bytesOf(shape)
    for (let n = 0; n < 60; n++) {
      const damaged = n < 20 ? whole.slice(0, Math.floor((whole.length * n) / 20)) : whole.slice()
      if (n >= 20) for (let flips = 1 + random(4); flips > 0; flips--) damaged[random(damaged.length)] = random(256)
      const memory = new Uint8Array(size + 128).fill(0xa5)
      try {
        jpeg.decode(damaged, memory.subarray(64, 64 + size), optionsOf(shape))
        expect(n).toBeGreaterThanOrEqual(20)
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError)
      }
      expect([...memory.subarray(0, 64), ...memory.subarray(64 + size)].every((byte) => byte === 0xa5)).toBe(true)
    }
  })
})

test('libjpeg-turbo decodes whole pictures after 5000 damaged ones', () => {
  const { name, shape, sha256: expected } = cases.find((one) => one.name === 'progressive')!
  const whole = read(name)
  const target = new Uint8Array(bytesOf(shape))
  const damaged = whole.slice()
  // a scan of a component there is not
  damaged[damaged.findIndex((byte, at) => byte === 0xff && damaged[at + 1] === 0xda) + 5] = 99
  for (let n = 0; n < 5000; n++) expect(() => jpeg.decode(damaged, target, optionsOf(shape))).toThrow(CodecError)
  jpeg.decode(whole, target, optionsOf(shape))
  expect(sha256(target)).toBe(expected)
})
