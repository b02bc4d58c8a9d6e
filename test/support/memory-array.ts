/** A chunked array in memory, with chunks that are missing or broken where a test wants them. */
import type { Box } from '../../src/volume/box.ts'
import { type ChunkedArray, chunkBytes } from '../../src/volume/chunked-array.ts'
import { CorruptChunk } from '../../src/volume/errors.ts'
import type { MaybePromise } from '../../src/volume/maybe-promise.ts'
import type { Vec3 } from '../../src/volume/vec.ts'

export type ChunkState = 'stored' | 'missing' | 'broken'

export interface MemoryArrayOptions {
  readonly id?: string
  readonly channels?: number
  readonly dataType?: ChunkedArray['dataType']
  readonly box: Box
  readonly gridOrigin?: Vec3
  readonly chunkSize: Vec3
  /** Byte `b` of the voxel at a position. */
  readonly byteAt: (x: number, y: number, z: number, b: number) => number
  readonly stateOf?: (index: Vec3) => ChunkState
  /** Answers later, as a slow disk does. */
  readonly isAsync?: boolean
}

export class MemoryArray implements ChunkedArray {
  readonly id: string
  readonly dataType: ChunkedArray['dataType']
  readonly channels: number
  readonly box: Box
  readonly gridOrigin: Vec3
  readonly chunkSize: Vec3
  /** Indices in the order they were read. */
  readonly reads: Vec3[] = []
  readonly #options: MemoryArrayOptions

  constructor(options: MemoryArrayOptions) {
    this.#options = options
    this.id = options.id ?? 'memory'
    this.dataType = options.dataType ?? 'uint8'
    this.channels = options.channels ?? 1
    this.box = options.box
    this.gridOrigin = options.gridOrigin ?? [0, 0, 0]
    this.chunkSize = options.chunkSize
  }

  readChunk(index: Vec3, target: Uint8Array): MaybePromise<boolean> {
    this.reads.push(index)
    if (!this.#options.isAsync) return this.#fill(index, target)
    return Bun.sleep(0).then(() => this.#fill(index, target))
  }

  #fill(index: Vec3, target: Uint8Array): boolean {
    const state = this.#options.stateOf?.(index) ?? 'stored'
    if (state === 'broken') throw new CorruptChunk({ chunk: index.join(','), cause: 'broken on purpose' })
    if (state === 'missing') return false
    const [w, h, d] = this.chunkSize
    const bytes = chunkBytes(this) / (w * h * d)
    const start = this.gridOrigin.map((origin, n) => origin + index[n]! * this.chunkSize[n]!) as [number, number, number]
    let at = 0
    for (let z = 0; z < d; z++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++)
          for (let b = 0; b < bytes; b++) target[at++] = this.#options.byteAt(start[0] + x, start[1] + y, start[2] + z, b)
    return true
  }
}
