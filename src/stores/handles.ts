/**
 * Open files, at most `limit` at a time; the one unused longest is closed first. A file that was closed meanwhile is opened again
 * at the next read and compared with what it was, so a `Readable` never changes its bytes without saying so.
 */
import { close, closeSync, constants, fstat, fstatSync, open, openSync, read, readSync, type Stats, stat, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { CorruptChunk } from '../volume/errors.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { isMissing, upstream } from './errors.ts'
import type { Mount } from './mounts.ts'
import { Patience } from './patience.ts'
import { FileChanged, type Readable } from './store.ts'

/** A file replaced by another one is noticed after this time at the latest; until then the old one is read. */
const RECHECK_MS = 2000

// without O_NONBLOCK opening a FIFO would wait for somebody to write into it; Windows has neither
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

const openAsync = promisify(open)
const statAsync = promisify(stat)
const fstatAsync = promisify(fstat)

export const versionOf = (stats: Stats): string => `${stats.ino}-${stats.mtimeMs}-${stats.size}`

export class FileHandles {
  /** For all operations that may hang. */
  readonly patience: Patience
  readonly #limit: number
  /** Least recently used first. */
  readonly #open = new Set<LocalFile>()

  constructor(limit = 512, patience = new Patience()) {
    this.#limit = limit
    this.patience = patience
  }

  get openFiles(): number {
    return this.#open.size
  }

  /** Opens a regular file; undefined where there is none. On a local disk at once. Throws `UpstreamError`. */
  open(path: string, mount: Mount): MaybePromise<LocalFile | undefined> {
    if (!mount.isLocal) return this.patience.wait(mount.point, path, () => this.#openAsync(path, mount))
    let fd = -1
    try {
      fd = openSync(path, FLAGS)
      return this.#keep(path, mount, fd, fstatSync(fd))
    } catch (error) {
      if (fd >= 0) closeSync(fd)
      return missingOr(path, error)
    }
  }

  async #openAsync(path: string, mount: Mount): Promise<LocalFile | undefined> {
    let fd = -1
    try {
      fd = await openAsync(path, FLAGS)
      return this.#keep(path, mount, fd, await fstatAsync(fd))
    } catch (error) {
      if (fd >= 0) close(fd)
      return missingOr(path, error)
    }
  }

  #keep(path: string, mount: Mount, fd: number, stats: Stats): LocalFile {
    if (!stats.isFile()) throw upstream(path, 'not a regular file')
    const file = new LocalFile(this, path, mount, fd, stats)
    this.used(file)
    return file
  }

  /** Marks a file as the one used last, and closes others when there are too many. */
  used(file: LocalFile): void {
    this.#open.delete(file)
    this.#open.add(file)
    if (this.#open.size <= this.#limit) return
    for (const other of this.#open) {
      if (other !== file && other.close()) break
    }
  }

  forget(file: LocalFile): void {
    this.#open.delete(file)
  }
}

export class LocalFile implements Readable {
  readonly name: string
  readonly size: number
  readonly version: string
  readonly #handles: FileHandles
  readonly #mount: Mount
  #fd: number
  #reading = 0
  #checkedAt = Date.now()

  constructor(handles: FileHandles, path: string, mount: Mount, fd: number, stats: Stats) {
    this.#handles = handles
    this.name = path
    this.#mount = mount
    this.#fd = fd
    this.size = stats.size
    this.version = versionOf(stats)
  }

  read(target: Uint8Array, offset: number): MaybePromise<void> {
    if (offset < 0 || offset + target.length > this.size) {
      throw new CorruptChunk({
        file: this.name,
        cause: `bytes ${offset} to ${offset + target.length} are asked for, the file ends at ${this.size}`,
      })
    }
    if (this.#mount.isLocal) return this.#readSync(target, offset)
    const { patience } = this.#handles
    // into memory of its own: a read that comes back after its time-out must not write where others do by then
    return patience
      .wait(this.#mount.point, this.name, async () => {
        const bytes = new Uint8Array(target.length)
        await this.#readAsync(bytes, offset)
        return bytes
      })
      .then((bytes) => target.set(bytes))
  }

  async isCurrent(): Promise<boolean> {
    try {
      const { patience } = this.#handles
      return versionOf(await patience.wait(this.#mount.point, this.name, () => statAsync(this.name))) === this.version
    } catch (error) {
      return !isMissing(error)
    }
  }

  /** Closes the descriptor unless somebody reads from it; the file opens itself again when needed. */
  close(): boolean {
    if (this.#reading > 0) return false
    if (this.#fd >= 0) closeSync(this.#fd)
    this.#fd = -1
    this.#handles.forget(this)
    return true
  }

  #readSync(target: Uint8Array, offset: number): void {
    try {
      if (this.#fd < 0) {
        this.#fd = openSync(this.name, FLAGS)
        this.#sameAs(fstatSync(this.#fd))
      } else if (Date.now() - this.#checkedAt > RECHECK_MS) this.#sameAs(statSync(this.name))
      this.#handles.used(this)
      for (let done = 0; done < target.length; ) {
        const n = readSync(this.#fd, target, done, target.length - done, offset + done)
        if (n === 0) throw this.#changed()
        done += n
      }
      // written in place meanwhile: after the bytes, so that none of them can be newer than what is looked at
      if (versionOf(fstatSync(this.#fd)) !== this.version) throw this.#changed()
    } catch (error) {
      throw this.#explain(error)
    }
  }

  async #readAsync(target: Uint8Array, offset: number): Promise<void> {
    this.#reading++
    try {
      if (this.#fd < 0) {
        const fd = await openAsync(this.name, FLAGS)
        if (this.#fd < 0) this.#fd = fd
        else close(fd)
        this.#sameAs(await fstatAsync(this.#fd))
      } else if (Date.now() - this.#checkedAt > RECHECK_MS) this.#sameAs(await statAsync(this.name))
      this.#handles.used(this)
      for (let done = 0; done < target.length; ) {
        const n = await readAsync(this.#fd, target, done, target.length - done, offset + done)
        if (n === 0) throw this.#changed()
        done += n
      }
      if (versionOf(await fstatAsync(this.#fd)) !== this.version) throw this.#changed()
    } catch (error) {
      throw this.#explain(error)
    } finally {
      this.#reading--
    }
  }

  #sameAs(stats: Stats): void {
    if (versionOf(stats) !== this.version) throw this.#changed()
    this.#checkedAt = Date.now()
  }

  #changed(): FileChanged {
    return new FileChanged(`${this.name} was changed while it was being read`)
  }

  #explain(error: unknown): unknown {
    if (error instanceof FileChanged || isMissing(error)) {
      this.close()
      return error instanceof FileChanged ? error : this.#changed()
    }
    return upstream(this.name, error)
  }
}

const readAsync = (fd: number, target: Uint8Array, at: number, length: number, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    read(fd, target, at, length, position, (error, n) => (error ? reject(error) : resolve(n)))
  })

function missingOr(path: string, error: unknown): undefined {
  if (isMissing(error)) return undefined
  throw error instanceof Error && error.name === 'UpstreamError' ? error : upstream(path, error)
}
