import type { Answers } from '../cache/answers.ts'
import type { ChunkCache } from '../cache/chunk-cache.ts'
import type { Datasets } from '../datasets/catalogue.ts'
import type { KnownContrasts } from '../datasets/contrasts.ts'
import type { ListedDataset } from '../datasets/data-source.ts'
import type { Problem } from '../datasets/editor.ts'
import type { Address, Explored } from '../datasets/explore.ts'
import type { EditedDataSource } from '../datasets/overrides.ts'
import type { VirtualDatasets } from '../datasets/virtual-datasets.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Snapshot } from '../metrics/registry.ts'
import type { Overviews } from '../overviews/overviews.ts'
import type { Pictures } from '../render/picture.ts'
import type { PageOptions } from '../viewer/page.ts'
import type { CoreState } from '../webknossos/connection.ts'
import type { Access } from './access.ts'
import type { Gate } from './gate.ts'
import type { Deadlines } from './request-signal.ts'

/** What answering a request needs. Nothing is global: tests build a small one, N threads build N. */
export interface Context {
  readonly version: string
  readonly catalogue: Datasets
  /** What only core knows; without one there is nothing of the kind. */
  readonly virtual?: VirtualDatasets | undefined
  readonly chunks: ChunkCache
  /** For answers being put together. */
  readonly answers: Answers
  readonly pictures: Pictures
  /** Who is let in when many ask at once. */
  readonly gate: Gate
  /** By when a bucket is read or has failed. */
  readonly deadlines: Deadlines
  readonly contrasts: KnownContrasts
  readonly access: Access
  /** What makes the mags that are not stored, if anything does. */
  readonly overviews?: Overviews | undefined
  readonly control: Control
  readonly log: Log
  /** Which serving thread it is; 0 is the main one. */
  readonly thread: number
  /** What this thread counts. */
  readonly metrics: Metrics
  /** Path below which everything is answered, too: `/connect`, or empty. */
  readonly base: string
  /** Where neuroglancer runs; empty where datasets are not to be opened in it. */
  readonly neuroglancer: string
}

/** What one thread did while it was recorded. */
export interface ThreadProfile {
  readonly name: string
  /** A Chrome .cpuprofile, JSON. */
  readonly profile: string
}

/** What a request may change, and what is about all datasets. Arguments and results can be cloned, so that it works the same from another thread. */
export interface Control {
  /** Looks at the data folder again; returns when what was found is open and reported, or after a while. */
  look(): Promise<void>
  /** Drops the caches of a dataset, opens it anew and reports it; false when there is none of this id. */
  reload(id: string): Promise<boolean>
  /** Drops the caches of a dataset; nothing happens when there is none of this id. */
  invalidate(id: string): Promise<void>
  /** Adds datasets as webknossos-connect's JSON lists them, all or none. Throws `CannotWrite`. */
  add(entries: unknown): Promise<Problem[]>
  /** What lies at these addresses, as a data source. Never rejects for what is wrong with an address. */
  explore(addresses: readonly Address[], organization: string): Promise<Explored>
  /** Changes how a dataset is described, for good. Throws `CannotWrite`. */
  edit(id: string, dataSource: EditedDataSource): Promise<'done' | 'unknown' | 'unusable'>
  /** All datasets; waits a while for those being opened. */
  list(): Promise<ListedDataset[]>
  /** The page of all datasets; waits a moment for those being opened. */
  page(options: Omit<PageOptions, 'core' | 'making'>): Promise<string>
  /** Whether this is a link to sign in with that was not used before; it is now. */
  useLink(link: string): Promise<boolean>
  /** How the connection to webKnossos goes; undefined without one. */
  core(): Promise<CoreState | undefined>
  /** What all threads have counted, together. */
  metrics(): Promise<Snapshot>
  /** Records all threads, serving ones first; undefined while a recording is under way. */
  record(ms: number): Promise<ThreadProfile[] | undefined>
}
