/** What turns stored samples into served ones. All samples are little-endian and interleaved. */
import type { Conversion } from './codec.ts'

/** Numbers of a palette to RGB. Options: `colours`, 3 bytes for each number. */
export const palette: Conversion = {
  nsPerByte: 1,
  sourceBytes: (bytes) => bytes / 3,
  apply(source, target, options) {
    const colours = options?.['colours'] as Uint8Array
    for (let i = 0, t = 0; t < target.length; i++) {
      const at = source[i]! * 3
      target[t++] = colours[at]!
      target[t++] = colours[at + 1]!
      target[t++] = colours[at + 2]!
    }
  },
}

/** Floats of 16 or 64 bits to 32. Options: `sampleBytes`, 2 or 8. */
export const toFloat32: Conversion = {
  nsPerByte: 0.5,
  sourceBytes: (bytes, options) => (bytes / 4) * Number(options?.['sampleBytes']),
  apply(source, target, options) {
    const wide = Number(options?.['sampleBytes']) === 8
    const from = new DataView(source.buffer, source.byteOffset, source.length)
    const to = new DataView(target.buffer, target.byteOffset, target.length)
    for (let t = 0, s = 0; t + 4 <= target.length; t += 4, s += wide ? 8 : 2)
      to.setFloat32(t, wide ? from.getFloat64(s, true) : from.getFloat16(s, true), true)
  },
}

/** The first samples of every pixel. Options: `stored`, `served`, `sampleBytes`. */
export const pickSamples: Conversion = {
  nsPerByte: 1,
  sourceBytes: (bytes, options) => (bytes / Number(options?.['served'])) * Number(options?.['stored']),
  apply(source, target, options) {
    const size = Number(options?.['sampleBytes'])
    const served = Number(options?.['served']) * size
    const stored = Number(options?.['stored']) * size
    for (let t = 0, s = 0; t < target.length; t += served, s += stored) for (let b = 0; b < served; b++) target[t + b] = source[s + b]!
  },
}
