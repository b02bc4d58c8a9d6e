/** One mag of a WKW layer. A chunk is a block; a missing cube file means that nothing is stored there (formats.md 1.4). */

import { createHash } from 'node:crypto'
import { CodecError } from '../../../codecs/codec.ts'
import type { Decoder } from '../../../codecs/pool.ts'
import type { Buffers } from '../../cache/buffers.ts'
import type { Tables } from '../../cache/tables.ts'
import { isRemoteSource } from '../../stores/source.ts'
import { FileChanged, type Store } from '../../stores/store.ts'
import { type Box, intersect, isEmpty } from '../../volume/box.ts'
import { type ChunkedArray, voxelBytes } from '../../volume/chunked-array.ts'
import type { DataType } from '../../volume/data-type.ts'
import { CorruptChunk, UpstreamError } from '../../volume/errors.ts'
import { always, chain, type MaybePromise, recover } from '../../volume/maybe-promise.ts'
import { floorDivide, subtract, type Vec3, ZERO } from '../../volume/vec.ts'
import { metadataVersion } from '../metadata-version.ts'
import { type Cube, cubeBytes, openCube } from './cube.ts'
import { cubeFiles } from './cube-files.ts'
import { blockIndex, type WkwHeader } from './header.ts'

/** Cube files looked for at once to find a region empty. */
const MOST_CUBES = 64
/** The file system's clock ticks this coarsely. */
const CLOCK_MS = 10

export interface WkwArrayParts {
  readonly id: string
  readonly store: Store
  /** Key of the mag folder. */
  readonly folder: string
  readonly header: WkwHeader
  /** Voxels of this mag. */
  readonly box: Box
  readonly lz4: Decoder
  readonly tables: Tables
  readonly buffers: Buffers
  /** Called when a file is found to be replaced. */
  changed(): void
}

export class WkwArray implements ChunkedArray {
  readonly id: string
  readonly dataType: DataType
  readonly channels: number
  readonly box: Box
  readonly gridOrigin = ZERO
  readonly chunkSize: Vec3
  readonly isCheap: boolean
  readonly metadataVersion?: string
  readonly #parts: WkwArrayParts
  readonly #blockBytes: number

  constructor(parts: WkwArrayParts) {
    const { blockLength } = parts.header
    this.#parts = parts
    this.id = parts.id
    this.dataType = parts.header.dataType
    this.channels = parts.header.channels
    this.box = parts.box
    this.isCheap = parts.store.isLocal === true
    const { store, folder, header, box } = parts
    if (isRemoteSource(store.url)) this.metadataVersion = metadataVersion(store.url, folder, header, box)
    this.chunkSize = [blockLength, blockLength, blockLength]
    this.#blockBytes = blockLength ** 3 * voxelBytes(this)
  }

  /**
   * Throws `CorruptChunk` naming file and block, or `UpstreamError`. Of a file replaced under us nothing more is read: blocks of the old
   * one may be cached, and the two must not be mixed. The dataset is opened anew instead.
   */
  readChunk(index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    return recover(
      () => this.#read(index, target),
      (error) => {
        if (!(error instanceof FileChanged)) throw error
        this.#parts.changed()
        throw new UpstreamError({ cause: error.message })
      },
    )
  }

  /** Looks at cube files, a few at most: whether one is there costs as much as opening it. */
  isEmptyIn(box: Box): MaybePromise<boolean> {
    const cubes = this.#cubesIn(box)
    const next = (n: number): MaybePromise<boolean> => {
      const index = cubes[n]
      return index ? chain(this.#cube(index), (cube) => (cube ? false : next(n + 1))) : true
    }
    return cubes.length > MOST_CUBES ? false : next(0)
  }

  /** Of all cube files there are. */
  async version(sinceMs: number): Promise<string | undefined> {
    const { store, folder } = this.#parts
    if (isRemoteSource(store.url)) return undefined
    const hash = createHash('sha256').update(`${store.url} ${folder}`)
    for await (const { key } of cubeFiles(store, folder)) {
      const stat = await store.stat(key)
      if (stat?.changedMs === undefined || stat.changedMs > sinceMs - CLOCK_MS) return undefined
      hash.update(`\n${key} ${stat.version}`)
    }
    return hash.digest('hex')
  }

  /** Index of one block in each cube file of a box, or of one too many. */
  #cubesIn(box: Box): Vec3[] {
    const edge = this.chunkSize[0] * this.#parts.header.fileLength
    const wanted = intersect(box, this.box)
    if (isEmpty(wanted)) return []
    const [x0, y0, z0] = floorDivide(wanted.min, [edge, edge, edge])
    const [x1, y1, z1] = floorDivide(subtract(wanted.max, [1, 1, 1]), [edge, edge, edge])
    const cubes: Vec3[] = []
    const { fileLength } = this.#parts.header
    for (let z = z0; z <= z1; z++)
      for (let y = y0; y <= y1; y++)
        for (let x = x0; x <= x1 && cubes.length <= MOST_CUBES; x++) cubes.push([x * fileLength, y * fileLength, z * fileLength])
    return cubes
  }

  #read(index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    return chain(this.#cube(index), (cube) => {
      if (!cube) return false
      const mask = this.#parts.header.fileLength - 1
      const block = blockIndex(index[0] & mask, index[1] & mask, index[2] & mask)
      return cube.jumps ? this.#readCompressed(cube, cube.jumps, block, target) : this.#readRaw(cube, block, target)
    })
  }

  #readRaw(cube: Cube, block: number, target: Uint8Array): MaybePromise<boolean> {
    return chain(cube.file.read(target, cube.header.dataOffset + block * this.#blockBytes), () => true)
  }

  #readCompressed(cube: Cube, jumps: Float64Array, block: number, target: Uint8Array): MaybePromise<boolean> {
    const start = jumps[block]!
    const end = jumps[block + 1]!
    const corrupt = (cause: string) => new CorruptChunk({ file: cube.file.name, chunk: `block ${block}`, cause })
    if (end > cube.file.size) throw corrupt(`ends at ${end}, the file at ${cube.file.size}`)
    // LZ4's own bound for incompressible data
    const most = this.#blockBytes + Math.ceil(this.#blockBytes / 255) + 16
    if (end - start > most) throw corrupt(`is ${end - start} bytes long, ${this.#blockBytes} bytes never compress to more than ${most}`)
    const { buffers, lz4 } = this.#parts
    return chain(buffers.take(end - start), (buffer) => {
      const source = buffer.subarray(0, end - start)
      const decode = () =>
        recover(
          () => lz4.decode(source, target),
          (error) => {
            throw error instanceof CodecError ? corrupt(error.message) : error
          },
        )
      return always(
        () => chain(chain(cube.file.read(source, start), decode), () => true),
        () => buffers.giveBack(buffer),
      )
    })
  }

  #cube(index: Vec3): MaybePromise<Cube | undefined> {
    const key = this.#cubeKey(index)
    return this.#parts.tables.get(
      key,
      () =>
        chain(this.#parts.store.open(this.#cubePath(index)), (file) =>
          file ? openCube(file, this.#parts.header, this.#blockBytes) : undefined,
        ),
      cubeBytes,
    )
  }

  #cubePath(index: Vec3): string {
    const { fileLength } = this.#parts.header
    const [x, y, z] = index.map((i) => Math.floor(i / fileLength)) as [number, number, number]
    return `${this.#parts.folder}/z${z}/y${y}/x${x}.wkw`
  }

  #cubeKey(index: Vec3): string {
    return `${this.id}/${this.#cubePath(index)}`
  }
}
