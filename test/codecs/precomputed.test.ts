/** The codecs of Precomputed chunks against published vectors, other decoders and damage. What writers really wrote: formats/precomputed. */
import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CodecError, type CodecOptions } from '../../codecs/codec.ts'
import { gunzip } from '../../codecs/gunzip.ts'
import { loadCodec, loadFilter } from '../../codecs/index.ts'
import { jxlSize } from '../../codecs/jxl-size.ts'
import { labelRegions } from '../../codecs/regions.ts'
import { encodePng } from '../../src/render/png.ts'
import { GOLDEN } from '../support/golden.ts'
import { seededRandom } from '../support/random.ts'

const random = seededRandom('precomputed codecs')
const words = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer)

async function decode(codec: string, source: Uint8Array, bytes: number, options: CodecOptions): Promise<Uint8Array> {
  const memory = new Uint8Array(bytes + 128).fill(0xa5)
  const target = memory.subarray(64, 64 + bytes)
  try {
    const written = (await loadCodec(codec)).decode(source, target, options)
    return target.subarray(0, written)
  } finally {
    expect([...memory.subarray(0, 64), ...memory.subarray(64 + bytes)].every((byte) => byte === 0xa5)).toBe(true)
  }
}

describe('compressed segmentation', () => {
  const options = (size: number[], blockSize: number[], sampleBytes = 4, channels = 1) => ({ size, blockSize, sampleBytes, channels })
  const numbers = async (source: Uint8Array, how: ReturnType<typeof options>) => {
    const voxels = how.size.reduce((a, b) => a * b) * how.channels
    const bytes = (await decode('compressed_segmentation', source, voxels * how.sampleBytes, how)).slice()
    return how.sampleBytes === 4 ? [...new Uint32Array(bytes.buffer)] : [...new BigUint64Array(bytes.buffer)]
  }

  // neuroglancer, encode_uint32.spec.ts and encode_uint64.spec.ts, with the header in front
  test('one bit a voxel', async () => {
    const source = words(1, 3 | (1 << 24), 2, 0b1101, 3, 4)
    expect(await numbers(source, options([2, 2, 1], [2, 2, 1]))).toEqual([4, 3, 4, 4])
  })

  test('a block cut by the edge keeps its full stride', async () => {
    const source = words(1, 3 | (1 << 24), 2, 0b001001, 3, 4)
    expect(await numbers(source, options([2, 2, 1], [3, 2, 1]))).toEqual([4, 3, 4, 3])
  })

  test('64-bit labels, low word first', async () => {
    const source = words(1, 3 | (1 << 24), 2, 0b10, 5, 1, 6, 0x80000000)
    expect(await numbers(source, options([2, 1, 1], [2, 1, 1], 8))).toEqual([2n ** 32n + 5n, 2n ** 63n + 6n])
  })

  test('no bits at all: the whole block is one label', async () => {
    expect(await numbers(words(1, 2 | (0 << 24), 2, 77), options([2, 2, 2], [8, 8, 8]))).toEqual(new Array(8).fill(77))
  })

  test('32 bits a voxel', async () => {
    const source = words(1, 4 | (32 << 24), 2, 1, 0, 8, 9)
    expect(await numbers(source, options([2, 1, 1], [2, 1, 1]))).toEqual([9, 8])
  })

  test('values beyond the first 2^24 words, where the reference decoder looks in the wrong place', async () => {
    const at = 2 ** 24 + 3
    const source = new Uint8Array(4 * (at + 2))
    source.set(words(1, 2 | (1 << 24), at, 3, 4))
    source.set(words(0b10), 4 * (at + 1))
    expect(await numbers(source, options([2, 1, 1], [2, 1, 1]))).toEqual([3, 4])
  })

  test('channels lie one after the other', async () => {
    const source = words(2, 5, 2, 2, 7, 2, 2, 9)
    expect(await numbers(source, options([1, 1, 1], [8, 8, 8], 4, 2))).toEqual([7, 9])
  })

  test.each([
    ['nothing', words()],
    ['a header cut off', words(1, 3)],
    ['an odd number of bytes', words(1, 2, 2, 2).subarray(1)],
    ['3 bits', words(1, 3 | (3 << 24), 2, 0, 3, 4)],
    ['values behind the end', words(1, 3 | (1 << 24), 2000, 0, 3, 4)],
    ['values far behind the end', words(1, 3 | (1 << 24), 0xffffffff, 0, 3, 4)],
    ['a table behind the end', words(1, 0xffffff | (1 << 24), 2, 0, 3, 4)],
    ['a key behind the table', words(1, 4 | (1 << 24), 2, 0, 0, 3).subarray(0, 20)],
    ['a channel behind the end', words(100, 3 | (1 << 24), 2, 0, 3, 4)],
    ['a channel within the offsets', words(0, 3 | (1 << 24), 2, 0, 3, 4)],
  ])('%s is an error', async (_, source) => {
    await expect(decode('compressed_segmentation', source, 16, options([2, 2, 1], [2, 2, 1]))).rejects.toBeInstanceOf(CodecError)
  })

  test('a voxel by voxel decoder agrees on random chunks', async () => {
    for (let round = 0; round < 60; round++) {
      const size = [1 + random(20), 1 + random(20), 1 + random(20)]
      const block = [
        [8, 8, 8],
        [4, 4, 2],
        [8, 2, 2],
        [3, 5, 1],
        [16, 4, 4],
      ][random(5)]!
      const grid = size.map((edge, d) => Math.ceil(edge / block[d]!))
      const wide = random(2) === 1
      const { source, at } = randomChunk(grid, block, wide)
      const how = options(size, block, wide ? 8 : 4)
      const expected: (number | bigint)[] = []
      for (let z = 0; z < size[2]!; z++) for (let y = 0; y < size[1]!; y++) for (let x = 0; x < size[0]!; x++) expected.push(at(x, y, z))
      expect(await numbers(source, how)).toEqual(expected as never)
    }
  })

  /** A chunk of blocks of random bits, and what the specification says about each voxel. */
  function randomChunk(grid: number[], block: number[], wide: boolean) {
    const blocks = grid.reduce((a, b) => a * b)
    const voxels = block.reduce((a, b) => a * b)
    const body: number[] = new Array(2 * blocks).fill(0)
    const bitsOf: number[] = []
    for (let n = 0; n < blocks; n++) {
      const bits = [0, 1, 2, 4, 8, 16][random(6)]!
      bitsOf.push(bits)
      const entries = Math.min(2 ** bits, 200)
      const table = body.length
      for (let k = 0; k < entries * (wide ? 2 : 1); k++) body.push((random(65536) * 65536 + random(65536)) >>> 0)
      const values = body.length
      const packed = new Array(Math.ceil((bits * voxels) / 32)).fill(0)
      for (let v = 0; v < voxels && bits > 0; v++) packed[(bits * v) >> 5] |= random(entries) << ((bits * v) & 31)
      body.push(...packed.map((word) => word >>> 0))
      body[2 * n] = (table | (bits << 24)) >>> 0
      body[2 * n + 1] = values
    }
    const at = (x: number, y: number, z: number): number | bigint => {
      const [bx, by, bz] = block as [number, number, number]
      const n = Math.floor(x / bx) + grid[0]! * (Math.floor(y / by) + grid[1]! * Math.floor(z / bz))
      const bits = bitsOf[n]!
      const bit = bits * ((x % bx) + bx * ((y % by) + by * (z % bz)))
      const key = bits === 0 ? 0 : (body[body[2 * n + 1]! + (bit >> 5)]! >>> (bit & 31)) & (2 ** bits - 1)
      const table = body[2 * n]! & 0xffffff
      return wide ? BigInt(body[table + 2 * key]!) + (BigInt(body[table + 2 * key + 1]!) << 32n) : body[table + key]!
    }
    return { source: words(1, ...body), at }
  }
})

/** Chunks as somebody else's writer left them. */
const stored = (dataset: string): Uint8Array => {
  const folder = join(GOLDEN, 'data/precomputed', dataset, '4_4_40')
  const names = readdirSync(folder)
  return readFileSync(join(folder, names.find((name) => name === '3-19_5-21_7-23') ?? names.sort()[0]!))
}

describe('damage is an error of ours or bytes, and stays inside the target', () => {
  const cseg = { size: [16, 16, 16], blockSize: [8, 8, 8], channels: 1, sampleBytes: 8 }
  test.each([
    ['compressed_segmentation', 'cseg_uint64', 16 ** 3 * 8, cseg],
    ['compresso', 'compresso_conn6', 37 * 29 * 13 * 8, { size: [37, 29, 13], sampleBytes: 8 }],
    ['compresso', 'compresso_steps', 37 * 29 * 13 * 8, { size: [37, 29, 13], sampleBytes: 8 }],
    ['png', 'png_uint16_3', 16 * 12 * 8 * 6, { samples: 3, sampleBytes: 2 }],
    ['jpeg', 'jpeg_rgb', 16 * 12 * 8 * 3, { components: 3 }],
    ['jpeg', 'jpeg', 16 * 12 * 8, { components: 1 }],
    ['jpeg', 'jpeg_restart', 19 * 17 * 9, { components: 1 }],
    ['jxl', 'jxl_3', 19 * 17 * 9 * 3, { samples: 3 }],
  ])('%s (%s)', async (codec, dataset, bytes, options) => {
    const whole = stored(dataset)
    await decode(codec, whole, bytes, options)
    const rounds = codec === 'jxl' ? 12 : 150
    for (let n = 0; n < rounds; n++) {
      const damaged = Uint8Array.from(whole)
      for (let flips = 1 + random(4); flips > 0; flips--) damaged[random(random(2) ? damaged.length : 60)] = random(256)
      const source = random(4) === 0 ? damaged.subarray(0, random(damaged.length)) : damaged
      await decode(codec, source, bytes, options).catch((error) => expect(error).toBeInstanceOf(CodecError))
    }
    // and the decoder is as good as before
    await decode(codec, whole, bytes, options)
  })
})

describe('compresso', () => {
  const whole = () => Uint8Array.from(stored('compresso_v0'))
  const options = { size: [37, 29, 13], sampleBytes: 8 }
  const changed = (at: number, ...bytes: number[]) => {
    const source = whole()
    source.set(bytes, at)
    return source
  }

  test.each([
    ['another magic', changed(0, 1), /cpso/],
    ['another version', changed(4, 2), /version 2/],
    ['labels of 3 bytes', changed(5, 3), /labels of 3 bytes/],
    ['another size', changed(6, 38), /38×29×13 voxels where 37×29×13/],
    ['no windows', changed(12, 0), /windows of 0/],
    ['ids beyond the end', changed(15, 255, 255, 255, 255, 255, 255, 255, 255), /do not fit/],
    ['one id too many', changed(15, whole()[15]! + 1), /do not fit|regions|windows|location/],
    ['connectivity 5', changed(35, 5), /connectivity 5/],
  ])('%s is refused', async (_, source, reason) => {
    await expect(decode('compresso', source, 37 * 29 * 13 * 8, options)).rejects.toThrow(reason)
  })

  test('labels wider than the layer are refused', async () => {
    await expect(decode('compresso', whole(), 37 * 29 * 13 * 4, { ...options, sampleBytes: 4 })).rejects.toThrow(/8 bytes in a layer of 4/)
  })
})

test('regions are numbered in the order of their first voxel', () => {
  // two arms of a U meet below: one region, though they begin apart
  const boundary = Uint8Array.from([0, 1, 0, 0, 1, 0, 0, 0, 0, /* second slice */ 1, 1, 1, 0, 0, 0, 1, 1, 1])
  const numbers = new Uint32Array(18)
  expect(labelRegions(boundary, numbers, [3, 3, 2], false)).toBe(2)
  expect([...numbers]).toEqual([1, 0, 1, 1, 0, 1, 1, 1, 1, 0, 0, 0, 2, 2, 2, 0, 0, 0])
  expect(labelRegions(boundary, numbers, [3, 3, 2], true)).toBe(1)
})

describe('pictures whose headers promise more than a chunk holds are refused before anything is unpacked', () => {
  /** A picture of 64 × 64 whose header says something else, with a right checksum. */
  const lying = (width: number, height: number) => {
    const source = encodePng({ width: 64, height: 64, samples: 1, pixels: new Uint8Array(64 * 64) })
    const view = new DataView(source.buffer)
    view.setUint32(16, width)
    view.setUint32(20, height)
    view.setUint32(29, Number(Bun.hash.crc32(source.subarray(12, 29))))
    return source
  }

  test('PNG', async () => {
    const how = { samples: 1, sampleBytes: 1 }
    await expect(decode('png', lying(60_000, 60_000), 4096, how)).rejects.toThrow(/60000×60000 pixels/)
    await expect(decode('png', lying(64, 63), 4096, how)).rejects.toThrow(/inflates to more than the 4095 bytes/)
    expect((await decode('png', lying(64, 64), 4096, how)).length).toBe(4096)
  })

  test('JPEG', async () => {
    const source = Uint8Array.from(stored('jpeg'))
    const frame = source.findIndex((byte, n) => byte === 0xff && source[n + 1] === 0xc0)
    source.set([0xff, 0xff, 0xff, 0xff], frame + 5)
    await expect(decode('jpeg', source, 4096, { components: 1 })).rejects.toThrow(/65535×65535 pixels/)
  })

  test('JPEG XL', async () => {
    // a large size: height and width of 2^30 each
    const bits = [0, 3, 2 ** 30 - 1, 0, 3, 2 ** 30 - 1]
    const lengths = [1, 2, 30, 3, 2, 30]
    const source = new Uint8Array(32)
    source.set([0xff, 0x0a])
    for (let n = 0, at = 16; n < bits.length; n++) {
      for (let k = 0; k < lengths[n]!; k++, at++) source[at >> 3]! |= ((bits[n]! >> k) & 1) << (at & 7)
    }
    expect(jxlSize(source)).toEqual({ width: 2 ** 30, height: 2 ** 30 })
    await expect(decode('jxl', source, 4096, { samples: 1 })).rejects.toThrow(/1073741824×1073741824 pixels/)
  })

  test('gzip', async () => {
    const bomb = gzipSync(new Uint8Array(20 * 1024 * 1024))
    expect(() => gunzip(bomb, 1000)).toThrow(/more than the 1000 bytes/)
    await expect((async () => gunzip(bomb, 10 * 1024 * 1024))()).rejects.toThrow(/more than the 10485760 bytes/)
  })
})

test('a grey JPEG cut anywhere in its pixels is an error, never grey voxels', async () => {
  const source = stored('jpeg')
  for (let cut = source.length - 3; cut > source.length / 2; cut -= 7)
    await expect(decode('jpeg', source.subarray(0, cut), 100_000, { components: 1 })).rejects.toBeInstanceOf(CodecError)
})

describe('what a picture is not', () => {
  test.each([
    ['png', 'png_uint16_1', { samples: 1, sampleBytes: 1 }, /sampleBytes is 2 where 1/],
    ['png', 'png_uint8_3', { samples: 1, sampleBytes: 1 }, /samples is 3 where 1/],
    ['jpeg', 'jpeg', { components: 3 }, /1 components where 3/],
    ['jxl', 'jxl_3', { samples: 1 }, /colour picture where a grey one/],
  ])('%s of %s', async (codec, dataset, options, reason) => {
    await expect(decode(codec, stored(dataset), 100_000, options)).rejects.toThrow(reason)
  })

  test('sizes of JPEG XL pictures: codestream and container', () => {
    expect(jxlSize(stored('jxl_3'))).toEqual({ width: 19, height: 153 })
    expect(() => jxlSize(Uint8Array.of(1, 2, 3))).toThrow(CodecError)
    expect(() => jxlSize(Uint8Array.of(0xff, 0x0a))).toThrow(/ends within its header/)
  })
})

test('planes are laid side by side', async () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
  ;(await loadFilter('interleave')).apply(bytes, { channels: 3, sampleBytes: 2 })
  expect([...bytes]).toEqual([1, 2, 5, 6, 9, 10, 3, 4, 7, 8, 11, 12])
})
