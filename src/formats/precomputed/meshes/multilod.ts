/**
 * Multi-resolution Draco meshes (`neuroglancer_multilod_draco`), one file per segment or in shards. Spec: neuroglancer,
 * src/datasource/precomputed/meshes.md; formats.md 2.9. In a shard the fragments lie right before their manifest, never compressed.
 */
import { CodecError } from '../../../../codecs/codec.ts'
import { dracoTriangles, TRIANGLE_BYTES } from '../../../../codecs/draco-header.ts'
import { gunzip } from '../../../../codecs/gunzip.ts'
import type { Decoder } from '../../../../codecs/pool.ts'
import type { Tables } from '../../../cache/tables.ts'
import { withCompressedSiblings } from '../../../stores/siblings.ts'
import type { Readable, Store } from '../../../stores/store.ts'
import { type MeshFragment, type MeshLod, type MeshSource, MeshTooLarge, type SegmentMesh } from '../../../volume/meshes.ts'
import type { Vec3 } from '../../../volume/vec.ts'
import type { Shards } from '../shards.ts'
import { type Manifest, parseManifest } from './manifest.ts'
import { apply, place, type Transform } from './transform.ts'

const MAX_MANIFEST_BYTES = 16 * 1024 * 1024
const MAX_FRAGMENT_BYTES = 64 * 1024 * 1024
/** What one fragment in a table weighs. */
const FRAGMENT_WEIGHT = 200

export interface MultilodParts {
  readonly id: string
  readonly name: string
  readonly store: Store
  readonly folder: string
  readonly shards: Shards | undefined
  readonly isZipped: boolean
  readonly bits: number
  readonly transform: Transform
  readonly decoder: Decoder
  readonly tables: Tables
}

interface Stored {
  readonly file: Readable
  /** Of the first fragment in the file. */
  readonly base: number
  readonly manifest: Manifest
}

interface Found extends Stored {
  readonly mesh: SegmentMesh
}

export class MultilodMeshes implements MeshSource {
  readonly name: string
  readonly #parts: MultilodParts

  constructor(parts: MultilodParts) {
    this.#parts = parts
    this.name = parts.name
  }

  async find(segment: bigint, signal?: AbortSignal): Promise<SegmentMesh | undefined> {
    return (await this.#find(segment, signal))?.mesh
  }

  async draco(segment: bigint, fragment: MeshFragment, signal?: AbortSignal): Promise<Uint8Array> {
    const found = await this.#find(segment, signal)
    const { byteOffset, byteSize } = fragment
    if (!found) throw new CodecError('its manifest is gone')
    if (byteSize > MAX_FRAGMENT_BYTES) throw new CodecError(`a fragment has ${byteSize} bytes, at most ${MAX_FRAGMENT_BYTES} are read`)
    const bytes = new Uint8Array(byteSize)
    await found.file.read(bytes, byteOffset, signal)
    return bytes
  }

  async triangles(segment: bigint, lod: number, fragment: MeshFragment, most: number, signal?: AbortSignal): Promise<Float32Array> {
    const found = await this.#find(segment, signal)
    const level = found?.manifest.lods[lod]
    const at = found?.mesh.lods[lod]?.fragments.findIndex(({ byteOffset }) => byteOffset === fragment.byteOffset) ?? -1
    if (!found || !level || at < 0) throw new CodecError('its manifest has changed')
    const bytes = await this.draco(segment, fragment, signal)
    const count = dracoTriangles(bytes)
    if (count > most) throw new MeshTooLarge(`${count} triangles in a fragment`)
    const corners = new Float32Array(9 * count)
    if (count > 0) await this.#parts.decoder.decode(bytes, new Uint8Array(corners.buffer), count * TRIANGLE_BYTES)
    const edge = cellSize(found.manifest, level.level)
    const scale = edge.map((one) => one / (2 ** this.#parts.bits - 1)) as unknown as Vec3
    return place(corners, originOf(found.manifest, level, level.fragments[at]!.cell), scale, this.#parts.transform)
  }

  #find(segment: bigint, signal?: AbortSignal): Promise<Found | undefined> {
    const { tables, id } = this.#parts
    const weigh = ({ manifest }: Found) => manifest.lods.reduce((sum, { fragments }) => sum + fragments.length * FRAGMENT_WEIGHT, 0)
    const make = async () => {
      const stored = await (this.#parts.shards ? this.#inShard(this.#parts.shards, segment, signal) : this.#inFiles(segment, signal))
      return stored && stored.manifest.lods.length > 0 ? { ...stored, mesh: this.#meshOf(stored) } : undefined
    }
    return Promise.resolve(tables.get(`${id}/${segment}`, make, weigh))
  }

  async #inFiles(segment: bigint, signal?: AbortSignal): Promise<Stored | undefined> {
    const { store, folder } = this.#parts
    const bytes = await withCompressedSiblings(store).get(`${folder}/${segment}.index`, undefined, signal, MAX_MANIFEST_BYTES)
    if (!bytes) return undefined
    const manifest = parseManifest(bytes)
    const file = await store.open(`${folder}/${segment}`, signal)
    if (!file) throw new CodecError('there is a manifest but no file of fragments')
    if (manifest.fragmentBytes > file.size)
      throw new CodecError(`the manifest has fragments of ${manifest.fragmentBytes} bytes, the file has ${file.size}`)
    return { file, base: 0, manifest }
  }

  async #inShard(shards: Shards, segment: bigint, signal?: AbortSignal): Promise<Stored | undefined> {
    const found = await shards.find(segment, signal)
    if (!found) return undefined
    const { file, start, length } = found
    if (length > MAX_MANIFEST_BYTES) throw new CodecError(`the manifest has ${length} bytes, at most ${MAX_MANIFEST_BYTES} are read`)
    const bytes = new Uint8Array(length)
    await file.read(bytes, start, signal)
    const manifest = parseManifest(this.#parts.isZipped ? await gunzip(bytes, MAX_MANIFEST_BYTES) : bytes)
    const base = start - manifest.fragmentBytes
    if (base < 0) throw new CodecError(`the manifest has fragments of ${manifest.fragmentBytes} bytes, before it are ${start}`)
    return { file, base, manifest }
  }

  /** The vertices of neuroglancer's rule in the page's: what it does not add itself (origins, shifts) is part of the position. */
  #meshOf({ manifest, base }: Stored): SegmentMesh {
    const { transform: t, bits } = this.#parts
    const zero = apply(t, [0, 0, 0])
    const lods = manifest.lods.map((lod): MeshLod => {
      const edge = cellSize(manifest, lod.level)
      const transform: Vec3 = [edge[0] * t[0]!, edge[1] * t[5]!, edge[2] * t[10]!]
      const taken = new Set<string>()
      const fragments = lod.fragments.map(({ cell, start, size }): MeshFragment => {
        const at = originOf(manifest, lod, cell)
        const fold = (d: 0 | 1 | 2) => at[d] / edge[d] + zero[d] / transform[d]
        const corner = unique(apply(t, at), taken)
        return { byteOffset: base + start, byteSize: size, position: [fold(0), fold(1), fold(2)], corner }
      })
      return { transform, fragments }
    })
    const scale = 1 / (2 ** bits - 1)
    return { lods, chunkScale: [scale, scale, scale] }
  }
}

const cellSize = ({ chunkShape: [x, y, z] }: Manifest, level: number): Vec3 => [x * 2 ** level, y * 2 ** level, z * 2 ** level]

/** Where a cell begins, in stored coordinates. */
function originOf(manifest: Manifest, { level, vertexOffset }: Manifest['lods'][number], cell: Vec3): Vec3 {
  const edge = cellSize(manifest, level)
  const along = (d: 0 | 1 | 2) => manifest.gridOrigin[d] + vertexOffset[d] + edge[d] * cell[d]
  return [along(0), along(1), along(2)]
}

/** Whole numbers near `at` that no other fragment has. */
export function unique(at: Vec3, taken: Set<string>): Vec3 {
  const corner = at.map(Math.floor) as unknown as [number, number, number]
  while (taken.has(corner.join())) corner[0]++
  taken.add(corner.join())
  return corner
}
