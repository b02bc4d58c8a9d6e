import type { Filter } from './codec.ts'

/** Big-endian samples of `sampleBytes` to little-endian ones, in place. */
export const swapBytes: Filter = {
  nsPerByte: 0.5,
  apply(bytes, options) {
    const size = Number(options?.['sampleBytes'])
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - (bytes.length % size))
    if (size === 2) buffer.swap16()
    else if (size === 4) buffer.swap32()
    else if (size === 8) buffer.swap64()
  },
}

/** White is zero: every bit of an unsigned sample turned over shows it as a person would see it. */
export const invert: Filter = {
  nsPerByte: 0.5,
  apply(bytes) {
    for (let i = 0; i < bytes.length; i++) bytes[i] = ~bytes[i]!
  },
}
