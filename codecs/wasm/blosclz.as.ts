/**
 * BloscLZ decoder. AssemblyScript. Spec: c-blosc 1.21, blosc/blosclz.c. Every length and offset is checked against both ends before
 * anything is copied. Returns the bytes written, or a negative number: −1 cut short, −2 longer than the target, −3 reaches before its
 * start.
 */
import { copyAhead, copyMatch } from './copy.as'

export function blosclz(source: usize, sourceLength: usize, target: usize, targetLength: usize): i32 {
  let ip = source
  let op = target
  const inEnd = source + sourceLength
  const outEnd = target + targetLength
  if (ip >= inEnd) return 0
  // the first byte begins a literal; its upper bits say the level
  let control = <usize>(load<u8>(ip++) & 31)
  while (true) {
    if (control < 32) {
      const length = control + 1
      if (length > inEnd - ip) return -1
      if (length > outEnd - op) return -2
      copyAhead(op, ip, length)
      ip += length
      op += length
    } else {
      let length = (control >> 5) + 2
      let offset = (control & 31) << 8
      if (length == 9) {
        let more: usize = 255
        while (more == 255) {
          if (ip >= inEnd) return -1
          more = <usize>load<u8>(ip++)
          length += more
          if (length > targetLength) return -2
        }
      }
      if (ip >= inEnd) return -1
      const low = <usize>load<u8>(ip++)
      if (low == 255 && offset == 31 << 8) {
        if (inEnd - ip < 2) return -1
        offset = ((<usize>load<u8>(ip) << 8) | <usize>load<u8>(ip + 1)) + 8191
        ip += 2
      } else offset += low
      offset++
      if (length > outEnd - op) return -2
      if (offset > op - target) return -3
      copyMatch(op, offset, length)
      op += length
    }
    if (ip >= inEnd) return <i32>(op - target)
    control = <usize>load<u8>(ip++)
  }
}
