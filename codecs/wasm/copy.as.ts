/** How decoders of LZ77 streams copy: in steps of 16 bytes, whoever calls leaves room for it. AssemblyScript. */

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
