/** The files of a folder as objects of a web server. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ObjectServer } from './object-server.ts'

export async function serveFolder(folder: string): Promise<ObjectServer> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const objects = files.map((entry) => {
    const path = join(entry.parentPath, entry.name)
    return [relative(folder, path).replaceAll('\\', '/'), new Uint8Array(readFileSync(path))] as const
  })
  return ObjectServer.start(Object.fromEntries(objects))
}
