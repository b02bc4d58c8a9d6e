import { describe, expect, test } from 'bun:test'
import { deflateSync, zstdCompressSync } from 'node:zlib'
import { decompress as fzstd } from 'fzstd'
import jpegJs from 'jpeg-js'
import { compressBlock, decompressBlock } from 'lz4js'
import { CodecError } from '../../codecs/codec.ts'
import { codecIds, loadCodec, loadFilter, registerCodec, registerFilter } from '../../codecs/index.ts'
import { describeCodec, SAMPLES } from '../conformance/codec.ts'
import { lzw, packbitsLiterals } from '../support/encoders.ts'

/** lz4js gives 0 bytes for what it cannot make smaller: then literals, as any LZ4 writer would. */
function lz4(bytes: Uint8Array): Uint8Array {
  const target = new Uint8Array(bytes.length + Math.ceil(bytes.length / 255) + 16)
  const length = compressBlock(bytes, target, 0, bytes.length, new Uint32Array(65536))
  if (length > 0) return target.slice(0, length)
  const more = bytes.length - 15
  if (more < 0) return Buffer.concat([Uint8Array.of(bytes.length << 4), bytes])
  return Buffer.concat([Uint8Array.from([0xf0, ...new Array(Math.floor(more / 255)).fill(255), more % 255]), bytes])
}

describeCodec({ codec: 'lz4', encode: lz4 })
describeCodec({ codec: 'deflate', encode: (bytes) => new Uint8Array(deflateSync(bytes)) })
describeCodec({ codec: 'zstd', encode: (bytes) => new Uint8Array(zstdCompressSync(bytes)) })
describeCodec({ codec: 'lzw', encode: lzw, stopsWhenFull: true })
describeCodec({ codec: 'packbits', encode: packbitsLiterals, stopsWhenFull: true })

test('the packages we do not use ourselves agree', async () => {
  for (const bytes of Object.values(SAMPLES)) {
    const theirs = new Uint8Array(bytes.length)
    decompressBlock(lz4(bytes), theirs, 0, lz4(bytes).length, 0)
    expect(Buffer.from(theirs).equals(Buffer.from(bytes))).toBe(true)
    expect(Buffer.from(fzstd(zstdCompressSync(bytes))).equals(Buffer.from(bytes))).toBe(true)
  }
})

describe('LZ4', () => {
  test.each([
    ['a match before the beginning', [0x10, 1, 9, 0, 0x50, 1, 2, 3, 4, 5]],
    ['a match at distance 0', [0x10, 1, 0, 0, 0x50, 1, 2, 3, 4, 5]],
    ['a length that never ends', [0xf0, ...new Array(200).fill(255)]],
    ['nothing at all', []],
  ])('%s is an error', async (_, source) => {
    const codec = await loadCodec('lz4')
    expect(() => {
      if (codec.decode(Uint8Array.from(source), new Uint8Array(64)) < 64) throw new Error('short')
    }).toThrow()
  })
})

describe('Zstandard', () => {
  const small = zstdCompressSync(new Uint8Array(100).fill(1))

  test('a second frame behind a small one cannot be a bomb', async () => {
    const bomb = Buffer.concat([small, zstdCompressSync(new Uint8Array(256 * 1024 * 1024))])
    const codec = await loadCodec('zstd')
    const before = process.memoryUsage.rss()
    expect(() => codec.decode(bomb, new Uint8Array(100))).toThrow(CodecError)
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 1024 * 1024)
  })

  test('two frames are one after the other, and one that keeps its size to itself is read as well', async () => {
    const codec = await loadCodec('zstd')
    const target = new Uint8Array(200)
    expect(codec.decode(Buffer.concat([small, small]), target)).toBe(200)
    const stream = await new Response(new Response(new Uint8Array(200).fill(9)).body!.pipeThrough(new CompressionStream('zstd'))).bytes()
    expect([codec.decode(stream, target), target.every((byte) => byte === 9)]).toEqual([200, true])
  })
})

describe('LZW', () => {
  test('the older kind of before 1988, packed from the lowest bit', async () => {
    // clear (256), 1, 2, 3, end (257), nine bits each from the lowest bit on
    const codes = [256, 1, 2, 3, 257]
    const bits = codes.reduce((all, code, n) => all | (BigInt(code) << BigInt(9 * n)), 0n)
    const source = Uint8Array.from({ length: 6 }, (_, n) => Number((bits >> BigInt(8 * n)) & 255n))
    const target = new Uint8Array(3)
    expect([(await loadCodec('lzw')).decode(source, target), [...target]]).toEqual([3, [1, 2, 3]])
  })
})

describe('JPEG', () => {
  const edge = 64
  const rgba = Buffer.from(Array.from({ length: edge * edge }, (_, i) => [i % edge, (i >> 6) * 2, 128, 255]).flat())
  const file = jpegJs.encode({ width: edge, height: edge, data: rgba }, 90).data

  test('within two grey levels of another decoder', async () => {
    const target = new Uint8Array(edge * edge * 3)
    expect((await loadCodec('jpeg')).decode(file, target, { components: 3, width: edge, colour: 'ycbcr' })).toBe(target.length)
    const theirs = jpegJs.decode(file, { useTArray: true, formatAsRGBA: false }).data
    expect(Math.max(...target.map((value, i) => Math.abs(value - theirs[i]!)))).toBeLessThanOrEqual(4)
  })

  test('cut off, garbage, or of another size: an error', async () => {
    const codec = await loadCodec('jpeg')
    const options = { components: 3, width: edge, colour: 'ycbcr' }
    for (const source of [file.subarray(0, 100), Buffer.from('not a JPEG'), new Uint8Array()])
      expect(() => codec.decode(source, new Uint8Array(edge * edge * 3), options)).toThrow()
    expect(() => codec.decode(file, new Uint8Array(edge * 3), options)).toThrow()
  })
})

describe('filters', () => {
  test('the horizontal predictor adds up rows of samples of any width', async () => {
    const predictor = await loadFilter('horizontal-predictor')
    const rows = Uint16Array.of(1000, 65_000, 3, 5, 5, 5)
    const differences = Uint16Array.of(1000, 65_000 - 1000, 3 - 65_000, 5, 0, 0)
    const bytes = new Uint8Array(differences.buffer)
    predictor.apply(bytes, { rowBytes: 6, samples: 1, sampleBytes: 2 })
    expect([...new Uint16Array(bytes.buffer)]).toEqual([...rows])
  })

  test('swapped bytes of 2, 4 and 8', async () => {
    const swap = await loadFilter('swap-bytes')
    for (const sampleBytes of [2, 4, 8]) {
      const bytes = Uint8Array.from({ length: 16 }, (_, i) => i)
      swap.apply(bytes, { sampleBytes })
      expect(bytes[0]).toBe(sampleBytes - 1)
    }
  })
})

test('an id is registered once', () => {
  expect(() => registerCodec('lz4', async () => loadCodec('raw'))).toThrow(/registered already/)
  expect(() => registerFilter('invert', async () => loadFilter('invert'))).toThrow(/registered already/)
  expect(() => loadCodec('none')).toThrow(/no codec none; there are .*lz4/)
  expect(codecIds()).toContain('zstd')
})
