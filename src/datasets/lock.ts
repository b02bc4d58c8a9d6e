/** One writer at a time, across processes: a file that exists only while somebody writes, with the process id of who does. */
import { link, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { codeOf } from '../stores/errors.ts'

const WAIT_MS = 10_000
/** A lock of another machine cannot be asked whether its process lives. */
const STALE_MS = 60_000

/** Runs `work` while holding `path`. Throws when somebody else holds it for longer than `WAIT_MS`. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${crypto.randomUUID()}`
  for (const until = Date.now() + WAIT_MS; !(await acquire(path, mine)); ) {
    const left = await staleHolder(path)
    if (left !== undefined) await breakLock(path, left)
    else if (Date.now() > until) throw new Error(`${path} is held by another process (${(await holder(path)) ?? 'gone meanwhile'})`)
    else await Bun.sleep(5 + Math.random() * 20)
  }
  try {
    return await work()
  } finally {
    if ((await holder(path)) === mine) await rm(path, { force: true })
  }
}

async function acquire(path: string, mine: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(mine)
    await file.close()
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

const holder = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined)

/** What a lock says whose process is gone; undefined while it may be alive. */
async function staleHolder(path: string): Promise<string | undefined> {
  const [stats, text] = await Promise.all([stat(path).catch(() => undefined), holder(path)])
  if (!stats || text === undefined) return undefined
  const [pid, host] = text.split(' ')
  // between being made and being written it is empty for a moment
  if (!pid || host !== hostname()) return Date.now() - stats.mtimeMs > STALE_MS ? text : undefined
  try {
    process.kill(Number(pid), 0)
    return undefined
  } catch (error) {
    return codeOf(error) === 'ESRCH' ? text : undefined
  }
}

/** Takes a stale lock away; puts it back if it turns out to be somebody's new one. */
async function breakLock(path: string, left: string): Promise<void> {
  const aside = `${path}.${crypto.randomUUID()}`
  try {
    await rename(path, aside)
  } catch {
    return
  }
  if ((await holder(aside)) !== left) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}
