/** Stored meshes of a segmentation, whatever their format: segments in parts, each a Draco mesh for viewers and triangles for the rest. */
import type { Vec3 } from './vec.ts'

/**
 * One part of a segment's mesh. Its vertices in nm are `transform · (position + chunkScale · stored)`, axis by axis, with `transform` of its
 * level of detail.
 */
export interface MeshFragment {
  /** What names the part to `draco` again; numbers that mean something to the source alone. */
  readonly byteOffset: number
  /** Length of what `draco` gives. */
  readonly byteSize: number
  readonly position: Vec3
  /** Its lowest corner, in nm, whole numbers; different for each fragment of a level of detail. */
  readonly corner: Vec3
}

export interface MeshLod {
  readonly transform: Vec3
  readonly fragments: readonly MeshFragment[]
}

export interface SegmentMesh {
  /** Finest first; each has fragments. */
  readonly lods: readonly MeshLod[]
  readonly chunkScale: Vec3
}

/** All methods throw `CorruptChunk` or `UpstreamError` naming dataset, layer and segment. */
export interface MeshSource {
  /** What clients call it. */
  readonly name: string
  /** Undefined where the segment has no mesh. */
  find(segment: bigint, signal?: AbortSignal): Promise<SegmentMesh | undefined>
  /** Draco, `byteSize` bytes. */
  draco(segment: bigint, fragment: MeshFragment, signal?: AbortSignal): Promise<Uint8Array>
  /** Corners of all triangles in nm, 9 numbers per triangle. Throws `MeshTooLarge` before it makes more than `mostTriangles`. */
  triangles(segment: bigint, lod: number, fragment: MeshFragment, mostTriangles: number, signal?: AbortSignal): Promise<Float32Array>
}

export class MeshTooLarge extends Error {
  override readonly name = 'MeshTooLarge'
}
