/** How decoders of LZ77 streams copy: in steps of 16 bytes, whoever calls leaves room for it. AssemblyScript. */

/** From here on the machine's own copy is faster than steps of 16 bytes, in spite of what calling it costs. */
const LONG: usize = 256
/** What repeats is copied in pieces that stay in the first cache. */
const MOST: usize = 4096

/** In steps of 16 bytes, so up to 15 behind the end are written, too: they are not decoded yet, or the caller leaves room. */
// @ts-ignore: decorator
@inline
export function copyAhead(to: usize, from: usize, length: usize): void {
  for (let done: usize = 0; done < length; done += 16) v128.store(to + done, v128.load(from + done))
}

/** The match may overlap what it makes: then it repeats. What repeats within 16 bytes is not loaded again, for a load waits for a store. */
// @ts-ignore: decorator
@inline
export function copyMatch(op: usize, offset: usize, length: usize): void {
  if (length >= LONG) {
    copyLong(op, offset, length)
    return
  }
  if (offset >= 16) {
    copyAhead(op, op - offset, length)
    return
  }
  for (let i: usize = 0; i < 16; i++) store<u8>(op + i, load<u8>(op + i - offset))
  if ((offset & (offset - 1)) == 0) {
    const pattern = v128.load(op)
    for (let done: usize = 16; done < length; done += 16) v128.store(op + done, pattern)
    return
  }
  const distance: usize = <usize>((15 + <u32>offset) / <u32>offset) * offset
  for (let done: usize = 16; done < length; done += 16) v128.store(op + done, v128.load(op + done - distance))
}

/** A match of at least LONG bytes, not one byte more. */
function copyLong(op: usize, offset: usize, length: usize): void {
  if (offset >= length) {
    memory.copy(op, op - offset, length)
    return
  }
  if (offset == 1) {
    memory.fill(op, load<u8>(op - 1), length)
    return
  }
  const end = op + length
  const begin = op - offset
  // what there is of the pattern, always whole ones, doubles until a piece of it is long enough
  let pattern = offset
  for (; pattern < 16; pattern <<= 1) {
    for (let i: usize = 0; i < pattern; i++) store<u8>(op + i, load<u8>(begin + i))
    op += pattern
  }
  while (op < end) {
    const piece = min(pattern, end - op)
    memory.copy(op, op - pattern, piece)
    op += piece
    if (pattern < MOST) pattern <<= 1
  }
}
