/**
 * LZ4 block decoder. AssemblyScript, compiled by `bun codecs/wasm/build.ts` to the lz4.wasm that lies beside it.
 *
 * Spec: lz4, doc/lz4_Block_format.md. Every length and offset is checked against both ends before anything is copied; copies go
 * in steps of 16 bytes and may therefore write up to 31 bytes behind the target: the caller leaves room there.
 * Returns the number of bytes written, or a negative number: −1 cut short, −2 longer than the target, −3 reaches before its start.
 *
 * Blocks of labels are thousands of short sequences, so what costs is guessing branches wrongly and asking for the ends. Away from the
 * ends a short sequence is decoded by the inner loop, which asks for them once. It has two ways to copy a match: what is short and not
 * too near as it is, everything else whatever its offset: the first 16 bytes are the bytes before it repeated (a shuffle, none from
 * offset 16 on); the rest is copied from a multiple of the offset that is at least 16 behind. Calls stay out of it: they would take its
 * registers. What is long or near the ends goes the other way.
 */
import { copyMatch } from './copy.as'

/** Which of the 16 bytes at the match each of the first 16 bytes is, by offset 0 to 16. */
const SHUFFLES = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1,
  0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0,
  0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0,
  0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 0, 1,
  0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 6,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 1, 2, 3, 4,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 0, 1, 2, 3,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 1, 2,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 1,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0,
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
])

/** The least multiple of each offset that is at least 16. */
const DISTANCES = memory.data<u8>([0, 16, 16, 18, 16, 20, 18, 21, 16, 18, 20, 22, 24, 26, 28, 30, 16])

export function decode(source: usize, sourceLength: usize, target: usize, targetLength: usize): i32 {
  let ip = source
  let op = target
  const inEnd = source + sourceLength
  const outEnd = target + targetLength
  // before these a sequence of at most 14 literals and a match of at most 32 bytes stays inside
  const inSafe = sourceLength > 20 ? inEnd - 20 : source
  const outSafe = targetLength > 64 ? outEnd - 64 : target
  while (ip < inEnd) {
    let offset: usize = 0
    let length: usize = 0
    while (ip < inSafe && op < outSafe) {
      const token = <usize>load<u8>(ip)
      const literals = token >> 4
      if (literals == 15) break
      v128.store(op, v128.load(ip, 1))
      ip += literals + 1
      op += literals
      const next = <usize>load<u32>(ip)
      offset = next & 0xffff
      if (offset - 1 >= op - target) return -3
      const code = token & 15
      if (code < 15 && offset >= 8) {
        // nearly all of an image; in eights, which wait less for what was just stored than sixteens do
        store<u64>(op, load<u64>(op - offset))
        store<u64>(op + 8, load<u64>(op - offset, 8))
        store<u16>(op + 16, load<u16>(op - offset, 16))
        ip += 2
        op += code + 4
        continue
      }
      // whether another byte follows is as good as random: it is taken without a branch
      length = select<usize>(((next >> 16) & 255) + 15, code, code == 15)
      ip += select<usize>(3, 2, code == 15)
      if (length == 270) {
        // more than one: they are read below
        ip--
        length = 15
        break
      }
      length += 4
      const short = select<usize>(offset, 16, offset < 16)
      const distance = select<usize>(<usize>load<u8>(DISTANCES + short), offset, offset < 16)
      v128.store(op, i8x16.swizzle(v128.load(op - offset), v128.load(SHUFFLES + (short << 4))))
      v128.store(op + 16, v128.load(op + 16 - distance))
      if (length > 32) {
        if (length > outEnd - op) return -2
        for (let done: usize = 32; done < length; done += 16) v128.store(op + done, v128.load(op + done - distance))
      }
      op += length
      length = 0
    }
    if (length == 0) {
      if (ip >= inEnd) break
      const token = <usize>load<u8>(ip++)
      length = token >> 4
      if (length == 15) {
        let more: usize = 255
        while (more == 255) {
          if (ip >= inEnd) return -1
          more = <usize>load<u8>(ip++)
          length += more
          if (length > targetLength) return -2
        }
      }
      if (length > inEnd - ip) return -1
      if (length > outEnd - op) return -2
      v128.store(op, v128.load(ip))
      for (let done: usize = 16; done < length; done += 16) v128.store(op + done, v128.load(ip + done))
      ip += length
      op += length
      if (ip == inEnd) return <i32>(op - target)
      if (inEnd - ip < 2) return -1
      offset = <usize>load<u16>(ip)
      ip += 2
      if (offset - 1 >= op - target) return -3
      length = token & 15
    }
    if (length == 15) {
      let more: usize = 255
      while (more == 255) {
        if (ip >= inEnd) return -1
        more = <usize>load<u8>(ip++)
        length += more
        if (length > targetLength) return -2
      }
    }
    length += 4
    if (length > outEnd - op) return -2
    copyMatch(op, offset, length)
    op += length
  }
  return -1
}
