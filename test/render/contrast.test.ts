import { expect, test } from 'bun:test'
import { ChunkCache } from '../../src/cache/chunk-cache.ts'
import { measureContrast } from '../../src/render/contrast.ts'
import { boxAt } from '../../src/volume/box.ts'
import type { Layer, Mag } from '../../src/volume/chunked-array.ts'
import { Pace } from '../../src/volume/pace.ts'
import type { Vec3 } from '../../src/volume/vec.ts'
import { MemoryArray } from '../support/memory-array.ts'

const magOf = (n: number, value: number, isComputed?: true): Mag & { readonly arrays: readonly [MemoryArray] } => {
  const array = new MemoryArray({
    id: `lab/volume/color/${n}`,
    box: boxAt([0, 0, 0], [512 / n, 512 / n, 512 / n]),
    chunkSize: [32, 32, 32],
    byteAt: (x) => value + (x % 2),
  })
  return { factor: [n, n, n] as Vec3, arrays: [array], ...(isComputed && { isComputed }) }
}

test.each([
  ['stored', undefined, 2, [100, 101]],
  ['made when somebody asks', true, 1, [50, 51]],
] as const)('of a coarse mag that is %s', async (_, isComputed, read, contrast) => {
  const mags = [magOf(1, 50), magOf(2, 100, isComputed)]
  const layer: Layer = {
    name: 'color',
    category: 'color',
    dataType: 'uint8',
    channels: 1,
    boundingBox: boxAt([0, 0, 0], [512, 512, 512]),
    mags,
  }
  expect(await measureContrast(layer, { chunks: new ChunkCache(0), pace: new Pace() })).toEqual([...contrast])
  expect(mags.map(({ arrays }) => arrays[0].reads.length > 0)).toEqual([read === 1, read === 2])
})
