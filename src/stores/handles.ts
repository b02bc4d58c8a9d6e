/**
 * Open files, at most `limit` at a time; the one unused longest is closed first. A file that was closed meanwhile is opened again
 * at the next read and compared with what it was, so a `Readable` never changes its bytes without saying so.
 */
import { close, closeSync, constants, fstat, fstatSync, open, openSync, read, readSync, type Stats, stat, statSync } from 'node:fs'
import { promisify } from 'node:util'
import { CorruptChunk } from '../volume/errors.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { isMissing, upstream } from './errors.ts'
import { FileChanged, type Readable } from './store.ts'

/** A replaced file is noticed after this time at the latest. */
const RECHECK_MS = 2000

// without O_NONBLOCK opening a FIFO would wait for somebody to write into it; Windows has neither
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)

const openAsync = promisify(open)
const statAsync = promisify(stat)
const fstatAsync = promisify(fstat)

export const versionOf = (stats: Stats): string => `${stats.ino}-${stats.mtimeMs}-${stats.size}`

export class FileHandles {
  readonly #limit: number
  /** Least recently used first. */
  readonly #open = new Set<LocalFile>()

  constructor(limit = 512) {
    this.#limit = limit
  }

  get openFiles(): number {
    return this.#open.size
  }

  /** Opens a regular file; undefined where there is none. `sync`: the file lies on a local disk. Throws `UpstreamError`. */
  open(path: string, sync: boolean): MaybePromise<LocalFile | undefined> {
    if (!sync) return this.#openAsync(path)
    let fd = -1
    try {
      fd = openSync(path, FLAGS)
      return this.#keep(path, sync, fd, fstatSync(fd))
    } catch (error) {
      if (fd >= 0) closeSync(fd)
      return missingOr(path, error)
    }
  }

  async #openAsync(path: string): Promise<LocalFile | undefined> {
    let fd = -1
    try {
      fd = await openAsync(path, FLAGS)
      return this.#keep(path, false, fd, await fstatAsync(fd))
    } catch (error) {
      if (fd >= 0) close(fd)
      return missingOr(path, error)
    }
  }

  #keep(path: string, sync: boolean, fd: number, stats: Stats): LocalFile {
    if (!stats.isFile()) throw upstream(path, 'not a regular file')
    const file = new LocalFile(this, path, sync, fd, stats)
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
  readonly #sync: boolean
  #fd: number
  #reading = 0
  #checkedAt = Date.now()

  constructor(handles: FileHandles, path: string, sync: boolean, fd: number, stats: Stats) {
    this.#handles = handles
    this.name = path
    this.#sync = sync
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
    return this.#sync ? this.#readSync(target, offset) : this.#readAsync(target, offset)
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
