/** The tables of ITU-T T.81 annex K, which nearly every JPEG carries, and what is made of them. */

export interface HuffmanTable {
  /** How many codes there are of 1 to 16 bits. */
  readonly counts: Uint8Array
  /** What they stand for, shortest first. */
  readonly values: Uint8Array
}

/** Place in a block, row by row, of each coefficient in the order they are written. */
export const ZIGZAG = Uint8Array.from({ length: 64 }, (_, n) => n).sort((a, b) => {
  const [ra, rb] = [(a >> 3) + (a & 7), (b >> 3) + (b & 7)]
  if (ra !== rb) return ra - rb
  return ra % 2 === 0 ? (b >> 3) - (a >> 3) : (a >> 3) - (b >> 3)
})

const bytes = (hex: string): Uint8Array => Uint8Array.fromHex(hex)
const huffman = (hex: string): HuffmanTable => ({ counts: bytes(hex).subarray(0, 16), values: bytes(hex).subarray(16) })

/** K.1, luminance, in zigzag order. */
export const LUMA = bytes(
  '100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e404457453738506d51575f626768673e4d71' + '797064785c656763',
)
/** K.2, chrominance. */
export const CHROMA = bytes(
  '1112121815182f1a1a2f63423842636363636363636363636363636363636363636363636363636363636363636363636363636363636363' + '6363636363636363',
)
/** K.3. */
export const DC_LUMA = huffman('00010501010101010100000000000000000102030405060708090a0b')
/** K.5. */
export const AC_LUMA = huffman(
  '0002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a16' +
    '1718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a83848586878889' +
    '8a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9ea' +
    'f1f2f3f4f5f6f7f8f9fa',
)
/** K.4. */
export const DC_CHROMA = huffman('00030101010101010101010000000000000102030405060708090a0b')
/** K.6. */
export const AC_CHROMA = huffman(
  '00020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434' +
    'e125f11718191a262728292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a828384858687' +
    '88898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9' +
    'eaf2f3f4f5f6f7f8f9fa',
)

/** A table for a quality from 1 to 100, as libjpeg scales it; row by row. */
export function scaled(zigzag: Uint8Array, quality: number): Uint8Array {
  const percent = quality < 50 ? 5000 / quality : 200 - 2 * quality
  const table = new Uint8Array(64)
  for (let n = 0; n < 64; n++) table[ZIGZAG[n]!] = Math.max(1, Math.min(255, Math.floor((zigzag[n]! * percent + 50) / 100)))
  return table
}

/** By value: the length of its code in the upper half, its bits in the lower (T.81 annex C). */
export function codesOf({ counts, values }: HuffmanTable): Uint32Array {
  const codes = new Uint32Array(256)
  let code = 0
  let n = 0
  for (let bits = 1; bits <= 16; bits++, code <<= 1) {
    for (let left = counts[bits - 1]!; left > 0; left--) codes[values[n++]!] = (bits << 16) | code++
  }
  return codes
}
