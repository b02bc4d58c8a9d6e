/**
 * Changes datasets.json, and what else must be remembered, so that whoever reads it sees the old file or the new one, whatever happens in between: written beside it,
 * flushed, renamed over it. `${ENV}` stays as it is, keys that are not ours are kept, a broken file is never written over.
 */
import { constants } from 'node:fs'
import { access, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf } from '../stores/errors.ts'
import { messageOf } from '../volume/errors.ts'
import { parseJson } from './json-position.ts'
import { withLock } from './lock.ts'

/** Goes up when an older program would misread the file; a file without it is webknossos-connect's. */
export const FILE_VERSION = 1

export type Json = Record<string, unknown>

/** The list cannot be changed, and why, in words for whoever asked. */
export class CannotWrite extends Error {
  override readonly name = 'CannotWrite'
}

/** Hands what the file says to `change`, which alters it in place. Throws `CannotWrite`. */
export async function changeDatasetsFile(path: string, change: (json: Json) => void): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK)
  } catch {
    throw new CannotWrite(`${dirname(path)} cannot be written; --state names a folder for what must be remembered`)
  }
  await withLock(`${path}.lock`, async (isHeld) => {
    const { version: _, ...json } = await readOwn(path)
    change(json)
    // what a link leads to is replaced, not the link
    const target = await realpath(path).catch(() => path)
    await removeLitter(target)
    await replaceFile(target, `${JSON.stringify({ version: FILE_VERSION, ...json }, null, 2)}\n`, isHeld)
  }).catch((error) => {
    throw error instanceof CannotWrite ? error : new CannotWrite(`${path} was not changed: ${messageOf(error)}`)
  })
}

async function readOwn(path: string): Promise<Json> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {}
    throw error
  }
  const parsed = parseJson(text)
  if ('error' in parsed) throw new CannotWrite(`${path} is broken (${parsed.error}) and is left as it is; repair it first`)
  const json = parsed.value
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new CannotWrite(`${path} is not an object of backends and is left as it is`)
  const version = (json as Json)['version']
  if (typeof version === 'number' && version > FILE_VERSION)
    throw new CannotWrite(`${path} has version ${version}, this program writes ${FILE_VERSION}; use the newer one`)
  return json as Json
}

/** What writers that were killed left behind. Only for who holds the lock: others may be writing theirs. */
async function removeLitter(path: string): Promise<void> {
  const begin = `${basename(path)}.`
  for (const name of await readdir(dirname(path)))
    if (name.startsWith(begin) && /^\d+\.tmp$/.test(name.slice(begin.length))) await rm(join(dirname(path), name), { force: true })
}

/** Whoever reads the file sees the old text or the new one. `isHeld`: asked before it takes the old one's place. */
export async function replaceFile(path: string, text: string, isHeld?: () => Promise<boolean>): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`
  const mode = (await stat(path).catch(() => undefined))?.mode ?? 0o644
  try {
    const file = await open(beside, 'w', mode & 0o777)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    if (isHeld && !(await isHeld())) throw new Error('writing took so long that another process took over; try again')
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  // a folder cannot be opened on Windows, and some network file systems do not flush one
  if (process.platform === 'win32') return
  const folder = await open(dirname(path), 'r').catch(() => undefined)
  await folder?.sync().catch(() => {})
  await folder?.close()
}
