/** The other side of pool.ts: decodes one task after the other. */
import type { Pipeline } from './codec.ts'
import { type LoadedPipeline, loadPipeline } from './decoder.ts'

export interface Task {
  readonly id: number
  readonly pipeline: Pipeline
  readonly source: Uint8Array
  readonly size: number
  readonly least: number
}

export type Answer = { readonly id: number; readonly bytes: Uint8Array } | { readonly id: number; readonly error: string }

declare const self: Worker

const loaded = new Map<string, Promise<LoadedPipeline>>()

self.onmessage = async ({ data: { id, pipeline, source, size, least } }: MessageEvent<Task>) => {
  try {
    const key = JSON.stringify(pipeline)
    let run = loaded.get(key)
    if (!run) loaded.set(key, (run = loadPipeline(pipeline)))
    const target = new Uint8Array(size)
    const written = (await run).run(source, target, least)
    self.postMessage({ id, bytes: target.subarray(0, written) } satisfies Answer, [target.buffer])
  } catch (error) {
    self.postMessage({ id, error: error instanceof Error ? error.message : String(error) } satisfies Answer)
  }
}
