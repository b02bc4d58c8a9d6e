/**
 * A folder of this machine as a store. Keys are relative paths with '/'. What a key leads to, links followed, must lie in one of
 * the allowed folders.
 */
import { readdirSync, realpathSync, statSync } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CorruptChunk, OutsideAllowed } from '../volume/errors.ts'
import { chain, type MaybePromise } from '../volume/maybe-promise.ts'
import type { AllowedFolders } from './allowed.ts'
import { isMissing, upstream } from './errors.ts'
import { type FileHandles, versionOf } from './handles.ts'
import { type Mount, mountOf } from './mounts.ts'
import { type Place, Presence } from './presence.ts'
import { type ByteRange, type ListEntry, MAX_GET_BYTES, type Readable, type Stat, type Store } from './store.ts'

export class FileStore implements Store {
  readonly url: string
  readonly #handles: FileHandles
  readonly #allowed: AllowedFolders
  readonly #mount: Mount
  readonly #presence = new Presence((folder) => this.#placeOf(join(this.url, folder)))

  /** `folder`: links followed. `mount`: of all that is below it, links followed as well. */
  constructor(folder: string, handles: FileHandles, allowed: AllowedFolders, mount = mountOf(folder)) {
    this.url = folder
    this.#handles = handles
    this.#allowed = allowed
    this.#mount = mount
  }

  get isLocal(): boolean {
    return this.#mount.isLocal
  }

  async stat(key: string): Promise<Stat | undefined> {
    const path = join(this.url, key)
    return this.#patiently(path, () => this.#stat(path))
  }

  async #stat(path: string): Promise<Stat | undefined> {
    try {
      const real = await realpath(path)
      this.#allowed.check(path, real)
      const stats = await stat(real)
      return stats.isFile() ? { size: stats.size, version: versionOf(stats), changedMs: Math.max(stats.mtimeMs, stats.ctimeMs) } : undefined
    } catch (error) {
      if (isMissing(error)) return undefined
      throw error instanceof OutsideAllowed ? error : upstream(path, error)
    }
  }

  async get(key: string, range?: ByteRange, signal?: AbortSignal, maxBytes = MAX_GET_BYTES): Promise<Uint8Array | undefined> {
    const file = await this.open(key)
    if (!file) return undefined
    const start = range ? Math.max(0, range.start < 0 ? file.size + range.start : range.start) : 0
    const length = Math.max(0, Math.min(file.size - start, range?.length ?? file.size))
    if (length > maxBytes)
      throw new CorruptChunk({ file: file.name, cause: `${length} bytes are more than the ${maxBytes} read in one piece` })
    const bytes = new Uint8Array(length)
    if (length > 0) await file.read(bytes, start, signal)
    return bytes
  }

  open(key: string): MaybePromise<Readable | undefined> {
    const path = join(this.url, key)
    const found = chain(this.#resolve(path), (real) => (real === undefined ? undefined : this.#handles.open(real, this.#mount)))
    return chain(found, (file): MaybePromise<Readable | undefined> => {
      return file ? chain(this.#presence.found(key), () => file) : this.#presence.missing(key, path)
    })
  }

  async list(prefix: string): Promise<readonly ListEntry[]> {
    const path = join(this.url, prefix)
    return this.#patiently(path, () => this.#list(path))
  }

  async #list(path: string): Promise<readonly ListEntry[]> {
    try {
      this.#allowed.check(path, await realpath(path))
      const entries = await readdir(path, { withFileTypes: true })
      const listed = entries.map(async (entry): Promise<ListEntry | undefined> => {
        const kind = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => undefined) : entry
        if (!kind?.isDirectory() && !kind?.isFile()) return undefined
        return { name: entry.name, isFolder: kind.isDirectory() }
      })
      return (await Promise.all(listed)).filter((entry) => entry !== undefined)
    } catch (error) {
      if (isMissing(error)) return []
      throw error instanceof OutsideAllowed ? error : upstream(path, error)
    }
  }

  #placeOf(path: string): MaybePromise<Place | undefined> {
    if (this.#mount.isLocal) {
      const stats = statSync(path, { throwIfNoEntry: false })
      return stats && { device: stats.dev, isEmpty: () => readdirSync(path).length === 0 }
    }
    return this.#patiently(path, async () => {
      const stats = await stat(path).catch((error) => {
        if (isMissing(error)) return undefined
        throw upstream(path, error)
      })
      return stats && { device: stats.dev, isEmpty: () => this.#patiently(path, async () => (await readdir(path)).length === 0) }
    })
  }

  #patiently<T>(path: string, work: () => Promise<T>): Promise<T> {
    return this.#mount.isLocal ? work() : this.#handles.patience.wait(this.#mount.point, path, work)
  }

  /** The real path of what may be read, undefined where nothing is. */
  #resolve(path: string): MaybePromise<string | undefined> {
    const refuse = (error: unknown): undefined => {
      if (isMissing(error)) return undefined
      throw error instanceof OutsideAllowed ? error : upstream(path, error)
    }
    const checked = (real: string): string => {
      this.#allowed.check(path, real)
      return real
    }
    if (!this.#mount.isLocal) return this.#patiently(path, () => realpath(path).then(checked).catch(refuse))
    try {
      return checked(realpathSync(path))
    } catch (error) {
      return refuse(error)
    }
  }
}
