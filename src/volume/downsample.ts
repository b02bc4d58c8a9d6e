/**
 * Halves voxels along any of the three axes. The work is done by downsample.wasm (source: codecs/wasm/downsample.as.ts).
 *
 * mean: of integers exact, also of 64 bits, halves rounded to the even neighbour, so that nothing gets brighter from mag to mag;
 *   of floats summed in double precision, NaN (mostly: not recorded) does not count, and only all NaN makes NaN.
 * mode: the id met most often; of several the first along y, then x, then z, which is what webKnossos's own library takes.
 *
 * Each channel by itself. Only voxels that are given count: at the edge of a volume the others of a pair, or the one, decide.
 */
import { readFileSync } from 'node:fs'
import wasmFile from '../../codecs/wasm/downsample.wasm' with { type: 'file' }
import { copyBox, type Side } from './copy.ts'
import { type DataType, sampleBytes } from './data-type.ts'
import { ceilDivide, type Vec3 } from './vec.ts'

export type Rule = 'mean' | 'mode'

export interface DownsampleSource {
  /** x fastest, channels interleaved, little endian. */
  readonly bytes: Uint8Array
  readonly size: Vec3
  /** 1 along an axis where the first voxel is the second of its pair. */
  readonly phase: Vec3
  readonly dataType: DataType
  readonly channels: number
}

/** The order of the constants in downsample.as.ts. */
const TYPES: readonly DataType[] = ['uint8', 'uint16', 'uint32', 'uint64', 'int8', 'int16', 'int32', 'int64', 'float32', 'float64']
const PAGE = 65_536
/** Source rows handed over at once: they fit the processor's cache. */
const BLOCK_BYTES = 512 * 1024
/** Rows larger than this get an instance of their own, because the memory of an instance never shrinks. */
const KEPT_BYTES = 16 * 1024 * 1024

type Kernel = (
  type: number,
  source: number,
  nx: number,
  ny: number,
  nz: number,
  phaseX: number,
  phaseY: number,
  fx: number,
  fy: number,
  channels: number,
  target: number,
) => void

interface Instance {
  readonly memory: WebAssembly.Memory
  readonly mean: Kernel
  readonly mode: Kernel
  heap: Uint8Array
}

/** Voxels the source makes: every voxel of it belongs to one. */
export const downsampledSize = ({ size, phase }: Pick<DownsampleSource, 'size' | 'phase'>, factor: Vec3): Vec3 =>
  ceilDivide([size[0] + phase[0], size[1] + phase[1], size[2] + phase[2]], factor)

/**
 * Writes `downsampledSize` voxels of the same kind to `target`. `factor`: 1 or 2 for each axis. `mode` is for integers only. Throws
 * `RangeError` for anything else.
 */
export function downsample(source: DownsampleSource, factor: Vec3, rule: Rule, target: Side): void {
  const { bytes, size, phase, dataType, channels } = source
  if (!factor.every((edge) => edge === 1 || edge === 2)) throw new RangeError(`factor ${factor.join('-')}: each must be 1 or 2`)
  if (rule === 'mode' && dataType.startsWith('float')) throw new RangeError('there is no mode of floats')
  const type = TYPES.indexOf(dataType)
  const voxel = sampleBytes(dataType) * channels
  const [width, height, depth] = downsampledSize(source, factor)
  const row = size[0] * voxel
  const plane = row * size[1]
  const rowsAtOnce = Math.max(1, Math.floor(BLOCK_BYTES / (row * factor[1] * factor[2])))
  for (let z = 0; z < depth; z++) {
    const firstZ = Math.max(0, z * factor[2] - phase[2])
    const planes = Math.min(size[2], (z + 1) * factor[2] - phase[2]) - firstZ
    for (let y = 0; y < height; y += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, height - y)
      const firstY = Math.max(0, y * factor[1] - phase[1])
      const sourceRows = Math.min(size[1], (y + rows) * factor[1] - phase[1]) - firstY
      const at = sourceRows * planes * row
      const made = width * rows * voxel
      const wasm = instance(at + made + 16)
      for (let n = 0; n < planes; n++) {
        const from = (firstZ + n) * plane + firstY * row
        wasm.heap.set(bytes.subarray(from, from + sourceRows * row), n * sourceRows * row)
      }
      const phaseY = y === 0 ? phase[1] : 0
      wasm[rule](type, 0, size[0], sourceRows, planes, phase[0], phaseY, factor[0], factor[1], channels, at)
      const from = { bytes: wasm.heap.subarray(at, at + made), size: [width, rows, 1] as const, at: [0, 0, 0] as const }
      const to = { ...target, at: [target.at[0], target.at[1] + y, target.at[2] + z] as const }
      copyBox(from, to, [width, rows, 1], voxel)
    }
  }
}

let compiled: WebAssembly.Module | undefined
let kept: Instance | undefined

function instance(bytes: number): Instance {
  if (bytes > KEPT_BYTES) return makeInstance(bytes)
  kept ??= makeInstance(1024 * 1024)
  if (kept.heap.length < bytes) {
    kept.memory.grow(Math.ceil((bytes - kept.heap.length) / PAGE))
    kept.heap = new Uint8Array(kept.memory.buffer)
  }
  return kept
}

function makeInstance(bytes: number): Instance {
  compiled ??= new WebAssembly.Module(readFileSync(wasmFile))
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) })
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
  return { memory, mean: exports['mean'] as Kernel, mode: exports['mode'] as Kernel, heap: new Uint8Array(memory.buffer) }
}
