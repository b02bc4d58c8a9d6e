import type { Layer, Mag } from '../volume/chunked-array.ts'
import { wireBytes } from '../volume/chunked-array.ts'
import type { CutoutOptions } from '../volume/cutout.ts'
import { multiply, type Vec3 } from '../volume/vec.ts'
import { BUCKET, readBucket, samplePositions } from './sampling.ts'

const EXPONENTS = 4

/**
 * A mag-1 position that is not zero, and the mag it was seen in: the first of the sample, finest mag first (protocol.md 2.6). Undefined
 * where all of the sample is zero; what cannot be read is passed over, unless nothing can: then throws what reading throws.
 */
export async function findData(layer: Layer, options: CutoutOptions): Promise<{ readonly position: Vec3; readonly mag: Mag } | undefined> {
  const positions = samplePositions(layer.boundingBox, EXPONENTS)
  const voxel = wireBytes(layer)
  let failure: { readonly error: unknown } | undefined
  let wasRead = false
  for (const mag of layer.mags) {
    for (const place of positions) {
      try {
        const { corner, bytes } = await readBucket(layer, mag, place, options)
        wasRead = true
        const at = bytes.findIndex((byte) => byte !== 0)
        if (at < 0) continue
        const n = Math.floor(at / voxel)
        const [x, y, z] = [n % BUCKET, Math.floor(n / BUCKET) % BUCKET, Math.floor(n / BUCKET ** 2)]
        return { position: multiply([corner[0] + x, corner[1] + y, corner[2] + z], mag.factor), mag }
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  if (failure && !wasRead) throw failure.error
  return undefined
}
