/**
 * Memory a decoding thread shares with ours, used again: buffers handed over and left behind made the collectors of both work more than
 * the decoders (bench precomputed).
 */
export class Slots {
  readonly #free: SharedArrayBuffer[] = []
  readonly #keepBytes: number
  #kept = 0

  /** At most `keepBytes` that nobody uses are kept. */
  constructor(keepBytes: number) {
    this.#keepBytes = keepBytes
  }

  /** At least so many bytes, with any content. */
  take(bytes: number): SharedArrayBuffer {
    const size = 2 ** Math.ceil(Math.log2(Math.max(65_536, bytes)))
    const at = this.#free.findIndex((slot) => slot.byteLength === size)
    if (at < 0) return new SharedArrayBuffer(size)
    this.#kept -= size
    return this.#free.splice(at, 1)[0]!
  }

  giveBack(slot: SharedArrayBuffer): void {
    if (this.#kept + slot.byteLength > this.#keepBytes) return
    this.#kept += slot.byteLength
    this.#free.push(slot)
  }
}
