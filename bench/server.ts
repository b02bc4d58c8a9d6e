/** The executable under test, pinned to core 0 so that what drives it has the other one. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Subprocess } from 'bun'

const ROOT = join(import.meta.dir, '..')
export const BINARY = join(ROOT, 'dist/wkconnect')
const TICKS_PER_SECOND = 100

/** `taskset` where there is one and a second core to drive from. */
export const pinned = (core: number, command: string[]): string[] =>
  Bun.which('taskset') && navigator.hardwareConcurrency > 1 ? ['taskset', '-c', String(core), ...command] : command

export interface Server extends AsyncDisposable {
  readonly url: string
  /** Process time so far, in seconds. */
  cpuSeconds(): number
  /** Of /proc/PID/status, in MiB, of all processes that serve. */
  memory(): { readonly now: number; readonly peak: number }
  /** The peak is counted from here on. */
  resetPeak(): void
  /** Bytes read from files so far, whether the disk or the page cache had them; from sockets it is done otherwise and not counted. */
  bytesRead(): number
}

/** `isFree`: on all cores. One serving thread unless the arguments say otherwise, for there is one core. */
export async function startServer(args: readonly string[], { isFree = false } = {}): Promise<Server> {
  const command = [BINARY, '--port', '0', ...(args.includes('--threads') ? [] : ['--threads', '1']), ...args]
  const child = Bun.spawn(isFree ? command : pinned(0, command), {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
    env: { PATH: process.env['PATH'] ?? '' },
  })
  const url = await listening(child)
  const read = (file: string, pid: number | string = child.pid) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  /** With the processes that serve beside it. */
  const all = () => [child.pid, ...read(`task/${child.pid}/children`).trim().split(' ').filter(Boolean)]
  const sum = (one: (pid: number | string) => number) => all().reduce<number>((total, pid) => total + one(pid), 0)
  const field = (file: string, name: string) => sum((pid) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(read(file, pid))?.[1]))
  return {
    url,
    cpuSeconds() {
      const ticks = sum((pid) => {
        const stat = read('stat', pid)
        const fields = stat.slice(stat.lastIndexOf(')')).split(' ')
        return Number(fields[12]) + Number(fields[13])
      })
      return ticks / TICKS_PER_SECOND
    },
    memory: () => ({ now: field('status', 'VmRSS') / 1024, peak: field('status', 'VmHWM') / 1024 }),
    resetPeak() {
      for (const pid of all()) writeFileSync(`/proc/${pid}/clear_refs`, '5')
    },
    bytesRead: () => field('io', 'rchar'),
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
    },
  }
}

async function listening(child: Subprocess<'ignore', 'pipe', 'ignore'>): Promise<string> {
  let said = ''
  const reader = child.stdout.getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) throw new Error(`the server ended: ${said}`)
    said += new TextDecoder().decode(value)
    const url = /listens on (http:\S+)/.exec(said)?.[1]
    if (!url) continue
    reader.releaseLock()
    return url
  }
}

/** Asks for /data/health every 20 ms until it is told to stop; then how long each answer took, in ms. */
export function watchHealth(url: string): () => Promise<number[]> {
  const times: number[] = []
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      const start = performance.now()
      await fetch(`${url}/data/health`)
      times.push(performance.now() - start)
      await Bun.sleep(20)
    }
  })()
  return async () => {
    isOver = true
    await watching
    return times
  }
}
