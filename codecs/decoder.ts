import { type Codec, CodecError, type CodecOptions, type Filter, type Pipeline } from './codec.ts'
import { loadCodec, loadFilter } from './index.ts'

/** A pipeline with its codec and filters loaded, to be run on the thread that loaded it. */
export interface LoadedPipeline {
  readonly nsPerByte: number
  /** Decodes and filters; returns the bytes written, at least `least`. Throws `CodecError`. */
  run(source: Uint8Array, target: Uint8Array, least: number): number
}

export async function loadPipeline({ codec: id, options, filters = [] }: Pipeline): Promise<LoadedPipeline> {
  const codec: Codec = await loadCodec(id)
  const steps: { filter: Filter; options: CodecOptions | undefined }[] = []
  for (const step of filters) steps.push({ filter: await loadFilter(step.filter), options: step.options })
  return {
    nsPerByte: codec.nsPerByte + steps.reduce((sum, { filter }) => sum + filter.nsPerByte, 0),
    run(source, target, least) {
      const written = codec.decode(source, target, options)
      if (written < least) throw new CodecError(`decompresses to ${written} bytes instead of ${least}`)
      for (const step of steps) step.filter.apply(target.subarray(0, written), step.options)
      return written
    },
  }
}
