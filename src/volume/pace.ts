/**
 * Keeps long answers from holding up everybody else on their thread: after a millisecond of decoding and copying each steps back until
 * the event loop has been round, and of those that go on then only as many do as a few milliseconds allow.
 */
import { Turns } from './turns.ts'

const SLICE_MS = 1
/** For all that go on in one round of the event loop together. */
const ROUND_MS = 2
const STEPS = 8

const turns = new Turns(ROUND_MS, STEPS)

export class Pace {
  #until = performance.now() + SLICE_MS

  /** True when this request has had its slice. */
  due(): boolean {
    return performance.now() > this.#until
  }

  /** Lets everything else that is ready run first. */
  async turn(): Promise<void> {
    await turns.wait()
    this.#until = performance.now() + SLICE_MS
  }
}
