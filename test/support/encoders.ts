/** Encoders of TIFF 6.0 for tests, as plain as can be: no package here writes them. */

/** Literals only, in runs of up to 128. */
export function packbitsLiterals(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  for (let at = 0; at < bytes.length; ) {
    let run = 1
    while (run < 128 && bytes[at + run] === bytes[at]) run++
    if (run > 2) {
      out.push(257 - run, bytes[at]!)
      at += run
      continue
    }
    const literal = bytes.subarray(at, at + Math.min(128, bytes.length - at))
    out.push(literal.length - 1, ...literal)
    at += literal.length
  }
  return Uint8Array.from(out)
}

/** Section 13: codes from the highest bit, widened one early, a clear code when the table is full. */
export function lzw(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  let held = 0
  let bits = 0
  let width = 9
  const put = (code: number) => {
    bits = (bits << width) | code
    held += width
    while (held >= 8) {
      held -= 8
      out.push((bits >>> held) & 255)
    }
    bits &= (1 << held) - 1
  }
  let table = new Map<string, number>()
  let next = 258
  const codeOf = (text: string) => (text.length === 1 ? text.charCodeAt(0) : table.get(text)!)
  put(256)
  let current = ''
  for (const byte of bytes) {
    const longer = current + String.fromCharCode(byte)
    if (longer.length === 1 || table.has(longer)) {
      current = longer
      continue
    }
    put(codeOf(current))
    table.set(longer, next++)
    if (next === 4094) {
      put(256)
      table = new Map()
      next = 258
      width = 9
    } else if (next + 1 > 1 << width) width++
    current = String.fromCharCode(byte)
  }
  if (current) put(codeOf(current))
  if (next + 2 > 1 << width) width++
  put(257)
  if (held > 0) out.push((bits << (8 - held)) & 255)
  return Uint8Array.from(out)
}
