/** One writer at a time, across processes: a file that exists only while somebody writes, with the process id of who does. */
import { link, open, readFile, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { codeOf } from '../stores/errors.ts'

const WAIT_MS = 30_000
/** Nobody needs this long to write a list: whoever has held the lock all the time is gone, whatever his process id says. */
const STALE_MS = 10_000
/** Between being made and being written it is empty, for a moment. */
const EMPTY_MS = 500

/**
 * Runs `work` while holding `path`. `isHeld` says whether it still does: not after a pause in which others took it for gone. Throws
 * when others hold it for longer than `WAIT_MS`.
 */
export async function withLock<T>(path: string, work: (isHeld: () => Promise<boolean>) => Promise<T>, staleMs = STALE_MS): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${crypto.randomUUID()}`
  const isHeld = async () => (await holder(path)) === mine
  const until = performance.now() + WAIT_MS
  let seen: string | undefined
  let since = 0
  while (!(await acquire(path, mine))) {
    const other = await holder(path)
    const now = performance.now()
    // by our own clock: that of the file server may be another
    if (other !== seen) [seen, since] = [other, now]
    if (other !== undefined && (isDead(other) || now - since > (other === '' ? Math.min(EMPTY_MS, staleMs) : staleMs)))
      await breakLock(path, other)
    else if (now > until) throw new Error(`${path} is held by another process (${other ?? 'gone meanwhile'})`)
    else await Bun.sleep(5 + Math.random() * 20)
  }
  try {
    return await work(isHeld)
  } finally {
    if (await isHeld()) await rm(path, { force: true })
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

/** Whether the process that wrote this ran here and has ended. One of another machine or container cannot be asked. */
function isDead(text: string): boolean {
  const [pid, host] = text.split(' ')
  if (!pid || host !== hostname()) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return codeOf(error) === 'ESRCH'
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
