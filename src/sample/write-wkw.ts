/** Writes one mag of a WKW layer, LZ4, 32³ voxels a block, 4³ blocks a file. Layout: formats.md 1.2, 1.3. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compressBlock } from 'lz4js'
import { blockIndex } from '../formats/wkw/header.ts'
import { copyBox } from '../volume/copy.ts'
import type { Vec3 } from '../volume/vec.ts'

const BLOCK = 32
const BLOCKS = 4
const CUBE = BLOCK * BLOCKS

export async function writeWkwMag(folder: string, voxels: Uint8Array | Uint32Array, size: Vec3): Promise<void> {
  const voxel = voxels.BYTES_PER_ELEMENT
  const bytes = new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'header.wkw'), header(voxel, 0))
  for (let z = 0; z * CUBE < size[2]; z++) {
    for (let y = 0; y * CUBE < size[1]; y++) {
      await mkdir(join(folder, `z${z}`, `y${y}`), { recursive: true })
      for (let x = 0; x * CUBE < size[0]; x++) {
        await writeFile(join(folder, `z${z}`, `y${y}`, `x${x}.wkw`), cubeFile(bytes, size, voxel, [x * CUBE, y * CUBE, z * CUBE]))
      }
    }
  }
}

function header(voxel: number, dataOffset: number): Uint8Array {
  const bytes = new Uint8Array(16)
  const view = new DataView(bytes.buffer)
  bytes.set([0x57, 0x4b, 0x57, 1, (Math.log2(BLOCKS) << 4) | Math.log2(BLOCK), 2, voxel === 1 ? 1 : 3, voxel])
  view.setBigUint64(8, BigInt(dataOffset), true)
  return bytes
}

function cubeFile(bytes: Uint8Array, size: Vec3, voxel: number, start: Vec3): Uint8Array {
  const blocks: Uint8Array[] = new Array(BLOCKS ** 3)
  for (let z = 0; z < BLOCKS; z++) {
    for (let y = 0; y < BLOCKS; y++) {
      for (let x = 0; x < BLOCKS; x++) {
        const at: Vec3 = [start[0] + x * BLOCK, start[1] + y * BLOCK, start[2] + z * BLOCK]
        const block = new Uint8Array(BLOCK ** 3 * voxel)
        const extent = at.map((edge, d) => Math.max(0, Math.min(BLOCK, size[d]! - edge))) as [number, number, number]
        if (extent.every((edge) => edge > 0))
          copyBox({ bytes, size, at }, { bytes: block, size: [BLOCK, BLOCK, BLOCK], at: [0, 0, 0] }, extent, voxel)
        blocks[blockIndex(x, y, z)] = lz4Block(block)
      }
    }
  }
  const dataOffset = 16 + 8 * blocks.length
  const jumps = new BigUint64Array(blocks.length)
  let end = dataOffset
  blocks.forEach((block, n) => {
    end += block.length
    jumps[n] = BigInt(end)
  })
  return Buffer.concat([header(voxel, dataOffset), new Uint8Array(jumps.buffer), ...blocks])
}

/** A bare LZ4 block. The encoder returns 0 for what it cannot make smaller; that is stored as literals. */
export function lz4Block(block: Uint8Array): Uint8Array {
  const target = new Uint8Array(block.length + Math.ceil(block.length / 255) + 16)
  const length = compressBlock(block, target, 0, block.length, new Uint32Array(65536))
  if (length > 0) return target.subarray(0, length)
  const more = block.length - 15
  const token = [0xf0, ...new Array(Math.floor(more / 255)).fill(255), more % 255]
  return Buffer.concat([Uint8Array.from(token), block])
}
