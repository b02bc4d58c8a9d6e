import { createHash } from 'node:crypto'

/** For `ChunkedArray.metadataVersion`: `said` is all the metadata say that decides about the voxels, and where they lie. Plain JSON. */
export const metadataVersion = (...said: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(said)).digest('hex')
