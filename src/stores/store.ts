import type { MaybePromise } from '../volume/maybe-promise.ts'

/** Where a range starts and how long it is; a negative start counts from the end (a suffix). */
export interface ByteRange {
  readonly start: number
  readonly length: number
}

export interface Stat {
  readonly size: number
  /** Changes when the bytes do: an ETag, or inode, mtime and size. */
  readonly version: string
  /** When they last did, where the store knows it; of Date.now. */
  readonly changedMs?: number
}

/** One key opened for many positioned reads. Its version is fixed: once the bytes behind it change, reads throw `FileChanged`. */
export interface Readable extends Stat {
  /** For messages. */
  readonly name: string
  /** Fills all of `target` from `offset`, or throws: CorruptChunk where the file ends before, UpstreamError when it cannot be read. */
  read(target: Uint8Array, offset: number, signal?: AbortSignal): MaybePromise<void>
  /** Whether the key still leads to these bytes. True where that cannot be found out just now. */
  isCurrent(): Promise<boolean>
}

export interface ListEntry {
  readonly name: string
  readonly isFolder: boolean
}

/** A place with keys: a folder, a web server, a bucket. Missing is `undefined`; anything else that goes wrong throws. */
export interface Store {
  /** For messages and the descriptor: the folder or URL the keys are relative to. */
  readonly url: string
  stat(key: string, signal?: AbortSignal): Promise<Stat | undefined>
  /** All bytes, or those of the range that exist. Refuses an object of more than `maxBytes`, which is `MAX_GET_BYTES` where it is not given. */
  get(key: string, range?: ByteRange, signal?: AbortSignal, maxBytes?: number): Promise<Uint8Array | undefined>
  /** At once where the store is a local disk. */
  open(key: string, signal?: AbortSignal): MaybePromise<Readable | undefined>
  /** Of a remote object: the version `open` has found, always the same one; undefined where nothing tells versions apart. */
  openedVersion?(key: string): string | undefined
  /** On a disk of this machine: what was read before mostly comes from memory, at once. */
  readonly isLocal?: boolean
  /** Names directly below a prefix, folders told apart. An absent prefix has none. */
  list?(prefix: string): Promise<readonly ListEntry[]>
  /**
   * Told by a format that has read its metadata from `key`. Buckets that may not be listed answer 403 for what is not there; from now on
   * that is missing, as long as `key` itself can still be read. Before, and where it cannot, 403 is a matter of credentials.
   */
  metadataRead?(key: string): void
}

/** Metadata documents are small; nothing larger is read in one piece. */
export const MAX_GET_BYTES = 256 * 1024 * 1024

/** The file behind a `Readable` is not the one that was opened: what was read from its header no longer holds. */
export class FileChanged extends Error {
  override readonly name = 'FileChanged'
}
