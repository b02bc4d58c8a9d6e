/**
 * Meshes of the older kind: `<segment>:0` names files of fragments, each a list of corners in nm and one of triangles (formats.md 2.9).
 * Today's page reads Draco alone; it gets the same numbers in a Draco envelope without compression, because to compress them would
 * cost seconds per segment and save nothing but bytes on the way.
 */
import { CodecError } from '../../../../codecs/codec.ts'
import { plainDraco } from '../../../../codecs/draco-header.ts'
import type { Tables } from '../../../cache/tables.ts'
import { withCompressedSiblings } from '../../../stores/siblings.ts'
import type { Store } from '../../../stores/store.ts'
import { type MeshFragment, type MeshSource, MeshTooLarge, type SegmentMesh } from '../../../volume/meshes.ts'
import type { Vec3 } from '../../../volume/vec.ts'
import { unique } from './multilod.ts'
import { place, type Transform } from './transform.ts'

const MAX_MANIFEST_BYTES = 1024 * 1024
const MAX_FRAGMENTS = 4096
const MAX_FRAGMENT_BYTES = 64 * 1024 * 1024
/** Of all fragments of a segment: they are read when it is looked for, since how long they get is asked before they are. */
const MAX_BYTES = 256 * 1024 * 1024
const ORIGIN: Vec3 = [0, 0, 0]
const ONE: Vec3 = [1, 1, 1]

export interface LegacyParts {
  readonly id: string
  readonly name: string
  readonly store: Store
  readonly folder: string
  readonly transform: Transform
  readonly tables: Tables
}

interface Found {
  readonly names: readonly string[]
  readonly mesh: SegmentMesh
}

interface Triangles {
  readonly positions: Float32Array
  readonly corners: Uint32Array
}

export class LegacyMeshes implements MeshSource {
  readonly name: string
  readonly #parts: LegacyParts
  readonly #store: Store

  constructor(parts: LegacyParts) {
    this.#parts = parts
    this.name = parts.name
    this.#store = withCompressedSiblings(parts.store, MAX_FRAGMENT_BYTES)
  }

  async find(segment: bigint, signal?: AbortSignal): Promise<SegmentMesh | undefined> {
    return (await this.#find(segment, signal))?.mesh
  }

  async draco(segment: bigint, { byteOffset, byteSize }: MeshFragment, signal?: AbortSignal): Promise<Uint8Array> {
    const { positions, corners } = await this.#read(await this.#nameOf(segment, byteOffset, signal), signal)
    const bytes = plainDraco(positions, corners)
    if (bytes.length !== byteSize) throw new CodecError(`a fragment has changed: ${bytes.length} bytes as Draco, before ${byteSize}`)
    return bytes
  }

  async triangles(segment: bigint, _lod: number, fragment: MeshFragment, most: number, signal?: AbortSignal): Promise<Float32Array> {
    const { positions, corners } = await this.#read(await this.#nameOf(segment, fragment.byteOffset, signal), signal)
    if (corners.length / 3 > most) throw new MeshTooLarge(`${corners.length / 3} triangles in a fragment`)
    const out = new Float32Array(3 * corners.length)
    for (const [n, corner] of corners.entries()) out.set(positions.subarray(3 * corner, 3 * corner + 3), 3 * n)
    return out
  }

  async #nameOf(segment: bigint, at: number, signal?: AbortSignal): Promise<string> {
    const name = (await this.#find(segment, signal))?.names[at]
    if (name === undefined) throw new CodecError('its manifest has changed')
    return name
  }

  #find(segment: bigint, signal?: AbortSignal): Promise<Found | undefined> {
    const { tables, id } = this.#parts
    return Promise.resolve(
      tables.get(
        `${id}/${segment}`,
        () => this.#look(segment, signal),
        ({ names }) => names.length * 400,
      ),
    )
  }

  async #look(segment: bigint, signal?: AbortSignal): Promise<Found | undefined> {
    const json = await this.#store.get(`${this.#parts.folder}/${segment}:0`, undefined, signal, MAX_MANIFEST_BYTES)
    const names = json && fragmentNames(json)
    if (!names || names.length === 0) return undefined
    const fragments: MeshFragment[] = []
    const taken = new Set<string>()
    let total = 0
    for (const [n, name] of names.entries()) {
      const { positions, corners } = await this.#read(name, signal)
      total += positions.byteLength + corners.byteLength
      if (total > MAX_BYTES) throw new CodecError(`its fragments have more than ${MAX_BYTES} bytes, which is the most that is read`)
      if (corners.length === 0) continue
      const byteSize = plainDraco(positions, corners).length
      fragments.push({ byteOffset: n, byteSize, position: ORIGIN, corner: unique(lowest(positions), taken) })
    }
    if (fragments.length === 0) return undefined
    return { names, mesh: { lods: [{ transform: ONE, fragments }], chunkScale: ONE } }
  }

  async #read(name: string, signal?: AbortSignal): Promise<Triangles> {
    const bytes = await this.#store.get(`${this.#parts.folder}/${name}`, undefined, signal, MAX_FRAGMENT_BYTES)
    if (!bytes) throw new CodecError(`its manifest names fragment ${JSON.stringify(name)}, which is not there`)
    const found = parseFragment(bytes, name)
    place(found.positions, ORIGIN, ONE, this.#parts.transform)
    return found
  }
}

function fragmentNames(bytes: Uint8Array): readonly string[] {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    throw new CodecError('the manifest is not JSON')
  }
  const names = typeof json === 'object' && json !== null && 'fragments' in json ? json.fragments : undefined
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string' && name !== ''))
    throw new CodecError('the manifest has no list "fragments" of names')
  if (names.length > MAX_FRAGMENTS) throw new CodecError(`the manifest has ${names.length} fragments, at most ${MAX_FRAGMENTS} are read`)
  // they come from a file, and lead to others
  const wrong = names.find((name: string) => /[/\\\0]/.test(name) || name === '..')
  if (wrong !== undefined) throw new CodecError(`the manifest names ${JSON.stringify(wrong)}, which is no name of a file beside it`)
  return names
}

function parseFragment(bytes: Uint8Array, name: string): Triangles {
  const count = bytes.length >= 4 ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : 0
  const cornersAt = 4 + 12 * count
  const rest = bytes.length - cornersAt
  if (bytes.length < 4 || rest < 0 || rest % 12 !== 0)
    throw new CodecError(`fragment ${name} has ${bytes.length} bytes, ${count} vertices end at ${cornersAt}, and a triangle has 12`)
  // its own memory: aligned, and free to be changed
  const positions = new Float32Array(bytes.slice(4, cornersAt).buffer)
  const corners = new Uint32Array(bytes.slice(cornersAt).buffer)
  const wrong = corners.find((corner) => corner >= count)
  if (wrong !== undefined) throw new CodecError(`fragment ${name} has a triangle with vertex ${wrong}, there are ${count}`)
  return { positions, corners }
}

function lowest(positions: Float32Array): Vec3 {
  const corner: [number, number, number] = [Infinity, Infinity, Infinity]
  for (const [n, value] of positions.entries()) if (value < corner[n % 3]!) corner[n % 3] = value
  return corner
}
