/**
 * TIFF's LZW (TIFF 6.0, section 13): codes of 9 to 12 bits, clear 256, end 257. Modern files pack codes from the highest bit and
 * widen one code early; files of before 1988 start with a clear code packed from the lowest bit (bytes 0, 1) and widen on time.
 *
 * A string is kept as where it was written last: its end in the output is one byte behind the string it extends, so decoding is
 * copying inside the target and no string table has to be walked.
 */
import { type Codec, CodecError } from './codec.ts'

const CLEAR = 256
const END = 257
const LAST = 4096

export const lzw: Codec = {
  nsPerByte: 4,
  decode(source, target) {
    const old = source.length > 1 && source[0] === 0 && (source[1]! & 1) === 1
    const early = old ? 0 : 1
    const starts = new Uint32Array(LAST)
    const lengths = new Uint32Array(LAST)
    let next = 258
    let width = 9
    let previous = -1
    let previousAt = 0
    let previousLength = 0
    let at = 0
    let bits = 0
    let held = 0
    for (let i = 0; ; ) {
      while (held < width && i < source.length) {
        bits = old ? bits | (source[i++]! << held) : ((bits << 8) | source[i++]!) & 0xffffff
        held += 8
      }
      if (held < width) return at
      held -= width
      let code: number
      if (old) {
        code = bits & ((1 << width) - 1)
        bits >>>= width
      } else code = (bits >>> held) & ((1 << width) - 1)
      if (code === END) return at
      if (code === CLEAR) {
        next = 258
        width = 9
        previous = -1
        continue
      }
      const start = at
      let length = 1
      if (code < CLEAR) {
        if (at >= target.length) return at
        target[at++] = code
      } else {
        let from: number
        if (previous < 0) throw new CodecError(`LZW: code ${code} directly after a clear code`)
        if (code < next) {
          from = starts[code]!
          length = lengths[code]!
        } else if (code === next) {
          from = previousAt
          length = previousLength + 1
        } else throw new CodecError(`LZW: code ${code} where ${next} is the highest possible`)
        if (length > target.length - at) length = target.length - at
        for (let k = 0; k < length; k++) target[at++] = target[from++]!
        if (length === 0) return at
      }
      if (previous >= 0 && next < LAST) {
        // the new string is the previous one and the first byte of this one, which lies right behind it
        starts[next] = previousAt
        lengths[next] = previousLength + 1
        next++
      }
      if (next + early >= 1 << width && width < 12) width++
      previous = code
      previousAt = start
      previousLength = length
    }
  },
}
