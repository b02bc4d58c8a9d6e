/** A mag that is not stored: each chunk is made of those of the mag below it when somebody asks for it. */
import { release } from '../cache/release.ts'
import { type Box, boxAt, intersect, isEmpty, sizeOf, toMag } from '../volume/box.ts'
import { type ChunkedArray, chunkBytes, voxelBytes } from '../volume/chunked-array.ts'
import { copyBox, fillBox } from '../volume/copy.ts'
import { readParts } from '../volume/cutout.ts'
import type { DataType } from '../volume/data-type.ts'
import { downsample, type Rule } from '../volume/downsample.ts'
import { always, chain, type MaybePromise } from '../volume/maybe-promise.ts'
import { Pace } from '../volume/pace.ts'
import { add, floorDivide, multiply, product, subtract, type Vec3 } from '../volume/vec.ts'
import type { JobPlace, Tracker } from './jobs.ts'
import type { Overviews, Root } from './overviews.ts'
import { packRecord, unpackRecord } from './record.ts'
import { chunkSizeOf } from './shape.ts'

/** What is made of less than this is made again rather than kept on disk. */
const DEAR_BYTES = 1024 * 1024
/** Chunks read at the same time where reading takes time: stored ones, and those that are made themselves. */
const PARALLEL_STORED = 16
const PARALLEL_MADE = 2

export interface DownsampledParts {
  readonly root: Root
  /** The mag before this one, stored or made. */
  readonly below: ChunkedArray
  /** The voxels of `below` that count. */
  readonly boxBelow: Box
  readonly step: Vec3
  /** 1 for what is made of the stored mag, and so on. */
  readonly depth: number
  /** Voxels of the stored mag in one of this. */
  readonly weight: number
  readonly rule: Rule
  readonly place: JobPlace
  readonly overviews: Overviews
}

export class DownsampledArray implements ChunkedArray {
  readonly id: string
  readonly dataType: DataType
  readonly channels: number
  readonly box: Box
  readonly gridOrigin: Vec3
  readonly chunkSize: Vec3
  readonly #parts: DownsampledParts

  constructor(parts: DownsampledParts) {
    const { root, below, boxBelow, step, depth, rule, place } = parts
    this.#parts = parts
    this.id = `${root.array.id}/made-${place.mag}-${rule}`
    this.dataType = below.dataType
    this.channels = below.channels
    this.box = toMag(boxBelow, step)
    this.gridOrigin = floorDivide(below.gridOrigin, step)
    this.chunkSize = chunkSizeOf(below, step, depth === 1, this.box)
  }

  /** Throws what reading the stored mag throws, for a mean of what could not be read would be one of black. */
  readChunk(index: Vec3, target: Uint8Array, signal?: AbortSignal): MaybePromise<boolean> {
    const { overviews } = this.#parts
    const key = this.#keyOf(index)
    if (overviews.isKnownEmpty(key)) return false
    const region = this.#regionOf(index)
    if (isEmpty(region)) return false
    return chain(this.isEmptyIn(region), (empty) => {
      if (empty) return this.#nothing(key)
      if (!this.#isDear(index)) return this.#make(index, region, target, undefined, signal)
      return this.#makeOnce(index, region, target, signal)
    })
  }

  isEmptyIn(box: Box): MaybePromise<boolean> {
    const { below } = this.#parts
    return below.isEmptyIn?.(this.#sourceOf(box)) ?? false
  }

  /** Decoded bytes of the stored mag that a chunk is made of. */
  storedBytesOf(index: Vec3): number {
    return product(sizeOf(this.#regionOf(index))) * this.#parts.weight * voxelBytes(this)
  }

  /** Whether its chunks are kept on disk, where there is a place for them. */
  get isKept(): boolean {
    return this.#isDear(floorDivide(subtract(this.box.min, this.gridOrigin), this.chunkSize))
  }

  #isDear(index: Vec3): boolean {
    const { array } = this.#parts.root
    // such a source mostly is on the network, where any chunk takes longer than reading what is kept
    return array.metadataVersion !== undefined || this.storedBytesOf(index) >= DEAR_BYTES
  }

  #nothing(key: string): false {
    this.#parts.overviews.rememberEmpty(key)
    return false
  }

  #keyOf = (index: Vec3): string => `${this.id}/${index.join(',')}`

  /** The voxels of a chunk that there are. */
  #regionOf(index: Vec3): Box {
    return intersect(this.box, boxAt(add(this.gridOrigin, multiply(index, this.chunkSize)), this.chunkSize))
  }

  #sourceOf(box: Box): Box {
    const { step, boxBelow } = this.#parts
    return intersect(boxBelow, { min: multiply(box.min, step), max: multiply(box.max, step) })
  }

  /** From the disk, or made by whoever asks first and kept there. */
  async #makeOnce(index: Vec3, region: Box, target: Uint8Array, signal?: AbortSignal): Promise<boolean> {
    const { overviews, place, root } = this.#parts
    const { disk, jobs } = overviews
    const key = this.#keyOf(index)
    const make = async (tracker: Tracker): Promise<Uint8Array | undefined> => {
      const answer = await overviews.elsewhere?.(place, this.id, index)
      if (answer !== undefined && answer !== 'unknown') return answer.voxels
      const version = disk && (await overviews.versionOf(root))
      const record = version === undefined ? undefined : this.#recordKey(version, index)
      const made = new Uint8Array(chunkBytes(this))
      const kept = record === undefined ? undefined : await disk!.get(record)
      const stored = kept && unpackRecord(kept, made)
      if (kept) release(kept)
      if (stored !== undefined) return stored ? made : undefined
      const found = await this.#make(index, region, made, tracker, tracker.signal)
      if (record !== undefined) await disk!.put(record, await packRecord(found ? made : undefined))
      return found ? made : undefined
    }
    const { voxels, done } = await jobs.run(key, place, this.storedBytesOf(index), make, signal)
    if (!voxels) return this.#nothing(key)
    target.set(voxels)
    done()
    return true
  }

  /** Says all that decides about the voxels; the dataset's own name does not. */
  #recordKey(version: string, index: Vec3): string {
    const { root, place } = this.#parts
    const { min, max } = this.box
    const shape = [min, max, this.gridOrigin, this.chunkSize, index].map((vec) => vec.join(',')).join(' ')
    return `1 ${version} ${this.id.slice(place.versionedId.length)} ${root.array.dataType}×${this.channels} ${shape}`
  }

  #make(
    index: Vec3,
    region: Box,
    target: Uint8Array,
    tracker: Tracker | undefined,
    signal: AbortSignal | undefined,
  ): MaybePromise<boolean> {
    const { step, depth, rule, overviews } = this.#parts
    const source = this.#sourceOf(region)
    const size = sizeOf(source)
    const bytes = product(size) * voxelBytes(this)
    return chain(overviews.scratch.take(depth, bytes), (scratch) =>
      always(
        () => {
          signal?.throwIfAborted()
          return chain(this.#gather(source, scratch, tracker, signal), (stored) => {
            if (!stored) return this.#nothing(this.#keyOf(index))
            const start = add(this.gridOrigin, multiply(index, this.chunkSize))
            if (product(sizeOf(region)) < product(this.chunkSize)) target.fill(0)
            const phase = subtract(source.min, multiply(region.min, step))
            const from = { bytes: scratch, size, phase, dataType: this.dataType, channels: this.channels }
            downsample(from, step, rule, { bytes: target, size: this.chunkSize, at: subtract(region.min, start) })
            return true
          })
        },
        () => overviews.scratch.giveBack(depth, scratch),
      ),
    )
  }

  /** Fills `into` with the voxels of `source` (a box of the mag below) and says whether any are stored. */
  #gather(source: Box, into: Uint8Array, tracker: Tracker | undefined, signal: AbortSignal | undefined): MaybePromise<boolean> {
    const { below, overviews } = this.#parts
    const { gridOrigin, chunkSize } = below
    const size = sizeOf(source)
    const voxel = voxelBytes(this)
    const first = floorDivide(subtract(source.min, gridOrigin), chunkSize)
    const last = floorDivide(subtract(subtract(source.max, [1, 1, 1]), gridOrigin), chunkSize)
    const [nx, ny, nz] = add(subtract(last, first), [1, 1, 1])
    const count = nx * ny * nz
    tracker?.expect(count)
    const readOne = (n: number): MaybePromise<boolean> => {
      const index = add(first, [n % nx, Math.floor(n / nx) % ny, Math.floor(n / (nx * ny))])
      const start = add(gridOrigin, multiply(index, chunkSize))
      const part = intersect(source, boxAt(start, chunkSize))
      const to = { bytes: into, size, at: subtract(part.min, source.min) }
      const key = `${below.id}/${index.join(',')}`
      tracker?.begin(key)
      const visit = (bytes: Uint8Array) => copyBox({ bytes, size: chunkSize, at: subtract(part.min, start) }, to, sizeOf(part), voxel)
      return chain(overviews.chunks.read(below, index, visit, signal), (stored) => {
        if (!stored) fillBox(to, sizeOf(part), voxel)
        tracker?.finish(key)
        return stored
      })
    }
    const parallel = below instanceof DownsampledArray ? PARALLEL_MADE : PARALLEL_STORED
    return readParts(readOne, count, { pace: new Pace(), signal }, parallel)
  }
}
