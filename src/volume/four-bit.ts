/**
 * webKnossos's lossy half bytes: of each two bytes a, b the high nibbles, a's in the high half (protocol.md 2.2). Writes into `to`
 * from `at` on, which may be the same memory as `from` at or before where it is read. A last single byte is paired with 0.
 * Returns the number of bytes written.
 */
export function packFourBit(from: Uint8Array, to: Uint8Array, at: number): number {
  const pairs = from.length >> 1
  for (let i = 0; i < pairs; i++) to[at + i] = (from[2 * i]! & 0xf0) | (from[2 * i + 1]! >> 4)
  if (from.length & 1) to[at + pairs] = from[from.length - 1]! & 0xf0
  return pairs + (from.length & 1)
}
