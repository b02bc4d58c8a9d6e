/** The other side of decode-thread.ts: decodes one task after the other. */
import { setPriority } from 'node:os'
import { recordCpuProfile } from '../src/metrics/cpu-profile.ts'
import type { CodecOptions, Pipeline } from './codec.ts'
import { type LoadedPipeline, loadPipeline } from './decoder.ts'

export interface Task {
  readonly id: number
  readonly pipeline: Pipeline
  /** At least `sourceLength` bytes. */
  readonly source: SharedArrayBuffer
  readonly sourceLength: number
  /** Room for `size` bytes of what is decoded. */
  readonly target: SharedArrayBuffer
  readonly size: number
  readonly least: number
  /** Options of the codec for this chunk alone. */
  readonly more: CodecOptions | undefined
}

/** Records this thread while it decodes. */
export interface Recording {
  readonly id: number
  readonly recordMs: number
}

export type Answer =
  | { readonly id: number; readonly written: number }
  | { readonly id: number; readonly profile: string }
  | { readonly id: number; readonly error: string }

declare const self: Worker

/**
 * There are as many of these threads as cores, and the one that answers requests comes first on them: `/data/health` takes half as long
 * under load (bench http). On Linux this is a matter of the calling thread, elsewhere it would be one of the whole process.
 */
const NICENESS = 10
try {
  if (process.platform === 'linux') setPriority(NICENESS)
} catch {
  // where that is forbidden they share as equals
}

const loaded = new Map<string, Promise<LoadedPipeline>>()

self.onmessage = async ({ data }: MessageEvent<Task | Recording>) => {
  const { id } = data
  try {
    if ('recordMs' in data) {
      self.postMessage({ id, profile: await recordCpuProfile(data.recordMs) } satisfies Answer)
      return
    }
    const { pipeline, source, sourceLength, target, size, least, more } = data
    const key = JSON.stringify(pipeline)
    let run = loaded.get(key)
    if (!run) loaded.set(key, (run = loadPipeline(pipeline)))
    // a copy, because the runtime's own decoders take no shared memory
    const bytes = new Uint8Array(source, 0, sourceLength).slice()
    const written = (await run).run(bytes, new Uint8Array(target, 0, size), least, more)
    self.postMessage({ id, written } satisfies Answer)
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
  }
}
