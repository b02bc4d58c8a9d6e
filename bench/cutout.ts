/** Cutting buckets out of decoded chunks: the strided copy against looking each voxel up. */
import { boxAt } from '../src/volume/box.ts'
import { copyBox } from '../src/volume/copy.ts'
import type { Vec3 } from '../src/volume/vec.ts'
import { compare, table } from './measure.ts'

export const title = 'Cutting boxes out of chunks'
const CHUNK: Vec3 = [64, 64, 64]
const BUCKET: Vec3 = [32, 32, 32]

export async function run(): Promise<string> {
  const rows: (string | number)[][] = []
  for (const [name, voxel] of [
    ['uint8', 1],
    ['uint24', 3],
    ['uint32', 4],
    ['uint64', 8],
  ] as const) {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536))
    const chunk = Uint8Array.from({ length: 64 ** 3 * voxel }, (_, i) => bytes[i & 65_535]!)
    const bucket = new Uint8Array(32 ** 3 * voxel)
    const at: Vec3 = [5, 7, 9]
    const box = boxAt(at, BUCKET)
    const plain = () => {
      let to = 0
      for (let z = box.min[2]; z < box.max[2]; z++)
        for (let y = box.min[1]; y < box.max[1]; y++)
          for (let x = box.min[0]; x < box.max[0]; x++)
            for (let b = 0; b < voxel; b++) bucket[to++] = chunk[(x + 64 * (y + 64 * z)) * voxel + b]!
    }
    const strided = () => copyBox({ bytes: chunk, size: CHUNK, at }, { bytes: bucket, size: BUCKET, at: [0, 0, 0] }, BUCKET, voxel)
    const repeat = (work: () => void) => () => {
      for (let n = 0; n < 20; n++) work()
    }
    const { ours, other } = await compare({ ours: repeat(strided), other: repeat(plain) }, 60)
    const perSecond = (ms: number) => (20 * bucket.length) / ms / 1e3
    rows.push([`32³ ${name}, unaligned, out of 64³`, perSecond(ours), perSecond(other), other / ours])
  }
  return table(['what', 'copyBox MB/s', 'voxel by voxel MB/s', 'ratio'], rows)
}
