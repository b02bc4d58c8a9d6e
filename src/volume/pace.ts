/**
 * Keeps long answers from holding up everybody else on their thread: after a millisecond of decoding and copying each steps back until
 * the event loop has been round, and of those that go on then only as many do as a few milliseconds allow. Who waits longest goes first.
 */
const SLICE_MS = 1
/** For all that go on in one round of the event loop together. */
const ROUND_MS = 2
/** Promises between a turn that is granted and the work that waits for it: it has to be done before the next one is. */
const STEPS = 8

const waiting: (() => void)[] = []
let isScheduled = false

function schedule(): void {
  if (isScheduled || waiting.length === 0) return
  isScheduled = true
  setImmediate(goRound)
}

async function goRound(): Promise<void> {
  const until = performance.now() + ROUND_MS
  // who steps back meanwhile waits for the next round
  for (let left = waiting.length; left > 0 && performance.now() < until; left--) {
    waiting.shift()!()
    for (let step = 0; step < STEPS; step++) await undefined
  }
  isScheduled = false
  schedule()
}

export class Pace {
  #until = performance.now() + SLICE_MS

  /** True when this request has had its slice. */
  due(): boolean {
    return performance.now() > this.#until
  }

  /** Lets everything else that is ready run first. */
  async turn(): Promise<void> {
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      schedule()
    })
    this.#until = performance.now() + SLICE_MS
  }
}
