/** The other side of decode-thread.ts: decodes one task after the other. */
import { recordCpuProfile } from '../src/metrics/cpu-profile.ts'
import type { Pipeline } from './codec.ts'
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
    const { pipeline, source, sourceLength, target, size, least } = data
    const key = JSON.stringify(pipeline)
    let run = loaded.get(key)
    if (!run) loaded.set(key, (run = loadPipeline(pipeline)))
    // a copy, because the runtime's own decoders take no shared memory
    const bytes = new Uint8Array(source, 0, sourceLength).slice()
    const written = (await run).run(bytes, new Uint8Array(target, 0, size), least)
    self.postMessage({ id, written } satisfies Answer)
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
  }
}
