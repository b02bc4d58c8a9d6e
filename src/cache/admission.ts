/**
 * Which chunks are worth a place in a cache of those that are cheap to read again: the ones asked for twice within as many questions
 * as the cache has places. A walk through a volume larger than the cache then costs no copies and pushes nothing out.
 */
import type { Vec3 } from '../volume/vec.ts'

const SLOTS = 1 << 16

export class Admission {
  /** What was asked for last in each slot, and when. A clash of two chunks costs one of them a place, or gives it one too early. */
  readonly #tags = new Int32Array(SLOTS)
  readonly #times = new Float64Array(SLOTS)
  readonly #salts = new Map<string, number>()
  #now = 0

  /** Counts a question for a chunk and says whether the one before was at most `places` questions ago. */
  admits(arrayId: string, index: Vec3, places: number): boolean {
    let salt = this.#salts.get(arrayId)
    if (salt === undefined) {
      if (this.#salts.size > 10_000) this.#salts.clear()
      this.#salts.set(arrayId, (salt = Number(BigInt.asIntN(32, BigInt(Bun.hash(arrayId))))))
    }
    const tag = hash(hash(hash(salt, index[0]), index[1]), index[2])
    const slot = tag & (SLOTS - 1)
    const now = ++this.#now
    const admitted = this.#tags[slot] === tag && now - this.#times[slot]! <= places
    this.#tags[slot] = tag
    this.#times[slot] = now
    return admitted
  }
}

/** One step of MurmurHash3's mixing. */
function hash(seed: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51)
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  const h = seed ^ k
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}
