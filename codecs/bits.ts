import type { Conversion, Filter } from './codec.ts'

const REVERSED = Uint8Array.from({ length: 256 }, (_, byte) => {
  let reversed = 0
  for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) reversed |= 128 >> bit
  return reversed
})

/** TIFF's FillOrder 2: the first pixel in the lowest bit. */
export const reverseBits: Filter = {
  nsPerByte: 0.5,
  apply(bytes) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = REVERSED[bytes[i]!]!
  },
}

/**
 * One bit a sample, the first in the highest bit, each row beginning with a byte of its own. Options: `rowSamples`; `one`, what a set
 * bit becomes.
 */
export const bits: Conversion = {
  nsPerByte: 1,
  sourceBytes: (bytes, options) => {
    const row = Number(options?.['rowSamples'])
    return Math.ceil(bytes / row) * Math.ceil(row / 8)
  },
  apply(source, target, options) {
    const row = Number(options?.['rowSamples'])
    const one = Number(options?.['one'])
    const stored = Math.ceil(row / 8)
    for (let start = 0, from = 0; start < target.length; start += row, from += stored) {
      const length = Math.min(row, target.length - start)
      for (let x = 0; x < length; x++) target[start + x] = source[from + (x >> 3)]! & (128 >> (x & 7)) ? one : 0
    }
  },
}
