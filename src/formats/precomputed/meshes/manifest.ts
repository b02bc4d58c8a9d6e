/**
 * The manifest of a segment's multi-resolution mesh. Spec: neuroglancer, src/datasource/precomputed/meshes.md; formats.md 2.9. Every
 * number of things is checked against the bytes there are before anything is made of it.
 */
import { CodecError } from '../../../../codecs/codec.ts'
import type { Vec3 } from '../../../volume/vec.ts'

export interface ManifestFragment {
  /** Place in the grid of its level of detail. */
  readonly cell: Vec3
  /** From the first fragment's first byte. */
  readonly start: number
  readonly size: number
}

export interface ManifestLod {
  /** 0, 1, …: a cell is 2^level chunks wide. */
  readonly level: number
  readonly vertexOffset: Vec3
  /** Those that hold something. */
  readonly fragments: readonly ManifestFragment[]
}

export interface Manifest {
  readonly chunkShape: Vec3
  readonly gridOrigin: Vec3
  /** Those that hold something. */
  readonly lods: readonly ManifestLod[]
  /** Of all fragments together. */
  readonly fragmentBytes: number
}

const MAX_LODS = 32
const [FIXED_BYTES, LOD_BYTES, FRAGMENT_BYTES] = [28, 20, 16]

/** Throws `CodecError`. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const need = (wanted: number, what: string) => {
    if (bytes.length < wanted) throw new CodecError(`the manifest has ${bytes.length} bytes, ${what} needs ${wanted}`)
  }
  need(FIXED_BYTES, 'its beginning')
  const vector = (at: number): Vec3 => [view.getFloat32(at, true), view.getFloat32(at + 4, true), view.getFloat32(at + 8, true)]
  const [chunkShape, gridOrigin] = [vector(0), vector(12)]
  if (![...chunkShape, ...gridOrigin].every(Number.isFinite) || !chunkShape.every((edge) => edge > 0))
    throw new CodecError(`the manifest has chunks of ${chunkShape.join('×')} from ${gridOrigin.join(', ')}`)
  const count = view.getUint32(24, true)
  if (count > MAX_LODS) throw new CodecError(`the manifest has ${count} levels of detail, at most ${MAX_LODS} are read`)
  need(FIXED_BYTES + LOD_BYTES * count, `${count} levels of detail`)
  const lods: ManifestLod[] = []
  let at = FIXED_BYTES + LOD_BYTES * count
  let start = 0
  for (let level = 0; level < count; level++) {
    const isStored = view.getFloat32(FIXED_BYTES + 4 * level, true) !== 0
    const vertexOffset = vector(FIXED_BYTES + 4 * count + 12 * level)
    if (!vertexOffset.every(Number.isFinite)) throw new CodecError(`level of detail ${level} is moved by ${vertexOffset.join(', ')}`)
    const n = view.getUint32(FIXED_BYTES + 16 * count + 4 * level, true)
    need(at + FRAGMENT_BYTES * n, `level of detail ${level} of ${n} fragments`)
    const fragments: ManifestFragment[] = []
    const number = (row: number, column: number) => view.getUint32(at + 4 * (row * n + column), true)
    for (let one = 0; one < n; one++) {
      const size = number(3, one)
      if (size > 0 && isStored) fragments.push({ cell: [number(0, one), number(1, one), number(2, one)], start, size })
      start += size
    }
    at += FRAGMENT_BYTES * n
    if (fragments.length > 0) lods.push({ level, vertexOffset, fragments })
  }
  return { chunkShape, gridOrigin, lods, fragmentBytes: start }
}
