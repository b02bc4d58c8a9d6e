/**
 * Chunks that take long to make: each is made once, however many ask for it, and says how far it is. Who asks waits as long as it can;
 * work whose askers only ran out of time goes on, for they will ask again. Work that nobody wants any more is broken off.
 */
import { release } from '../cache/release.ts'
import type { Log } from '../log.ts'
import { Deadline } from '../volume/errors.ts'

/** Nobody has asked for so long: it is not wanted any more. */
const WANTED_MS = 5 * 60_000
/** What takes less is not worth a line. */
const QUIET_MS = 3000
const SAY_MS = 10_000

export interface JobPlace {
  /** organization/dataset@version/ is the beginning of array ids: whose mag it is. */
  readonly versionedId: string
  readonly layer: string
  readonly mag: string
}

export interface Progress extends Omit<JobPlace, 'versionedId'> {
  /** From 0 to 1. */
  readonly done: number
}

/** What the work tells of itself. */
export interface Tracker {
  readonly signal: AbortSignal
  /** Into how many equal parts it falls. */
  expect(parts: number): void
  /** A part is begun; `key` is that of the job it may be. */
  begin(key: string): void
  finish(key: string): void
}

/** `undefined`: nothing is stored there. */
type Made = Uint8Array | undefined

export interface Result {
  readonly voxels: Made
  /** To be called by everybody who got it, when they have copied it. */
  done(): void
}

interface Job extends JobPlace {
  readonly bytes: number
  readonly startedMs: number
  readonly work: Promise<Made>
  readonly controller: AbortController
  readonly current: Set<string>
  /** Part of another job. */
  readonly isInner: boolean
  waiting: number
  /** Who will copy the result. */
  takers: number
  parts: number
  finished: number
  forgotten: ReturnType<typeof setTimeout> | undefined
}

export class Jobs {
  readonly #log: Log
  readonly #jobs = new Map<string, Job>()
  readonly #expected = new Map<string, number>()
  readonly #said = new Set<string>()
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** Joins the work of this key or begins it. `bytes`: how much has to be read for it, as its weight among others. */
  run(key: string, place: JobPlace, bytes: number, make: (tracker: Tracker) => Promise<Made>, signal?: AbortSignal): Promise<Result> {
    const job = this.#jobs.get(key) ?? this.#start(key, place, bytes, make)
    clearTimeout(job.forgotten)
    job.waiting++
    job.takers++
    const result = job.work.then((voxels) => ({
      voxels,
      done: () => {
        if (--job.takers === 0 && voxels) release(voxels)
      },
    }))
    if (!signal) return result
    const leave = () => {
      if (--job.waiting > 0) return
      if (!(signal.reason instanceof Deadline)) return job.controller.abort(signal.reason)
      job.forgotten = setTimeout(() => job.controller.abort(signal.reason), WANTED_MS)
      job.forgotten.unref()
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
    return result.finally(() => signal.removeEventListener('abort', leave))
  }

  /** What is being made of a dataset, or of all. */
  progress(versionedId?: string): Progress[] {
    const byMag = new Map<string, { layer: string; mag: string; bytes: number; done: number }>()
    for (const job of this.#jobs.values()) {
      if (job.isInner || (versionedId !== undefined && job.versionedId !== versionedId)) continue
      const name = `${job.versionedId}/${job.layer}/${job.mag}`
      const sum = byMag.get(name) ?? { layer: job.layer, mag: job.mag, bytes: 0, done: 0 }
      sum.bytes += job.bytes
      sum.done += job.bytes * this.#doneOf(job)
      byMag.set(name, sum)
    }
    return [...byMag.values()].map(({ layer, mag, bytes, done }) => ({ layer, mag, done: done / bytes }))
  }

  /** Breaks off all work on arrays whose id begins so. */
  drop(prefix: string): void {
    for (const [key, job] of this.#jobs)
      if (key.startsWith(prefix)) job.controller.abort(new Deadline({ cause: 'the dataset was opened anew' }))
  }

  #start(key: string, place: JobPlace, bytes: number, make: (tracker: Tracker) => Promise<Made>): Job {
    const controller = new AbortController()
    const current = new Set<string>()
    const tracker: Tracker = {
      signal: controller.signal,
      expect: (parts) => {
        job.parts = parts
      },
      begin: (part) => {
        current.add(part)
        this.#expected.set(part, (this.#expected.get(part) ?? 0) + 1)
      },
      finish: (part) => {
        if (current.delete(part)) job.finished++
        this.#unexpect(part)
      },
    }
    const end = () => {
      clearTimeout(job.forgotten)
      for (const part of current) this.#unexpect(part)
      if (this.#jobs.get(key) === job) this.#jobs.delete(key)
      this.#sayEnd(job)
    }
    const isInner = this.#expected.has(key)
    const startedMs = Date.now()
    const work = Promise.resolve()
      .then(() => make(tracker))
      .finally(end)
    work.catch(() => {})
    const job: Job = {
      ...place,
      bytes,
      startedMs,
      work,
      controller,
      current,
      isInner,
      waiting: 0,
      takers: 0,
      parts: 1,
      finished: 0,
      forgotten: undefined,
    }
    this.#jobs.set(key, job)
    this.#timer ??= setInterval(() => this.#say(), SAY_MS / 4)
    this.#timer.unref()
    return job
  }

  #unexpect(part: string): void {
    const count = (this.#expected.get(part) ?? 1) - 1
    if (count > 0) this.#expected.set(part, count)
    else this.#expected.delete(part)
  }

  #doneOf(job: Job): number {
    let sum = job.finished
    for (const part of job.current) {
      const inner = this.#jobs.get(part)
      if (inner && inner !== job) sum += this.#doneOf(inner)
    }
    return Math.min(1, sum / job.parts)
  }

  #lastSaidMs = 0

  #say(): void {
    if (this.#jobs.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const now = Date.now()
    if (now - this.#lastSaidMs < SAY_MS) return
    const slow = new Set(
      [...this.#jobs.values()].filter((job) => !job.isInner && now - job.startedMs > QUIET_MS).map(({ versionedId }) => versionedId),
    )
    for (const id of slow) {
      this.#lastSaidMs = now
      for (const { layer, mag, done } of this.progress(id)) {
        this.#said.add(`${id}/${layer}/${mag}`)
        this.#log.info(`${nameOf(id)}, layer ${layer}: making mag ${mag}, ${Math.floor(done * 100)} %`)
      }
    }
  }

  #sayEnd({ versionedId, layer, mag, startedMs }: Job): void {
    const name = `${versionedId}/${layer}/${mag}`
    const others = [...this.#jobs.values()].some((job) => !job.isInner && `${job.versionedId}/${job.layer}/${job.mag}` === name)
    if (others || !this.#said.delete(name)) return
    this.#log.info(
      `${nameOf(versionedId)}, layer ${layer}: what was asked of mag ${mag} is made, ${Math.round((Date.now() - startedMs) / 1000)} s`,
    )
  }
}

const nameOf = (versionedId: string): string => versionedId.replace(/@\d+$/, '')
