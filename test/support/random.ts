/** Whole numbers below `bound`, the same sequence for the same seed. */
export function seededRandom(seed: string): (bound: number) => number {
  let state = Number(BigInt(Bun.hash(seed)) & 0x7fffffffn) || 1
  return (bound) => {
    // Park and Miller's minimal standard generator
    state = Number((BigInt(state) * 48271n) % 0x7fffffffn)
    return state % bound
  }
}
