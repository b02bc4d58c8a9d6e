/**
 * One cube file: header, jump table and where each block lies. Everything the file says about itself is compared with its length
 * before it is believed or allocated. Layout: formats.md 1.3.
 */
import type { Readable } from '../../stores/store.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, type MaybePromise } from '../../volume/maybe-promise.ts'
import { HEADER_BYTES, parseHeader, type WkwHeader } from './header.ts'

export interface Cube {
  readonly file: Readable
  readonly header: WkwHeader
  /** Compressed files: N + 1 offsets; block n lies from entry n to entry n + 1. */
  readonly jumps: Float64Array | undefined
}

export const cubeBytes = (cube: Cube): number => cube.jumps?.byteLength ?? 0

/** Reads what stands before the blocks. `layer` is what header.wkw promised. Throws `CorruptChunk`, `UpstreamError`. */
export function openCube(file: Readable, layer: WkwHeader, blockBytes: number): MaybePromise<Cube> {
  if (file.size < HEADER_BYTES)
    throw new CorruptChunk({ file: file.name, cause: `${file.size} bytes, a WKW header alone has ${HEADER_BYTES}` })
  const bytes = new Uint8Array(HEADER_BYTES)
  return chain(file.read(bytes, 0), () => {
    const header = parseHeader(bytes, file.name)
    const fail = (cause: string) => new CorruptChunk({ file: file.name, cause })
    for (const key of ['blockLength', 'fileLength', 'dataType', 'channels'] as const) {
      if (header[key] !== layer[key]) throw fail(`its header says ${key} ${header[key]}, header.wkw says ${layer[key]}`)
    }
    const blocks = header.fileLength ** 3
    if (header.blockType === 'raw') {
      if (header.dataOffset !== HEADER_BYTES)
        throw fail(`its data is said to begin at ${header.dataOffset}, uncompressed data begins at ${HEADER_BYTES}`)
      const expected = HEADER_BYTES + blocks * blockBytes
      if (file.size !== expected) throw fail(`${file.size} bytes long instead of ${expected}`)
      return { file, header, jumps: undefined }
    }
    const dataOffset = HEADER_BYTES + 8 * blocks
    if (header.dataOffset !== dataOffset)
      throw fail(`its data is said to begin at ${header.dataOffset}, after ${blocks} jump table entries it begins at ${dataOffset}`)
    if (file.size < dataOffset) throw fail(`${file.size} bytes long, its jump table alone ends at ${dataOffset}`)
    const table = new BigUint64Array(blocks)
    return chain(file.read(new Uint8Array(table.buffer), HEADER_BYTES), () => ({
      file,
      header,
      jumps: checkedJumps(table, dataOffset, file),
    }))
  })
}

function checkedJumps(table: BigUint64Array, dataOffset: number, file: Readable): Float64Array {
  const jumps = new Float64Array(table.length + 1)
  jumps[0] = dataOffset
  for (let n = 0; n < table.length; n++) {
    const end = Number(table[n]!)
    if (end < jumps[n]!) {
      throw new CorruptChunk({ file: file.name, cause: `jump table entry ${n} (${end}) lies before the one it follows (${jumps[n]})` })
    }
    jumps[n + 1] = end
  }
  return jumps
}
