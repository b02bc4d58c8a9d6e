import { type Codec, CodecError } from './codec.ts'

/** PackBits run lengths (TIFF 6.0, section 9). Stops when the target is full: writers pad rows. */
export const packbits: Codec = {
  nsPerByte: 1,
  decode(source, target) {
    let at = 0
    for (let i = 0; i < source.length && at < target.length; ) {
      const n = source[i++]!
      if (n === 128) continue
      if (n < 128) {
        const literal = n + 1
        if (i + literal > source.length)
          throw new CodecError(`PackBits: ${literal} literal bytes at ${i}, the data ends at ${source.length}`)
        const fits = Math.min(literal, target.length - at)
        target.set(source.subarray(i, i + fits), at)
        at += fits
        i += literal
      } else {
        const value = source[i++]
        if (value === undefined) throw new CodecError('PackBits: ends in the middle of a run')
        const end = Math.min(at + 257 - n, target.length)
        target.fill(value, at, end)
        at = end
      }
    }
    return at
  },
}
