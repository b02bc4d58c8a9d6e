import type { Buffers } from '../cache/buffers.ts'
import type { ChunkCache } from '../cache/chunk-cache.ts'
import type { Catalogue } from '../datasets/catalogue.ts'
import type { Problem } from '../datasets/editor.ts'
import type { Log } from '../log.ts'
import type { Pictures } from '../render/picture.ts'
import type { Access } from './access.ts'

/** What answering a request needs. Nothing is global: tests build a small one, N threads build N. */
export interface Context {
  readonly version: string
  readonly catalogue: Catalogue
  readonly chunks: ChunkCache
  /** For answers being put together. */
  readonly answers: Buffers
  readonly pictures: Pictures
  readonly access: Access
  readonly control: Control
  readonly log: Log
  /** Where neuroglancer runs; empty where datasets are not to be opened in it. */
  readonly neuroglancer: string
}

/** What a request may change. Arguments and results can be cloned, so that it works the same from another thread. */
export interface Control {
  /** Looks at the data folder again; returns when what was found is open, or after a while. */
  look(): Promise<void>
  /** Drops the caches of a dataset and opens it anew; false when there is none of this id. */
  reload(id: string): Promise<boolean>
  /** Drops the caches of a dataset; nothing happens when there is none of this id. */
  invalidate(id: string): Promise<void>
  /** Adds datasets as webknossos-connect's JSON lists them, all or none. Throws `CannotWrite`. */
  add(entries: unknown): Promise<Problem[]>
}
