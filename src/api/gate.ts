/**
 * Who gets voxels when many ask at once, one per serving thread. More than so many requests are not taken on; what is short is let in
 * between what is long; and after a few milliseconds of decoding everybody else has a turn: new connections, `/data/health`, the page.
 */
import { Limit } from '../volume/limit.ts'
import { Turns } from '../volume/turns.ts'
import { startDeadline } from './deadline.ts'
import { HttpError } from './errors.ts'

/** Decoding and copying for requests that were all there at the same time goes on for so long before the event loop goes round. */
const SLICE_MS = 3
const STEPS = 2
/** Slabs of large cuboids being read at the same time: each takes a millisecond of every turn. */
const SLABS = 2
/** Of those that wait more than they work, for another server or until a mag is made. */
const PATIENT_SLABS = 4
/** Well below the 60 s after which a silent connection is closed. */
const LINE_MS = 20_000

/** 429, which clients try again: webKnossos after a while, Zarr libraries after `Retry-After`. */
export class Busy extends HttpError {
  constructor(why: string) {
    super(429, `${why} Try again in a moment.`)
  }
}

export class Gate {
  readonly #most: number
  #underWay = 0
  #refused = 0
  readonly #slabs = new Limit(SLABS)
  readonly #patientSlabs = new Limit(PATIENT_SLABS)
  readonly #turns = new Turns(SLICE_MS, STEPS)

  /** `most`: requests for voxels at the same time. */
  constructor(most: number) {
    this.#most = most
  }

  get underWay(): number {
    return this.#underWay
  }

  get refused(): number {
    return this.#refused
  }

  /** Slabs that wait for others to be read. */
  get waiting(): number {
    return this.#slabs.waiting + this.#patientSlabs.waiting
  }

  /** Throws `Busy`. Whoever enters has to leave. */
  enter(): void {
    if (this.#underWay >= this.#most) {
      this.#refused++
      throw new Busy(`This server has ${this.#most} requests for voxels under way, as many as it takes at once.`)
    }
    this.#underWay++
  }

  leave(): void {
    this.#underWay--
  }

  /** To be waited for before something short is done at once; nothing while the slice lasts. Who came first goes on first. */
  turn(): Promise<void> | undefined {
    return this.#turns.isFree() ? undefined : this.#turns.wait()
  }

  /**
   * For waiting in line: fires with `Busy` after `ms`, and when `signal` does. Call `clear` when there is nothing more to wait for.
   */
  patience(signal?: AbortSignal, ms = LINE_MS) {
    return startDeadline(signal, ms, () => {
      this.#refused++
      return new Busy(`For ${ms / 1000} s this server had larger requests before this one than it has room for.`)
    })
  }

  /**
   * Reads a slab of a large cuboid when others have been read. `isPatient`: reading waits for something else most of the time. Throws what
   * `read` throws, and why `signal` fired while it waited.
   */
  slab<T>(read: () => Promise<T>, isPatient: boolean, signal?: AbortSignal): Promise<T> {
    return (isPatient ? this.#patientSlabs : this.#slabs).run(read, signal)
  }
}
