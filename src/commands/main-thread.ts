/** What the other serving threads ask of the main one. */
import type { Control } from '../api/context.ts'
import { startDeadline } from '../api/deadline.ts'
import type { ChunkCache } from '../cache/chunk-cache.ts'
import type { Catalogue } from '../datasets/catalogue.ts'
import type { Contrasts } from '../datasets/contrasts.ts'
import type { Log } from '../log.ts'
import type { MainThread } from '../threads/roles.ts'

/** A thread whose clients still want it asks again; what is being made goes on. */
const MAKING_MS = 60_000

export interface MainThreadParts {
  readonly control: Control
  readonly catalogue: Catalogue
  readonly chunks: ChunkCache
  readonly contrasts: Contrasts
  readonly log: Log
  /** Told that the catalogue is another. */
  readonly changed: () => void
}

export const createMainThread = ({ control, catalogue, chunks, contrasts, log, changed }: MainThreadParts): MainThread => ({
  ...control,
  async stale(versionedId) {
    const entry = catalogue.byVersion(versionedId)
    if (!entry) return
    const opened = catalogue.reload(entry)
    changed()
    await opened
  },
  async assignId(organization, name, id) {
    catalogue.assignIds([[organization, name, id]])
    changed()
  },
  async contrasts(versionedId, timeoutMs) {
    const entry = catalogue.byVersion(versionedId)
    if (!entry) return {}
    await contrasts.settle([entry], timeoutMs)
    return { ...contrasts.all(entry) }
  },
  async make({ versionedId, layer: name }, arrayId, index) {
    const layer = catalogue.byVersion(versionedId)?.dataset?.layers.find((one) => one.name === name)
    const array = layer?.mags.flatMap(({ arrays }) => arrays).find(({ id }) => id === arrayId)
    if (!array) return 'unknown'
    const { signal, clear } = startDeadline(undefined, MAKING_MS)
    try {
      let voxels: Uint8Array | undefined
      await chunks.read(array, index, (bytes) => (voxels = bytes.slice()), signal)
      return { voxels }
    } finally {
      clear()
    }
  },
  async log(kind, ...words) {
    ;(log[kind] as (...words: string[]) => void)(...words)
  },
})
