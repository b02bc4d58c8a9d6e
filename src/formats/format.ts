import type { Decoders } from '../../codecs/pool.ts'
import type { Buffers } from '../cache/buffers.ts'
import type { Tables } from '../cache/tables.ts'
import type { Guard } from '../stores/http/guard.ts'
import type { Store } from '../stores/store.ts'
import type { Dataset } from '../volume/chunked-array.ts'
import type { ChunkReader } from '../volume/cutout.ts'
import type { Vec3 } from '../volume/vec.ts'
import type { BossService } from './boss/service.ts'

/** What a format needs from the server to open a dataset and to read from it later. */
export interface OpenContext {
  /** First part of the ids of all arrays: organization/dataset@version. */
  readonly id: string
  /** The dataset's name, for layers called after it. */
  readonly name: string
  readonly pool: Decoders
  readonly tables: Tables
  readonly buffers: Buffers
  /** Keeps chunks; for those that are worth keeping as they are stored. */
  readonly chunks: ChunkReader
  /** To be called when a file is found to be replaced: the dataset is then opened anew. */
  changed(): void
  /**
   * A store for another place a dataset's own files or its entry point to: an absolute path, or a URL with the secrets that open it.
   * Refuses what may not be read.
   */
  storeAt(source: string, credentials?: unknown): Promise<Store>
  /** Looks at addresses, for what is no store; undefined where requests may go anywhere. */
  readonly guard: Guard | undefined
  readonly boss: BossService
  /** Another format, for data that lie somewhere else in it, too. */
  format(name: Format['name']): Promise<Format>
}

/** What datasets.json may say about any dataset. */
export interface OpenOptions {
  /** Voxel size in nm from datasets.json: wins over everything the files say. */
  readonly scale?: Vec3 | undefined
  /** The entry in datasets.json as it stands there, `${ENV}` replaced; each format checks the keys it knows. */
  readonly config?: Readonly<Record<string, unknown>> | undefined
  /** For TIFF: the files of each layer, as discovery sorted them. */
  readonly images?: readonly ImageLayer[] | undefined
}

/** The files of one layer: a single one, or the slices of a z-stack. */
export interface ImageLayer {
  readonly name: string
  /** Keys in the store and the z each belongs to. */
  readonly slices: readonly { readonly key: string; readonly z: number }[]
  /** Other files it is made of: the set an OME-TIFF describes. */
  readonly others?: readonly string[] | undefined
  /** What discovery left out of it, and why. */
  readonly notes?: readonly string[] | undefined
}

export interface Format {
  readonly name: 'wkw' | 'tiff' | 'neuroglancer' | 'boss' | 'zarr' | 'n5'
  /** Opens what lies in the store. Throws `Unusable` with a reason the owner of the data understands. */
  open(store: Store, options: OpenOptions, context: OpenContext): Promise<Dataset>
}
