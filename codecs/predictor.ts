/**
 * TIFF's predictors, undone in place. Spec: TIFF 6.0 section 14 (horizontal differencing), TIFF Technical Note 3 (floating point).
 * Options: `rowBytes`, `samples` (interleaved per pixel), `sampleBytes`. The horizontal one works on native (little-endian)
 * numbers, so the bytes of a big-endian file are swapped before; the floating-point one undoes the byte order itself.
 */
import type { CodecOptions, Filter } from './codec.ts'

interface Layout {
  readonly rowBytes: number
  readonly samples: number
  readonly sampleBytes: number
}

const layoutOf = (options: CodecOptions | undefined): Layout => options as unknown as Layout

/** Each sample is the difference to the one of the same channel on its left. */
export const horizontal: Filter = {
  nsPerByte: 1,
  apply(bytes, options) {
    const { rowBytes, samples, sampleBytes } = layoutOf(options)
    const numbers = asNumbers(bytes, sampleBytes)
    const row = rowBytes / sampleBytes
    for (let start = 0; start + row <= numbers.length; start += row) {
      const end = start + row
      if (numbers instanceof BigUint64Array) for (let i = start + samples; i < end; i++) numbers[i] = numbers[i]! + numbers[i - samples]!
      else for (let i = start + samples; i < end; i++) numbers[i] = numbers[i]! + numbers[i - samples]!
    }
  },
}

/** Bytes of one row, most significant plane first, each the difference to its left neighbour of the same channel. */
export const floatingPoint: Filter = {
  nsPerByte: 2,
  apply(bytes, options) {
    const { rowBytes, samples, sampleBytes } = layoutOf(options)
    const numbers = rowBytes / sampleBytes
    const planes = new Uint8Array(rowBytes)
    for (let start = 0; start + rowBytes <= bytes.length; start += rowBytes) {
      const row = bytes.subarray(start, start + rowBytes)
      for (let i = samples; i < rowBytes; i++) row[i] = row[i]! + row[i - samples]!
      planes.set(row)
      for (let n = 0; n < numbers; n++) {
        for (let b = 0; b < sampleBytes; b++) row[n * sampleBytes + b] = planes[(sampleBytes - 1 - b) * numbers + n]!
      }
    }
  },
}

function asNumbers(bytes: Uint8Array, size: number): Uint8Array | Uint16Array | Uint32Array | BigUint64Array {
  const length = Math.floor(bytes.length / size)
  if (size === 2) return new Uint16Array(bytes.buffer, bytes.byteOffset, length)
  if (size === 4) return new Uint32Array(bytes.buffer, bytes.byteOffset, length)
  if (size === 8) return new BigUint64Array(bytes.buffer, bytes.byteOffset, length)
  return bytes
}
