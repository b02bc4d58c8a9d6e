/**
 * LZ4 blocks: no frame, no size in front. LZ4HC differs only in how hard the encoder looked, so this decodes both.
 * The work is done by lz4.wasm (source and spec: wasm/lz4.as.ts), 2 to 4 times as fast as any decoder in JavaScript
 * (bench codec-lz4).
 */
import { readFileSync } from 'node:fs'
import { type Codec, CodecError } from './codec.ts'
import wasmFile from './wasm/lz4.wasm' with { type: 'file' }

const PAGE = 65536
/** What the decoder keeps for itself at the beginning of the memory. */
const TABLES = 2048
/** The decoder copies 16 bytes at a time, so it may touch this much behind either end. */
const MARGIN = 64
/** Larger blocks get an instance of their own, because the memory of an instance never shrinks. */
const KEPT_BYTES = 8 * 1024 * 1024

type Decode = (source: number, sourceLength: number, target: number, targetLength: number) => number

interface Instance {
  readonly memory: WebAssembly.Memory
  readonly decode: Decode
  heap: Uint8Array
}

const REASONS: Record<number, string> = {
  [-1]: 'the compressed bytes end in the middle of a sequence',
  [-2]: 'the block holds more than its size says',
  [-3]: 'a match reaches back to before the block',
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
  return { memory, decode: exports['decode'] as Decode, heap: new Uint8Array(memory.buffer) }
}

export const lz4: Codec = {
  nsPerByte: 0.8,
  decode(source, target) {
    const at = TABLES + source.length + MARGIN
    const { heap, decode } = instance(at + target.length + MARGIN)
    heap.set(source, TABLES)
    const written = decode(TABLES, source.length, at, target.length)
    if (written < 0) throw new CodecError(`LZ4: ${REASONS[written]}`)
    target.set(heap.subarray(at, at + written))
    return written
  },
}
