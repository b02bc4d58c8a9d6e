/**
 * Compresso: label volumes as boundaries in small windows, one label per region they enclose, and corrections where a boundary voxel
 * belongs to no neighbour. Versions 0 and 1 (1 adds an index by z behind, which is not needed to decode everything).
 *
 * Spec: neuroglancer, src/sliceview/compresso/compresso.hpp; seung-lab/compresso README. Options: `size` (voxels x, y, z), `sampleBytes`
 * of the target. Written x fastest. Labels are looked up by number at the very end, so 64-bit ones are only ever two words.
 */
import type { Codec } from './codec.ts'
import { type CompressoHeader, fail, HEADER_BYTES, parseHeader } from './compresso-header.ts'
import { boundariesOf } from './compresso-windows.ts'
import { labelRegions } from './regions.ts'

export interface CompressoOptions {
  readonly size: readonly [number, number, number]
  readonly sampleBytes: number
}

export const compresso: Codec = {
  nsPerByte: 4,
  decode(source, target, options) {
    const { size, sampleBytes } = options as unknown as CompressoOptions
    const header = parseHeader(source, size, sampleBytes)
    const { width, idCount, connectivity } = header
    const voxels = size[0] * size[1] * size[2]
    if (voxels * sampleBytes > target.length) throw fail(`${size.join('×')} voxels do not fit into ${target.length} bytes`)
    const isBoundary = boundariesOf(source, header, size)
    const numbers = new Uint32Array(voxels)
    const regions = labelRegions(isBoundary, numbers, size, connectivity === 6)
    if (regions !== idCount) throw fail(`its boundaries enclose ${regions} regions, there are ids for ${idCount}`)
    const table = new LabelTable(source, width, HEADER_BYTES, idCount, header.locationCount)
    placeBoundaries(source, isBoundary, numbers, size, table, header)
    const bytes = voxels * sampleBytes
    if (target.byteOffset % sampleBytes === 0) table.write(numbers, target, sampleBytes)
    else {
      const aligned = new Uint8Array(bytes)
      table.write(numbers, aligned, sampleBytes)
      target.set(aligned)
    }
    return bytes
  },
}

/** Labels by number: 0 is the label 0, then one per region, then those that stand among the locations. */
class LabelTable {
  readonly #low: Uint32Array
  readonly #high: Uint32Array
  #next: number

  constructor(source: Uint8Array, width: number, at: number, count: number, more: number) {
    this.#low = new Uint32Array(1 + count + more)
    this.#high = new Uint32Array(width === 8 ? this.#low.length : 0)
    const view = new DataView(source.buffer, source.byteOffset, source.length)
    for (let n = 0; n < count; n++) {
      this.#low[n + 1] = lowWord(view, at + n * width, width)
      if (width === 8) this.#high[n + 1] = view.getUint32(at + n * width + 4, true)
    }
    this.#next = count + 1
  }

  add(low: number, high: number): number {
    this.#low[this.#next] = low
    if (this.#high.length > 0) this.#high[this.#next] = high
    return this.#next++
  }

  write(numbers: Uint32Array, target: Uint8Array, sampleBytes: number): void {
    const low = this.#low
    const high = this.#high
    const { buffer, byteOffset } = target
    if (sampleBytes === 1) for (let v = 0; v < numbers.length; v++) target[v] = low[numbers[v]!]!
    else if (sampleBytes === 2) {
      const out = new Uint16Array(buffer, byteOffset, numbers.length)
      for (let v = 0; v < numbers.length; v++) out[v] = low[numbers[v]!]!
    } else if (sampleBytes === 4) {
      const out = new Uint32Array(buffer, byteOffset, numbers.length)
      for (let v = 0; v < numbers.length; v++) out[v] = low[numbers[v]!]!
    } else {
      const out = new Uint32Array(buffer, byteOffset, 2 * numbers.length)
      for (let v = 0; v < numbers.length; v++) {
        out[2 * v] = low[numbers[v]!]!
        out[2 * v + 1] = high.length > 0 ? high[numbers[v]!]! : 0
      }
    }
  }
}

const lowWord = (view: DataView, at: number, width: number): number =>
  width === 1 ? view.getUint8(at) : width === 2 ? view.getUint16(at, true) : view.getUint32(at, true)

/** Where a correction says to look, as steps in x, y, z. */
const NEIGHBOURS = [
  [-1, 0, 0],
  [1, 0, 0],
  [0, -1, 0],
  [0, 1, 0],
  [0, 0, -1],
  [0, 0, 1],
] as const

/** Gives every boundary voxel the number of the neighbour it belongs to, in raster order; a voxel not placed yet counts as 0. */
function placeBoundaries(
  source: Uint8Array,
  isBoundary: Uint8Array,
  numbers: Uint32Array,
  size: readonly [number, number, number],
  table: LabelTable,
  { width, locationsAt, locationCount, connectivity }: CompressoHeader,
): void {
  const [sx, sy, sz] = size
  const plane = sx * sy
  const view = new DataView(source.buffer, source.byteOffset, source.length)
  let next = 0
  const take = (): number => {
    if (next >= locationCount) throw fail(`more than its ${locationCount} locations are needed`)
    return locationsAt + width * next++
  }
  const high = (at: number): number => (width === 8 ? view.getUint32(at + 4, true) : 0)
  for (let z = 0, v = 0; z < sz; z++) {
    for (let y = 0; y < sy; y++) {
      for (let x = 0; x < sx; x++, v++) {
        if (isBoundary[v] === 0) continue
        if (x > 0 && isBoundary[v - 1] === 0) numbers[v] = numbers[v - 1]!
        else if (y > 0 && isBoundary[v - sx] === 0) numbers[v] = numbers[v - sx]!
        else if (connectivity === 6 && z > 0 && isBoundary[v - plane] === 0) numbers[v] = numbers[v - plane]!
        else {
          const at = take()
          const low = lowWord(view, at, width)
          const step = high(at) === 0 ? NEIGHBOURS[low] : undefined
          if (step) {
            const [nx, ny, nz] = [x + step[0], y + step[1], z + step[2]]
            if (nx < 0 || ny < 0 || nz < 0 || nx >= sx || ny >= sy || nz >= sz)
              throw fail(`location ${next - 1} leads out of the chunk at ${x}, ${y}, ${z}`)
            numbers[v] = numbers[nx + sx * ny + plane * nz]!
          } else if (low === 6 && high(at) === 0) {
            const label = take()
            numbers[v] = table.add(lowWord(view, label, width), high(label))
          } else numbers[v] = table.add((low - 7) >>> 0, low < 7 ? (high(at) - 1) >>> 0 : high(at))
        }
      }
    }
  }
  if (next !== locationCount) throw fail(`${next} of its ${locationCount} locations are needed`)
}
