/**
 * Ranges of one object that are asked for at about the same time and lie next to each other become one request: a round trip costs more
 * than the few bytes between them.
 */
import type { Part } from './range.ts'

/** More bytes than this between two ranges are not read in vain. */
const GAP = 16 * 1024
const MOST = 8 * 1024 * 1024

interface Wanted {
  readonly start: number
  readonly length: number
  readonly signal: AbortSignal | undefined
  readonly resolve: (part: Part) => void
  readonly reject: (reason: unknown) => void
}

type Read = (key: string, start: number, length: number, signal: AbortSignal) => Promise<Part | undefined>

export class Coalescer {
  readonly #read: Read
  #wanted = new Map<string, (Wanted & { readonly missing: () => void })[]>()

  /** `read` gets the part of a range that exists, undefined where there is no object. */
  constructor(read: Read) {
    this.#read = read
  }

  /** `start` counts from the beginning, `length` is above 0. */
  get(key: string, start: number, length: number, signal?: AbortSignal): Promise<Part | undefined> {
    signal?.throwIfAborted()
    return new Promise((resolve, reject) => {
      if (this.#wanted.size === 0) setImmediate(() => this.#flush())
      const list = this.#wanted.get(key)
      const wanted = { start, length, signal, resolve, reject, missing: () => resolve(undefined) }
      if (list) list.push(wanted)
      else this.#wanted.set(key, [wanted])
    })
  }

  #flush(): void {
    const all = this.#wanted
    this.#wanted = new Map()
    for (const [key, list] of all) for (const run of runsOf(list)) void this.#readRun(key, run)
  }

  async #readRun(key: string, run: readonly (Wanted & { readonly missing: () => void })[]): Promise<void> {
    const start = run[0]!.start
    const end = Math.max(...run.map((wanted) => wanted.start + wanted.length))
    const controller = new AbortController()
    let waiting = run.length
    const leaves = run.map(({ signal, reject }) => {
      const leave = () => {
        reject(signal!.reason)
        if (--waiting === 0) controller.abort(signal!.reason)
      }
      if (signal?.aborted) leave()
      else signal?.addEventListener('abort', leave, { once: true })
      return () => signal?.removeEventListener('abort', leave)
    })
    try {
      const part = waiting > 0 ? await this.#read(key, start, end - start, controller.signal) : undefined
      for (const wanted of run) {
        if (!part) wanted.missing()
        else if (run.length === 1) wanted.resolve(part)
        else {
          const at = wanted.start - start
          // copied: a small piece must not hold the memory of all
          wanted.resolve({ bytes: part.bytes.slice(at, at + wanted.length), total: part.total })
        }
      }
    } catch (error) {
      for (const { reject } of run) reject(error)
    } finally {
      for (const done of leaves) done()
    }
  }
}

function runsOf<T extends { readonly start: number; readonly length: number }>(list: readonly T[]): T[][] {
  const runs: T[][] = []
  let from = 0
  let end = 0
  for (const wanted of [...list].sort((a, b) => a.start - b.start)) {
    const run = runs.at(-1)
    const next = Math.max(end, wanted.start + wanted.length)
    if (run && wanted.start <= end + GAP && next - from <= MOST) {
      run.push(wanted)
      end = next
    } else {
      runs.push([wanted])
      from = wanted.start
      end = wanted.start + wanted.length
    }
  }
  return runs
}
