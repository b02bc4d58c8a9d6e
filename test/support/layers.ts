/** Layers in memory, for what draws and counts without a server. */
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { boxAt, toMag } from '../../src/volume/box.ts'
import type { Layer } from '../../src/volume/chunked-array.ts'
import { Pace } from '../../src/volume/pace.ts'
import type { Vec3 } from '../../src/volume/vec.ts'
import { MemoryArray, type MemoryArrayOptions } from './memory-array.ts'

export interface MemoryLayerOptions extends Partial<MemoryArrayOptions> {
  readonly min?: Vec3
  readonly size: Vec3
  readonly category?: Layer['category']
  readonly factors?: readonly Vec3[]
}

let layers = 0

export function memoryLayer({ min = [0, 0, 0], size, category = 'color', factors = [[1, 1, 1]], ...array }: MemoryLayerOptions): Layer {
  const boundingBox = boxAt(min, size)
  const id = `memory${++layers}`
  const { dataType = 'uint8', channels = 1 } = array
  const mags = factors.map((factor) => ({
    factor,
    arrays: [
      new MemoryArray({
        chunkSize: [32, 32, 32],
        byteAt: () => 0,
        ...array,
        box: toMag(boundingBox, factor),
        id: `${id}/${factor.join('-')}`,
      }),
    ],
  }))
  return { name: 'memory', category, dataType, channels, mags, boundingBox }
}

export const freshOptions = () => ({ chunks: new ChunkCache(16 * 1024 * 1024), pace: new Pace() })
