/** The other side of pool.ts: decodes one task after the other. */
import { recordCpuProfile } from '../src/metrics/cpu-profile.ts'
import type { Pipeline } from './codec.ts'
import { type LoadedPipeline, loadPipeline } from './decoder.ts'

export interface Task {
  readonly id: number
  readonly pipeline: Pipeline
  /** The source from its beginning, and from `targetAt` on room for what is decoded. */
  readonly shared: SharedArrayBuffer
  readonly sourceLength: number
  readonly targetAt: number
  readonly size: number
  readonly least: number
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

const loaded = new Map<string, Promise<LoadedPipeline>>()

self.onmessage = async ({ data }: MessageEvent<Task | Recording>) => {
  const { id } = data
  try {
    if ('recordMs' in data) {
      self.postMessage({ id, profile: await recordCpuProfile(data.recordMs) } satisfies Answer)
      return
    }
    const { pipeline, shared, sourceLength, targetAt, size, least } = data
    const key = JSON.stringify(pipeline)
    let run = loaded.get(key)
    if (!run) loaded.set(key, (run = loadPipeline(pipeline)))
    // a copy, because the runtime's own decoders take no shared memory
    const source = new Uint8Array(shared, 0, sourceLength).slice()
    const written = (await run).run(source, new Uint8Array(shared, targetAt, size), least)
    self.postMessage({ id, written } satisfies Answer)
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
  }
}
