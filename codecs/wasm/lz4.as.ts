/**
 * LZ4 block decoder. AssemblyScript, compiled by `bun codecs/wasm/build.ts` to the lz4.wasm that lies beside it.
 *
 * Spec: lz4, doc/lz4_Block_format.md. Every length and offset is checked against both ends before anything is copied; copies go
 * in steps of 16 bytes and may therefore write up to 15 bytes behind the target: the caller leaves room there.
 * Returns the number of bytes written, or a negative number: −1 cut short, −2 longer than the target, −3 reaches before its start.
 */
export function decode(source: usize, sourceLength: usize, target: usize, targetLength: usize): i32 {
  let ip = source
  let op = target
  const inEnd = source + sourceLength
  const outEnd = target + targetLength
  while (ip < inEnd) {
    const token = <usize>load<u8>(ip++)
    let length = token >> 4
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
    const literalsEnd = op + length
    let from = ip
    while (op < literalsEnd) {
      v128.store(op, v128.load(from))
      from += 16
      op += 16
    }
    ip += length
    op = literalsEnd
    if (ip == inEnd) return <i32>(op - target)
    if (inEnd - ip < 2) return -1
    const offset = <usize>load<u16>(ip)
    ip += 2
    if (offset == 0 || offset > op - target) return -3
    length = token & 15
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
    let match = op - offset
    const matchEnd = op + length
    if (offset >= 16) {
      while (op < matchEnd) {
        v128.store(op, v128.load(match))
        match += 16
        op += 16
      }
    } else if (offset >= 8) {
      while (op < matchEnd) {
        store<u64>(op, load<u64>(match))
        match += 8
        op += 8
      }
    } else if (offset == 1 || offset == 2 || offset == 4) {
      // runs of one 8-, 16- or 32-bit value: what labels and background are made of
      const value = offset == 1 ? i8x16.splat(load<u8>(match)) : offset == 2 ? i16x8.splat(load<u16>(match)) : i32x4.splat(load<u32>(match))
      while (op < matchEnd) {
        v128.store(op, value)
        op += 16
      }
    } else {
      while (op < matchEnd) store<u8>(op++, load<u8>(match++))
    }
    op = matchEnd
  }
  return -1
}
