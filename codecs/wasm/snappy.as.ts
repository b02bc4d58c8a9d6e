/**
 * Snappy decoder, without a frame. AssemblyScript. Spec: google/snappy, format_description.txt. Checks and returns what blosclz.as.ts does.
 */
import { copyAhead, copyMatch } from './copy.as'

export function snappy(source: usize, sourceLength: usize, target: usize, targetLength: usize): i32 {
  let ip = source
  let op = target
  const inEnd = source + sourceLength
  const outEnd = target + targetLength
  // how much it holds, in 7 bits a byte, stands in front
  let stated: u64 = 0
  for (let shift: u64 = 0; ; shift += 7) {
    if (ip >= inEnd || shift > 28) return -1
    const byte = <u64>load<u8>(ip++)
    stated |= (byte & 127) << shift
    if (byte < 128) break
  }
  if (stated > <u64>targetLength) return -2
  while (ip < inEnd) {
    const tag = <usize>load<u8>(ip++)
    const kind = tag & 3
    if (kind == 0) {
      let length = tag >> 2
      if (length >= 60) {
        const bytes = length - 59
        if (bytes > inEnd - ip) return -1
        length = 0
        for (let i: usize = 0; i < bytes; i++) length |= <usize>load<u8>(ip + i) << (i << 3)
        ip += bytes
        if (length >= targetLength) return -2
      }
      length++
      if (length > inEnd - ip) return -1
      if (length > outEnd - op) return -2
      copyAhead(op, ip, length)
      ip += length
      op += length
      continue
    }
    const more: usize = kind == 3 ? 4 : kind
    if (more > inEnd - ip) return -1
    let length = (tag >> 2) + 1
    let offset: usize = 0
    if (kind == 1) {
      length = ((tag >> 2) & 7) + 4
      offset = ((tag >> 5) << 8) | <usize>load<u8>(ip)
    } else offset = kind == 2 ? <usize>load<u16>(ip) : <usize>load<u32>(ip)
    ip += more
    if (length > outEnd - op) return -2
    if (offset - 1 >= op - target) return -3
    copyMatch(op, offset, length)
    op += length
  }
  return <i32>(op - target)
}
