import { type Layer, type Mag, wireBytes } from '../volume/chunked-array.ts'
import type { CutoutOptions } from '../volume/cutout.ts'
import { multiply, type Vec3 } from '../volume/vec.ts'
import { BUCKET, readBuckets, samplePositions } from './sampling.ts'

const EXPONENTS = 4

/**
 * A mag-1 position that is not zero, and the mag it was seen in: the first of the sample, finest mag first (protocol.md 2.6). Undefined
 * where all of the sample is zero; what cannot be read is passed over, unless nothing can: then throws what reading throws.
 */
export async function findData(layer: Layer, options: CutoutOptions): Promise<{ readonly position: Vec3; readonly mag: Mag } | undefined> {
  const positions = samplePositions(layer.boundingBox, EXPONENTS)
  const voxel = wireBytes(layer)
  let failure: { readonly error: unknown } | undefined
  let failures = 0
  for (const mag of layer.mags) {
    try {
      for await (const { corner, bytes, isStored } of readBuckets(layer, mag, positions, options)) {
        const at = isStored ? firstNonZero(bytes) : -1
        if (at < 0) continue
        const n = Math.floor(at / voxel)
        const [x, y, z] = [n % BUCKET, Math.floor(n / BUCKET) % BUCKET, Math.floor(n / BUCKET ** 2)]
        return { position: multiply([corner[0] + x, corner[1] + y, corner[2] + z], mag.factor), mag }
      }
    } catch (error) {
      options.signal?.throwIfAborted()
      failure ??= { error }
      failures++
    }
  }
  if (failure && failures === layer.mags.length) throw failure.error
  return undefined
}

function firstNonZero(bytes: Uint8Array): number {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== 0) return at
  return -1
}
