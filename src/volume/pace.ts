/**
 * Keeps one long answer from holding up everybody else on its thread: after a millisecond of decoding and copying it steps back
 * until the event loop has been round once.
 */
const SLICE_MS = 1

export class Pace {
  #until = performance.now() + SLICE_MS

  /** True when this request has had its slice. */
  due(): boolean {
    return performance.now() > this.#until
  }

  /** Lets everything else that is ready run first. */
  async turn(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#until = performance.now() + SLICE_MS
  }
}
