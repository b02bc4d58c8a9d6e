import { release } from '../cache/release.ts'

/** How a made chunk lies in the cache folder: one byte that says what follows, then nothing, or its voxels compressed by Zstandard. */
const NOTHING = 0
const ZSTD = 1

/** `undefined`: nothing is stored below it. */
export async function packRecord(voxels: Uint8Array | undefined): Promise<Uint8Array> {
  if (!voxels) return Uint8Array.of(NOTHING)
  // off this thread; microscopy shrinks to a half, labels to a hundredth
  const compressed = await Bun.zstdCompress(voxels, { level: 1 })
  const record = new Uint8Array(1 + compressed.length)
  record[0] = ZSTD
  record.set(compressed, 1)
  release(compressed)
  return record
}

/** Fills `target` and says whether anything is stored; undefined where the record is of no use. */
export function unpackRecord(record: Uint8Array, target: Uint8Array): boolean | undefined {
  if (record[0] === NOTHING && record.length === 1) return false
  if (record[0] !== ZSTD) return undefined
  try {
    const voxels = Bun.zstdDecompressSync(record.subarray(1))
    if (voxels.length !== target.length) return undefined
    target.set(voxels)
    release(voxels)
    return true
  } catch {
    return undefined
  }
}
