/** One mag of a WKW layer. A chunk is a block; a missing cube file means that nothing is stored there (formats.md 1.4). */

import { createHash } from 'node:crypto'
import { CodecError } from '../../../codecs/codec.ts'
import type { Decoder } from '../../../codecs/pool.ts'
import type { Buffers } from '../../cache/buffers.ts'
import type { Tables } from '../../cache/tables.ts'
import { isRemoteSource } from '../../stores/source.ts'
import { FileChanged, type Readable, type Store } from '../../stores/store.ts'
import { type Box, intersect, isEmpty } from '../../volume/box.ts'
import { type ChunkedArray, voxelBytes } from '../../volume/chunked-array.ts'
import type { DataType } from '../../volume/data-type.ts'
import { CorruptChunk, UpstreamError } from '../../volume/errors.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'
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
  #last: { readonly x: number; readonly y: number; readonly z: number; readonly cube: WeakRef<Cube> } | undefined

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
    try {
      const cube = this.#cube(index)
      const stored = cube instanceof Promise ? cube.then((there) => this.#read(there, index, target)) : this.#read(cube, index, target)
      return stored instanceof Promise ? stored.catch((error) => this.#explain(error)) : stored
    } catch (error) {
      return this.#explain(error)
    }
  }

  #explain(error: unknown): never {
    if (!(error instanceof FileChanged)) throw error
    this.#parts.changed()
    throw new UpstreamError({ cause: error.message })
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

  #read(cube: Cube | undefined, index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    if (!cube) return false
    const mask = this.#parts.header.fileLength - 1
    const block = blockIndex(index[0] & mask, index[1] & mask, index[2] & mask)
    return cube.jumps ? this.#readCompressed(cube, cube.jumps, block, target) : this.#readRaw(cube, block, target)
  }

  #readRaw(cube: Cube, block: number, target: Uint8Array): MaybePromise<boolean> {
    return chain(cube.file.read(target, cube.header.dataOffset + block * this.#blockBytes), () => true)
  }

  #readCompressed({ file }: Cube, jumps: Float64Array, block: number, target: Uint8Array): MaybePromise<boolean> {
    const start = jumps[block]!
    const end = jumps[block + 1]!
    if (end > file.size) throw corrupt(file, block, `ends at ${end}, the file at ${file.size}`)
    const length = end - start
    // LZ4's own bound for incompressible data
    const most = this.#blockBytes + Math.ceil(this.#blockBytes / 255) + 16
    if (length > most) throw corrupt(file, block, `is ${length} bytes long, ${this.#blockBytes} bytes never compress to more than ${most}`)
    const buffer = this.#parts.buffers.take(length)
    return buffer instanceof Promise
      ? buffer.then((granted) => this.#decode(file, block, start, granted, length, target))
      : this.#decode(file, block, start, buffer, length, target)
  }

  /** By way of `buffer`, which is given back. */
  #decode(file: Readable, block: number, start: number, buffer: Uint8Array, length: number, target: Uint8Array): MaybePromise<boolean> {
    const { buffers, lz4 } = this.#parts
    const source = buffer.subarray(0, length)
    const fail = (error: unknown): never => {
      buffers.giveBack(buffer)
      throw error instanceof CodecError ? corrupt(file, block, error.message) : error
    }
    let work: MaybePromise<unknown>
    try {
      const reading = file.read(source, start)
      work = reading instanceof Promise ? reading.then(() => lz4.decode(source, target)) : lz4.decode(source, target)
    } catch (error) {
      return fail(error)
    }
    const done = (): true => {
      buffers.giveBack(buffer)
      return true
    }
    return work instanceof Promise ? work.then(done, fail) : done()
  }

  /**
   * Undefined where there is no file. The last one is remembered, for what a viewer looks at lies in one, nearly always; how many are held
   * is up to the tables.
   */
  #cube(index: Vec3): MaybePromise<Cube | undefined> {
    const { tables, store, header } = this.#parts
    const { fileLength } = header
    const x = Math.floor(index[0] / fileLength)
    const y = Math.floor(index[1] / fileLength)
    const z = Math.floor(index[2] / fileLength)
    const last = this.#last
    if (last && last.x === x && last.y === y && last.z === z) {
      const known = last.cube.deref()
      if (known) return known
    }
    const path = `${this.#parts.folder}/z${z}/y${y}/x${x}.wkw`
    const cube = tables.get(
      `${this.id}/${path}`,
      () => chain(store.open(path), (file) => (file ? openCube(file, header, this.#blockBytes) : undefined)),
      cubeBytes,
    )
    if (cube && !(cube instanceof Promise)) this.#last = { x, y, z, cube: new WeakRef(cube) }
    return cube
  }
}

const corrupt = (file: Readable, block: number, cause: string): CorruptChunk =>
  new CorruptChunk({ file: file.name, chunk: `block ${block}`, cause })
