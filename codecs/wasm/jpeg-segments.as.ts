/** The entropy-coded data of JPEG without what only keeps markers out of it. AssemblyScript. Spec: ITU-T T.81, B.1.1.5 and F.1.2.3. */

/** How many segments of entropy-coded data there are, cut by restart markers; ends at any other marker. */
export function countSegments(source: usize, length: usize): u32 {
  let count: u32 = 1
  const end = source + length
  for (let at = source; at + 1 < end; at++) {
    if (load<u8>(at) != 0xff) continue
    const marker = load<u8>(at + 1)
    if (marker >= 0xd0 && marker <= 0xd7) count++
    else if (marker != 0 && marker != 0xff) break
  }
  return count
}

/**
 * Copies segments without stuffed zeros, each as u32 length, bytes, and 16 zeros that may be read behind it. `target` has room for
 * `length` + 24 for each of `countSegments`.
 */
export function unstuff(source: usize, length: usize, target: usize): void {
  const end = source + length
  let at = source
  let head = target
  let out = target + 4
  while (at < end) {
    if (at + 16 <= end) {
      const bytes = v128.load(at)
      if (!v128.any_true(i8x16.eq(bytes, i8x16.splat(-1)))) {
        v128.store(out, bytes)
        at += 16
        out += 16
        continue
      }
    }
    const byte = load<u8>(at++)
    if (byte != 0xff) {
      store<u8>(out++, byte)
      continue
    }
    while (at < end && load<u8>(at) == 0xff) at++
    const marker = at < end ? load<u8>(at++) : 0xd9
    if (marker == 0) store<u8>(out++, 0xff)
    else if (marker >= 0xd0 && marker <= 0xd7) {
      store<u32>(head, <u32>(out - head - 4))
      memory.fill(out, 0, 16)
      head = out + 16
      out = head + 4
    } else break
  }
  store<u32>(head, <u32>(out - head - 4))
  memory.fill(out, 0, 16)
}
