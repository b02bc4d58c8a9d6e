import { createHash } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Store } from '../stores/store.ts'
import type { Descriptor } from './found.ts'
import { mapLimit } from './map-limit.ts'

/**
 * Changes when one of a dataset's image files does: path, inode, time and size of each. Undefined where files are not listed, cannot be
 * looked at, or were changed after `sinceMs`.
 */
export async function versionOf({ folder, images }: Descriptor, sinceMs: number): Promise<string | undefined> {
  if (!images) return undefined
  const keys = images.flatMap(({ slices, others = [] }) => [...slices.map(({ key }) => key), ...others])
  const files = await mapLimit(keys, 16, async (key) => {
    const { ino, mtimeMs, ctimeMs, size } = await stat(join(folder, key))
    return { line: `${key} ${ino} ${mtimeMs} ${size}`, changedMs: Math.max(mtimeMs, ctimeMs) }
  })
  if (files.some(({ changedMs }) => changedMs > sinceMs - CLOCK_MS)) return undefined
  return createHash('sha256')
    .update([folder, ...files.map(({ line }) => line)].join('\n'))
    .digest('hex')
}

/**
 * The same of image files on the network: the versions they were opened in. Undefined where they are others by now, or where a server
 * does not tell them apart.
 */
export async function remoteVersionOf({ images }: Descriptor, store: Store): Promise<string | undefined> {
  if (!images) return undefined
  const keys = images.flatMap(({ slices, others = [] }) => [...slices.map(({ key }) => key), ...others])
  const versions = await mapLimit(keys, 16, async (key) => {
    const opened = store.openedVersion?.(key)
    return opened !== undefined && (await store.stat(key))?.version === opened ? `${key} ${opened}` : undefined
  })
  return versions.includes(undefined)
    ? undefined
    : createHash('sha256')
        .update([store.url, ...versions].join('\n'))
        .digest('hex')
}

/** The file system's clock ticks this coarsely. */
const CLOCK_MS = 10
