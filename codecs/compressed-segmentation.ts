/**
 * Compressed segmentation: 64-bit or 32-bit label chunks as small per-block lookup tables.
 *
 * Spec: neuroglancer, src/sliceview/compressed_segmentation/README.md; encodedValuesOffset has 32 bits, though neuroglancer's own
 * decoder masks it. Options: `size` of the chunk and `blockSize` (voxels x, y, z), `channels`, `sampleBytes` (4 or 8), and `part` where
 * only some of the blocks are wanted. Written channel after channel, x fastest. The work is done by compressed-segmentation.wasm
 * (wasm/compressed-segmentation.as.ts).
 */
import { type Codec, CodecError } from './codec.ts'
import wasmFile from './wasm/compressed-segmentation.wasm' with { type: 'file' }
import { wasmModule } from './wasm-memory.ts'

export interface CompressedSegmentationOptions {
  readonly size: readonly [number, number, number]
  readonly blockSize: readonly [number, number, number]
  readonly channels: number
  readonly sampleBytes: number
  /** Whole blocks, in voxels: where the wanted ones begin and how many voxels they hold. All where it is not given. */
  readonly part?: { readonly at: readonly [number, number, number]; readonly size: readonly [number, number, number] } | undefined
}

/** Decoded at a time: what a core's cache holds, so that it is still there when it is copied out. */
const PART_BYTES = 256 * 1024
const MARGIN = 16
/** What the decoder keeps for itself at the beginning of the memory. */
const TABLES = 2048
const instance = wasmModule(wasmFile, 32 * 1024 * 1024)

const REASONS: Record<number, string> = {
  [-1]: 'ends within its block headers',
  [-2]: 'states a number of bits that is none of 0, 1, 2, 4, 8, 16, 32',
  [-3]: 'ends within the values of a block',
  [-4]: 'ends within the table of a block',
}

export const compressedSegmentation: Codec = {
  nsPerByte: 0.35,
  decode(source, target, options) {
    const { size, blockSize, channels, sampleBytes, part } = options as unknown as CompressedSegmentationOptions
    const fail = (cause: string) => new CodecError(`compressed_segmentation: ${cause}`)
    const [sx, sy, sz] = size
    const [bx, by, bz] = blockSize
    const [ox, oy, oz] = part?.at ?? [0, 0, 0]
    const [nx, ny, nz] = part?.size ?? size
    const channelBytes = nx * ny * nz * sampleBytes
    if (channelBytes * channels > target.length) throw fail(`${channels} × ${nx}×${ny}×${nz} voxels do not fit into ${target.length} bytes`)
    if (source.length % 4 !== 0) throw fail(`${source.length} bytes are no whole number of 32-bit words`)
    if (source.length < 4 * channels) throw fail(`${source.length} bytes cannot hold the offsets of ${channels} channels`)
    const layers = Math.ceil((oz + nz) / bz)
    const layerBytes = nx * ny * Math.min(bz, nz) * sampleBytes
    const perPart = Math.max(1, Math.min(layers, Math.floor(PART_BYTES / layerBytes)))
    const at = Math.ceil((TABLES + source.length + MARGIN) / 16) * 16
    const { heap, exports } = instance(at + layerBytes * perPart + MARGIN)
    const decode = exports['decode'] as (...numbers: number[]) => number
    heap.set(source, TABLES)
    const offsets = new DataView(source.buffer, source.byteOffset, source.length)
    let written = 0
    for (let channel = 0; channel < channels; channel++) {
      const start = 4 * offsets.getUint32(4 * channel, true)
      if (start < 4 * channels || start > source.length)
        throw fail(`channel ${channel} is said to begin at byte ${start} of ${source.length}`)
      for (let z = oz / bz; z < layers; z += perPart) {
        const end = Math.min(layers, z + perPart)
        const x = [ox / bx, Math.ceil((ox + nx) / bx)] as const
        const y = [oy / by, Math.ceil((oy + ny) / by)] as const
        const wide = sampleBytes === 8 ? 1 : 0
        const result = decode(TABLES + start, source.length - start, at, sx, sy, sz, bx, by, bz, ...x, ...y, z, end, wide)
        if (result < 0) throw fail(REASONS[result] ?? `error ${result}`)
        const bytes = nx * ny * (Math.min(oz + nz, end * bz) - z * bz) * sampleBytes
        target.set(heap.subarray(at, at + bytes), written)
        written += bytes
      }
    }
    return written
  },
}
