/** What threads may ask each other. Arguments and results are plain data. */
import type { Control, ThreadProfile } from '../api/context.ts'
import type { Contrast } from '../datasets/contrasts.ts'
import type { SnapshotChange } from '../datasets/snapshot.ts'
import type { Log } from '../log.ts'
import type { Snapshot } from '../metrics/registry.ts'
import type { Elsewhere } from '../overviews/overviews.ts'

/** Asked of every serving thread, the main one included. */
export interface ServingThread {
  /** Forgets what is cached of a dataset. */
  drop(versionedId: string): void
  /** What is known about an id of core's may no longer hold. */
  forget(id: string): void
  /** Versioned ids of datasets whose open files have been replaced. */
  recheck(): Promise<string[]>
  /** What it has counted. */
  metrics(): Snapshot
  /** CPU profiles of the next so many milliseconds, its own first. */
  record(ms: number): Promise<ThreadProfile[]>
}

/** Asked of those beside the main thread only. */
export interface WorkerThread extends ServingThread {
  /** Resolves when all later requests see it. */
  apply(change: SnapshotChange): void
  /** Starts to listen; the port. */
  listen(port: number): Promise<number>
  /** Ends when answers under way are over, or after this time. */
  stop(graceMs: number): Promise<void>
}

/** Asked of the main thread by the others. */
export interface MainThread extends Control {
  /** Files of a dataset have changed: it is to be opened anew. */
  stale(versionedId: string): Promise<void>
  assignId(organization: string, name: string, id: string): Promise<void>
  /** By layer, what has been measured after at most this time; null for a layer that has none. */
  contrasts(versionedId: string, timeoutMs: number): Promise<Record<string, Contrast | null>>
  /** A chunk that takes long to make: made once for all threads. */
  make(...chunk: Parameters<Elsewhere>): ReturnType<Elsewhere>
  log(kind: keyof Log, ...words: string[]): Promise<void>
}
