/**
 * A bounded folder of things that were dear to make, kept across restarts. Least recently used first out. Every record is a file of its
 * own, written beside and renamed, so that no reader ever sees half of one; it carries its key and a checksum, and what does not
 * agree with them is deleted and made again. Only files with our names are ever touched.
 *
 * A cache that cannot be written is no reason to fail: it is said once, and the work is done without.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { release } from './release.ts'

const SUFFIX = '.wkcache'
const MAGIC = 0x5741_4b31
/** Magic, length of the key, checksum of all that follows. */
const HEAD_BYTES = 16
/** A file that claims more is none of ours. */
const MOST_BYTES = 512 * 1024 * 1024
/** Using a record marks its file at most this often. */
const TOUCH_MS = 10 * 60_000
/** What a dead process was writing is swept up after this. */
const STALE_MS = 60 * 60_000

interface Row {
  bytes: number
  usedMs: number
}

export interface DiskStatistics {
  readonly budgetBytes: number
  readonly heldBytes: number
  readonly records: number
  readonly hits: number
  readonly misses: number
  /** Records that did not agree with their checksum. */
  readonly damaged: number
}

export class DiskCache {
  readonly folder: string
  readonly #budget: number
  readonly #warn: (line: string) => void
  /** Least recently used first. */
  readonly #rows = new Map<string, Row>()
  #scan: Promise<void> | undefined
  #held = 0
  /** On their way to the disk. */
  #writing = 0
  #hits = 0
  #misses = 0
  #damaged = 0
  #writes = 0
  #trouble = false

  /** The folder is made when the first record is written. */
  constructor(folder: string, budgetBytes: number, warn: (line: string) => void) {
    this.folder = folder
    this.#budget = budgetBytes
    this.#warn = warn
  }

  get statistics(): DiskStatistics {
    const [hits, misses, damaged] = [this.#hits, this.#misses, this.#damaged]
    return { budgetBytes: this.#budget, heldBytes: this.#held, records: this.#rows.size, hits, misses, damaged }
  }

  /** The record of exactly this key, or undefined. Never throws. */
  async get(key: string): Promise<Uint8Array | undefined> {
    const name = nameOf(key)
    const path = this.#pathOf(name)
    try {
      const { size, mtimeMs } = await stat(path)
      const bytes = size <= MOST_BYTES ? await readFile(path) : new Uint8Array()
      const record = unpack(bytes, key)
      if (!record) {
        this.#damaged++
        await this.delete(key)
        return undefined
      }
      this.#hits++
      this.#use(name, { bytes: size, usedMs: mtimeMs })
      return record
    } catch (error) {
      this.#misses++
      if (!isMissing(error)) this.#say(error)
      return undefined
    }
  }

  /** Keeps a record, which is not to be used any more, if need be instead of older ones. Never throws; one that is large beside the budget is not kept. */
  async put(key: string, record: Uint8Array): Promise<void> {
    const packed = pack(record, key)
    const bytes = packed.length
    release(record)
    if (bytes > this.#budget / 4) return
    const name = nameOf(key)
    const path = this.#pathOf(name)
    const making = `${path}.${process.pid}-${++this.#writes}.tmp`
    this.#writing += bytes
    try {
      await (this.#scan ??= this.#lookThrough())
      await this.#evict()
      await mkdir(join(path, '..'), { recursive: true })
      await writeFile(making, packed)
      await rename(making, path)
      this.#use(name, { bytes, usedMs: Date.now() })
    } catch (error) {
      await unlink(making).catch(() => {})
      this.#say(error)
    } finally {
      this.#writing -= bytes
      release(packed)
    }
  }

  /** Forgets a record whose content turned out to be of no use. */
  async delete(key: string): Promise<void> {
    await this.#remove(nameOf(key))
  }

  #pathOf(name: string): string {
    return join(this.folder, name.slice(0, 2), `${name.slice(2)}${SUFFIX}`)
  }

  #use(name: string, row: Row): void {
    const known = this.#rows.get(name)
    this.#rows.delete(name)
    this.#held += row.bytes - (known?.bytes ?? 0)
    const now = Date.now()
    if (now - row.usedMs > TOUCH_MS) {
      row.usedMs = now
      utimes(this.#pathOf(name), new Date(), new Date()).catch(() => {})
    }
    this.#rows.set(name, row)
  }

  async #evict(): Promise<void> {
    for (const name of this.#rows.keys()) {
      if (this.#held + this.#writing <= this.#budget) break
      await this.#remove(name)
    }
  }

  async #remove(name: string): Promise<void> {
    this.#held -= this.#rows.get(name)?.bytes ?? 0
    this.#rows.delete(name)
    await unlink(this.#pathOf(name)).catch((error) => isMissing(error) || this.#say(error))
  }

  /** What earlier processes left: before the first record is written, for only then anything may have to go. */
  async #lookThrough(): Promise<void> {
    const found: [string, Row][] = []
    const folders = await readdir(this.folder).catch(() => [])
    for (const folder of folders.filter((one) => /^[0-9a-f]{2}$/.test(one))) {
      const files = await readdir(join(this.folder, folder)).catch(() => [])
      await Promise.all(
        files.map(async (file) => {
          const stats = await stat(join(this.folder, folder, file)).catch(() => undefined)
          const [, name, temporary] = /^([0-9a-f]{38})\.wkcache(\.\d+-\d+\.tmp)?$/.exec(file) ?? []
          if (!stats?.isFile() || !name) return
          if (!temporary) found.push([folder + name, { bytes: stats.size, usedMs: stats.mtimeMs }])
          else if (Date.now() - stats.mtimeMs > STALE_MS) await unlink(join(this.folder, folder, file)).catch(() => {})
        }),
      )
    }
    const newer = [...this.#rows]
    this.#rows.clear()
    this.#held = 0
    for (const [name, row] of [...found.sort((a, b) => a[1].usedMs - b[1].usedMs), ...newer]) {
      this.#held += row.bytes - (this.#rows.get(name)?.bytes ?? 0)
      this.#rows.delete(name)
      this.#rows.set(name, row)
    }
  }

  #say(error: unknown): void {
    if (this.#trouble) return
    this.#trouble = true
    this.#warn(`the cache folder ${this.folder} cannot be used: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const nameOf = (key: string): string => createHash('sha256').update(key).digest('hex').slice(0, 40)

function pack(record: Uint8Array, key: string): Uint8Array {
  const name = new TextEncoder().encode(key)
  const bytes = new Uint8Array(HEAD_BYTES + name.length + record.length)
  bytes.set(name, HEAD_BYTES)
  bytes.set(record, HEAD_BYTES + name.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, MAGIC)
  view.setUint32(4, name.length)
  view.setBigUint64(8, Bun.hash.xxHash64(bytes.subarray(HEAD_BYTES)))
  return bytes
}

/** The record, or undefined where the file is not what was written for this key. */
function unpack(bytes: Uint8Array, key: string): Uint8Array | undefined {
  if (bytes.length < HEAD_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = HEAD_BYTES + view.getUint32(4)
  if (view.getUint32(0) !== MAGIC || start > bytes.length) return undefined
  if (view.getBigUint64(8) !== Bun.hash.xxHash64(bytes.subarray(HEAD_BYTES))) return undefined
  return new TextDecoder().decode(bytes.subarray(HEAD_BYTES, start)) === key ? bytes.subarray(start) : undefined
}

const isMissing = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT'
