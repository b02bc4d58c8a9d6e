/**
 * Notices what changes without being told: lists of datasets within a second, folders by file-system events where there are any, and
 * everything once a minute, because network file systems send none.
 */
import { type FSWatcher, watch } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { versionOf } from '../stores/handles.ts'
import { mountOf } from '../stores/mounts.ts'
import { within } from './catalogue.ts'

export interface WatchOptions {
  /** Folders whose entries are organizations or datasets. */
  readonly folders: readonly string[]
  readonly files: readonly string[]
  readonly look: () => Promise<unknown>
}

const FILES_MS = 1000
const ALL_MS = 60_000
const SETTLE_MS = 500
const MAX_WATCHED = 200
/** For finding out where a folder is; longer than this and it is left to the poll. */
const PLACE_MS = 4000

export class Watch {
  readonly #options: WatchOptions
  readonly #watchers = new Map<string, FSWatcher>()
  readonly #timers: ReturnType<typeof setTimeout>[] = []
  #settling: ReturnType<typeof setTimeout> | undefined
  #versions: string | undefined
  #stopped = false

  constructor(options: WatchOptions) {
    this.#options = options
    void this.#pollFiles()
    void this.#watchFolders()
    this.#later(ALL_MS, () => this.#pollAll())
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#settling)
    for (const timer of this.#timers) clearTimeout(timer)
    for (const watcher of this.#watchers.values()) watcher.close()
  }

  async #pollFiles(): Promise<void> {
    const versions = (await Promise.all(this.#options.files.map((path) => stat(path).then(versionOf, () => '')))).join(' ')
    if (this.#versions !== undefined && this.#versions !== versions) this.#changed()
    this.#versions = versions
    this.#later(FILES_MS, () => this.#pollFiles())
  }

  async #pollAll(): Promise<void> {
    const start = Date.now()
    await this.#options.look().catch(() => {})
    await this.#watchFolders()
    // a slow file system is not asked all the time
    this.#later(Math.max(ALL_MS, 5 * (Date.now() - start)), () => this.#pollAll())
  }

  async #watchFolders(): Promise<void> {
    for (const given of this.#options.folders) {
      const folder = await within(
        realpath(given).catch(() => undefined),
        PLACE_MS,
      )
      if (folder === undefined || !sendsEvents(folder)) continue
      this.#watchFolder(folder)
      for (const below of [folder, join(folder, 'binary')].filter(sendsEvents)) {
        const entries = await readdir(below, { withFileTypes: true }).catch(() => [])
        for (const entry of entries) if (entry.isDirectory() && !entry.name.startsWith('.')) this.#watchFolder(join(below, entry.name))
      }
    }
  }

  #watchFolder(folder: string): void {
    if (this.#stopped || this.#watchers.has(folder) || this.#watchers.size >= MAX_WATCHED || !sendsEvents(folder)) return
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        // our own litter while a list is written
        if (!/^\.wkconnect|\.lock|\.tmp$/.test(String(name))) this.#changed()
      })
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(folder)
      })
      this.#watchers.set(folder, watcher)
    } catch {
      // no events here: the poll will do
    }
  }

  /** Copying makes many events; one look after the last of them is enough. */
  #changed(): void {
    clearTimeout(this.#settling)
    if (this.#stopped) return
    this.#settling = setTimeout(() => void this.#options.look().catch(() => {}), SETTLE_MS)
    this.#settling.unref()
  }

  #later(ms: number, work: () => Promise<void>): void {
    if (this.#stopped) return
    const timer = setTimeout(() => {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      void work()
    }, ms)
    timer.unref()
    this.#timers.push(timer)
  }
}

/**
 * Network file systems tell only what this machine itself does, and asking for it waits, with the whole thread, for a server that may
 * be gone. Which folders lie on one is known on Linux; elsewhere all are asked.
 */
const sendsEvents = (folder: string): boolean => process.platform !== 'linux' || mountOf(folder).isLocal
