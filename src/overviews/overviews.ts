/** What making coarser mags needs: where chunks come from, memory, what is known of them already. One per serving thread. */
import type { DiskCache } from '../cache/disk.ts'
import type { Log } from '../log.ts'
import type { ChunkedArray } from '../volume/chunked-array.ts'
import type { ChunkReader } from '../volume/cutout.ts'
import type { Vec3 } from '../volume/vec.ts'
import { type JobPlace, Jobs } from './jobs.ts'
import { Scratch } from './scratch.ts'

/** Chunks found to be empty that are remembered, so that nobody looks below them again. */
const MOST_EMPTY = 100_000
const DAY_MS = 24 * 60 * 60_000
const markKey = (metadataVersion: string): string => `dropped ${metadataVersion}`

/** The coarsest stored mag of a layer, from which all others are made. */
export interface Root {
  readonly array: ChunkedArray
  /** Of Date.now. */
  readonly openedMs: number
  /** As `ChunkedArray.version`, for arrays that have none of their own. */
  version(sinceMs: number): Promise<string | undefined>
}

/**
 * Makes a chunk in another thread: `array` and `index` say which. Its voxels, nothing where none are stored, or `unknown` where that
 * thread cannot tell which array it is.
 */
export type Elsewhere = (place: JobPlace, array: string, index: Vec3) => Promise<{ readonly voxels: Uint8Array | undefined } | 'unknown'>

export class Overviews {
  readonly chunks: ChunkReader
  readonly disk: DiskCache | undefined
  readonly jobs: Jobs
  /** Where what takes long is made instead of here. */
  readonly elsewhere: Elsewhere | undefined
  readonly scratch = new Scratch()
  readonly #empty = new Set<string>()
  readonly #versions = new Map<string, Promise<string | undefined>>()
  /** By the ids of arrays. */
  readonly #metadata = new Map<string, string>()
  /** When what is kept for metadata was last dropped, by this run. */
  readonly #marks = new Map<string, string>()
  /** When what was cached under a prefix was dropped: what is in memory since then is no older. */
  readonly #dropped = new Map<string, number>()

  constructor(chunks: ChunkReader, log: Log, disk?: DiskCache, elsewhere?: Elsewhere) {
    this.chunks = chunks
    this.disk = disk
    this.elsewhere = elsewhere
    this.jobs = new Jobs(log)
  }

  isKnownEmpty(key: string): boolean {
    return this.#empty.has(key)
  }

  /** Nothing is stored below this chunk. */
  rememberEmpty(key: string): void {
    this.#empty.add(key)
    if (this.#empty.size <= MOST_EMPTY) return
    for (const oldest of this.#empty) {
      this.#empty.delete(oldest)
      if (this.#empty.size <= MOST_EMPTY / 2) break
    }
  }

  /** Under what is made of these voxels may be kept on disk; undefined where it may not. */
  versionOf({ array, openedMs, version }: Root): Promise<string | undefined> {
    const known = this.#versions.get(array.id)
    if (known) return known
    const dropped = [...this.#dropped].find(([prefix]) => array.id.startsWith(prefix))?.[1] ?? 0
    const since = Math.max(openedMs, dropped)
    const asked = (array.version ? array.version(since) : version(since)).catch(() => undefined)
    const found = asked.then((own) => own ?? (array.metadataVersion === undefined ? undefined : this.#keptFor(array.metadataVersion)))
    this.#versions.set(array.id, found)
    return found
  }

  /** To be told of each array mags are made of: dropping it then also drops what another run has kept. */
  opened({ id, metadataVersion }: ChunkedArray): void {
    if (this.disk && metadataVersion !== undefined) this.#metadata.set(id, metadataVersion)
  }

  /** Holds until the day ends (UTC), or until somebody says that the data have changed. */
  async #keptFor(metadataVersion: string): Promise<string> {
    const day = Math.floor(Date.now() / DAY_MS)
    const mark = this.#marks.get(metadataVersion) ?? new TextDecoder().decode((await this.disk?.get(markKey(metadataVersion))) ?? undefined)
    return `${metadataVersion} ${day} ${mark}`
  }

  /** Forgets what is known of the arrays whose id begins so, and breaks off what is being made of them. */
  drop(prefix: string): void {
    this.jobs.drop(prefix)
    for (const key of this.#empty) if (key.startsWith(prefix)) this.#empty.delete(key)
    for (const id of this.#versions.keys()) if (id.startsWith(prefix)) this.#versions.delete(id)
    for (const [id, metadataVersion] of this.#metadata) {
      if (!id.startsWith(prefix)) continue
      const mark = `${Date.now()} ${crypto.randomUUID()}`
      this.#metadata.delete(id)
      this.#marks.set(metadataVersion, mark)
      void this.disk?.put(markKey(metadataVersion), new TextEncoder().encode(mark))
    }
    this.#dropped.set(prefix, Date.now())
  }
}
