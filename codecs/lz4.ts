/**
 * LZ4 blocks: no frame, no size in front. LZ4HC differs only in how hard the encoder looked, so this decodes both.
 * The work is done by lz4.wasm (source and spec: wasm/lz4.as.ts), 2 to 4 times as fast as any decoder in JavaScript
 * (bench codec-lz4).
 */
import { type Codec, CodecError } from './codec.ts'
import wasmFile from './wasm/lz4.wasm' with { type: 'file' }
import { wasmModule } from './wasm-memory.ts'

/** What the decoder keeps for itself at the beginning of the memory. */
const TABLES = 2048
/** The decoder copies 16 bytes at a time, so it may touch this much behind either end. */
const MARGIN = 64
const instance = wasmModule(wasmFile, 8 * 1024 * 1024)

type Decode = (source: number, sourceLength: number, target: number, targetLength: number) => number

const REASONS: Record<number, string> = {
  [-1]: 'the compressed bytes end in the middle of a sequence',
  [-2]: 'the block holds more than its size says',
  [-3]: 'a match reaches back to before the block',
}

export const lz4: Codec = {
  nsPerByte: 0.8,
  decode(source, target) {
    const at = TABLES + source.length + MARGIN
    const { heap, exports } = instance(at + target.length + MARGIN)
    heap.set(source, TABLES)
    const written = (exports['decode'] as Decode)(TABLES, source.length, at, target.length)
    if (written < 0) throw new CodecError(`LZ4: ${REASONS[written]}`)
    target.set(heap.subarray(at, at + written))
    return written
  },
}
