import { describe, expect, test } from 'bun:test'
import jpegJs from 'jpeg-js'
import { jpeg } from '../../codecs/jpeg.ts'
import { JPEG_ROWS, JpegEncoder } from '../../codecs/jpeg-encoder.ts'
import { seededRandom } from '../support/random.ts'

/** Smooth shapes with a little noise, as images have. */
function picture(width: number, height: number, samples: 1 | 3): Uint8Array {
  const random = seededRandom(`${width}×${height}`)
  return Uint8Array.from({ length: width * height * samples }, (_, n) => {
    const [c, x, y] = [n % samples, Math.floor(n / samples) % width, Math.floor(n / samples / width)]
    return 128 + 90 * Math.sin(x / 20 + c) * Math.cos(y / 17) + random(12)
  })
}

function encode(pixels: Uint8Array, width: number, height: number, samples: 1 | 3, rows = height): Uint8Array {
  const encoder = new JpegEncoder({ width, height, samples })
  for (let y = 0; y < height; y += rows) encoder.add(pixels.subarray(y * width * samples, (y + rows) * width * samples))
  return encoder.finish()
}

const meanError = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, n) => sum + Math.abs(value - b[n]!), 0) / a.length

describe.each([
  ['RGB', 64, 48, 3],
  ['grey', 64, 48, 1],
  ['RGB whose edges are no multiple of 8', 37, 21, 3],
  ['a single pixel', 1, 1, 3],
  ['a single column', 1, 100, 1],
] as const)('%s', (_, width, height, samples) => {
  const pixels = picture(width, height, samples)
  const bytes = encode(pixels, width, height, samples)

  test('libjpeg-turbo decodes it to nearly what it was', () => {
    const decoded = new Uint8Array(pixels.length)
    jpeg.decode(bytes, decoded, { components: samples, width, colour: samples === 3 ? 'ycbcr' : 'grey' })
    expect(meanError(pixels, decoded)).toBeLessThan(3)
  })

  test('jpeg-js decodes it, and its own encoder at this quality is not closer', () => {
    const decoded = jpegJs.decode(bytes, { useTArray: true, formatAsRGBA: true })
    expect([decoded.width, decoded.height]).toEqual([width, height])
    const rgba = Uint8Array.from({ length: width * height * 4 }, (_unused, n) => {
      if (n % 4 === 3) return 255
      return pixels[samples === 1 ? n >> 2 : (n >> 2) * 3 + (n % 4)]!
    })
    const other = jpegJs.decode(jpegJs.encode({ data: rgba, width, height }, 90).data, { useTArray: true, formatAsRGBA: true })
    expect(meanError(rgba, decoded.data)).toBeLessThan(meanError(rgba, other.data) + 0.3)
  })

  test('in bands of rows it is the same file', () => {
    expect(encode(pixels, width, height, samples, JPEG_ROWS)).toEqual(bytes)
  })
})

test('hard edges between black and white, the largest coefficients there are, decode', () => {
  const pixels = Uint8Array.from({ length: 64 * 64 }, (_, n) => ((n ^ (n >> 6)) & 1 ? 255 : 0))
  const decoded = new Uint8Array(pixels.length)
  jpeg.decode(encode(pixels, 64, 64, 1), decoded, { components: 1, width: 64, colour: 'grey' })
  expect(meanError(pixels, decoded)).toBeLessThan(3)
})
