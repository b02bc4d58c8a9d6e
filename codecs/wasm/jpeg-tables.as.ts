/** Huffman tables of JPEG made ready for looking up several bits at once. AssemblyScript. Spec: ITU-T T.81, annexes C and F. */

export const LOOK_BITS: u32 = 10
export const LOOK_SIZE: usize = 1 << 10
/**
 * Eight Huffman tables, 0 to 3 for DC and 4 to 7 for AC: what the next 10 bits begin with. i32: bits 0–7 how many bits to take, 0 where
 * the code is longer; bit 8 whether the coefficient is in them, too; bits 9–15 zeros before it; bits 16–31 the coefficient, or the symbol.
 */
export const LOOKS: usize = (__heap_base + 15) & ~15
/** For longer codes: of each length the largest code, left-aligned in 17 bits, and what to add for the place of its symbol. */
export const MAX_CODES = memory.data(8 * 18 * 4)
export const SYMBOL_OFFSETS = memory.data(8 * 18 * 4)
export const SYMBOLS = memory.data(8 * 256)
/** Where free memory begins. */
export function heapBase(): usize {
  return LOOKS + 8 * LOOK_SIZE * 4
}

/** `counts`: 16 bytes, codes of each length from 1 on; `symbols` behind them. False where they are no prefix code (T.81 annex C). */
export function buildTable(table: usize, counts: usize, symbols: usize, total: usize): bool {
  const look = LOOKS + table * LOOK_SIZE * 4
  memory.fill(look, 0, LOOK_SIZE * 4)
  memory.copy(SYMBOLS + table * 256, symbols, total)
  const isAc = table >= 4
  let code: u32 = 0
  let place: u32 = 0
  for (let length: u32 = 1; length <= 16; length++) {
    const count = <u32>load<u8>(counts + length - 1)
    store<i32>(SYMBOL_OFFSETS + (table * 18 + length) * 4, <i32>place - <i32>code)
    for (let n: u32 = 0; n < count; n++) {
      const symbol = <u32>load<u8>(symbols + place)
      if (length <= LOOK_BITS) {
        const first = code << (LOOK_BITS - length)
        for (let rest: u32 = 0; rest < <u32>1 << (LOOK_BITS - length); rest++) {
          store<u32>(look + ((first + rest) << 2), lookEntry(symbol, length, rest, isAc))
        }
      }
      code++
      place++
    }
    if (code > <u32>1 << length) return false
    store<u32>(MAX_CODES + (table * 18 + length) * 4, code << (17 - length))
    code <<= 1
  }
  store<u32>(MAX_CODES + (table * 18 + 17) * 4, 0xffffffff)
  return true
}

/** `rest`: the bits of the look-up behind the code. */
function lookEntry(symbol: u32, length: u32, rest: u32, isAc: bool): u32 {
  const size = isAc ? symbol & 15 : symbol
  const zeros = isAc ? symbol >> 4 : 0
  if (size > 0 && length + size <= LOOK_BITS) {
    const bits = (rest >> (LOOK_BITS - length - size)) & ((1 << size) - 1)
    return (<u32>extend(bits, size) << 16) | (zeros << 9) | 0x100 | (length + size)
  }
  return (symbol << 16) | length
}

/** T.81 figure F.12: the value of `size` additional bits. */
// @ts-ignore: a decorator of AssemblyScript
@inline
export function extend(bits: u32, size: u32): i32 {
  return bits < <u32>1 << (size - 1) ? <i32>bits - (1 << size) + 1 : <i32>bits
}
