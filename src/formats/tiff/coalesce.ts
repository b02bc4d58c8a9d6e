/**
 * A file whose reads take time, read in fewer pieces: reads that are asked for in the same turn of the event loop and lie close to one
 * another are one read. On a local disk every read is answered at once, and nothing is changed.
 */
import type { Readable } from '../../stores/store.ts'
import type { MaybePromise } from '../../volume/maybe-promise.ts'

/** What is read in vain between two pieces costs less than another round trip. */
const MOST_GAP = 8 * 1024
const MOST_BYTES = 1024 * 1024

interface Waiting {
  readonly target: Uint8Array
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

export class CoalescedFile implements Readable {
  readonly name: string
  readonly size: number
  readonly version: string
  readonly #file: Readable
  #takesTime = false
  #waiting: Waiting[] = []

  constructor(file: Readable) {
    this.#file = file
    this.name = file.name
    this.size = file.size
    this.version = file.version
  }

  isCurrent(): Promise<boolean> {
    return this.#file.isCurrent()
  }

  read(target: Uint8Array, offset: number): MaybePromise<void> {
    if (!this.#takesTime) {
      const reading = this.#file.read(target, offset)
      this.#takesTime = reading instanceof Promise
      return reading
    }
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush())
      this.#waiting.push({ target, offset, resolve, reject })
    })
  }

  #flush(): void {
    const waiting = this.#waiting.sort((a, b) => a.offset - b.offset)
    this.#waiting = []
    for (let n = 0; n < waiting.length; ) {
      const start = waiting[n]!.offset
      const group: Waiting[] = []
      let end = start
      for (; n < waiting.length; n++) {
        const { offset, target } = waiting[n]!
        const longer = Math.max(end, offset + target.length)
        if (group.length > 0 && (offset > end + MOST_GAP || longer - start > MOST_BYTES)) break
        group.push(waiting[n]!)
        end = longer
      }
      void this.#read(group, start, end)
    }
  }

  async #read(group: readonly Waiting[], start: number, end: number): Promise<void> {
    try {
      if (group.length === 1) await this.#file.read(group[0]!.target, start)
      else {
        const bytes = new Uint8Array(end - start)
        await this.#file.read(bytes, start)
        for (const { target, offset } of group) target.set(bytes.subarray(offset - start, offset - start + target.length))
      }
      for (const { resolve } of group) resolve()
    } catch (error) {
      // one piece past the end must not take its neighbours along
      if (group.length === 1) group[0]!.reject(error)
      else for (const one of group) void this.#read([one], one.offset, one.offset + one.target.length)
    }
  }
}
