/** Our own WASM decoders: compiled when first used, each with one memory that is used again. */
import { readFileSync } from 'node:fs'

const PAGE = 65536

export interface WasmInstance {
  readonly exports: WebAssembly.Instance['exports']
  /** All memory of the instance, at least the bytes asked for, with any content. */
  readonly heap: Uint8Array
}

/**
 * A function that hands out an instance of the module in `file` with at least so many bytes of memory. More than `keptBytes` is an
 * instance of its own, because the memory of an instance never shrinks.
 */
export function wasmModule(file: string, keptBytes: number): (bytes: number) => WasmInstance {
  let compiled: WebAssembly.Module | undefined
  let kept: { memory: WebAssembly.Memory; exports: WebAssembly.Instance['exports']; heap: Uint8Array } | undefined
  const make = (bytes: number) => {
    compiled ??= new WebAssembly.Module(readFileSync(file))
    const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) })
    const { exports } = new WebAssembly.Instance(compiled, { env: { memory } })
    return { memory, exports, heap: new Uint8Array(memory.buffer) }
  }
  return (bytes) => {
    if (bytes > keptBytes) return make(bytes)
    kept ??= make(1024 * 1024)
    if (kept.heap.length < bytes) {
      kept.memory.grow(Math.ceil((bytes - kept.heap.length) / PAGE))
      kept.heap = new Uint8Array(kept.memory.buffer)
    }
    return kept
  }
}
