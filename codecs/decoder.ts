import { type Codec, CodecError, type CodecOptions, type Conversion, type Filter, type FilterStep, type Pipeline } from './codec.ts'
import { loadCodec, loadConversion, loadFilter } from './index.ts'

/** A pipeline with its parts loaded, to be run on the thread that loaded it. */
export interface LoadedPipeline {
  readonly nsPerByte: number
  /**
   * Decodes, filters and converts; returns the bytes written, at least `least`. `more` are further options of the codec. May change
   * `source`. Throws `CodecError`.
   */
  run(source: Uint8Array, target: Uint8Array, least: number, more?: CodecOptions): number
}

interface Step<T> {
  readonly part: T
  readonly options: CodecOptions | undefined
}

export async function loadPipeline(pipeline: Pipeline): Promise<LoadedPipeline> {
  const { codec: id, options } = pipeline
  const codec: Codec = await loadCodec(id)
  const before = await loadFilters(pipeline.before)
  const filters = await loadFilters(pipeline.filters)
  const conversions: Step<Conversion>[] = []
  for (const step of pipeline.conversions ?? []) conversions.push({ part: await loadConversion(step.conversion), options: step.options })

  const decode = (source: Uint8Array, target: Uint8Array, least: number, more?: CodecOptions): number => {
    for (const { part, options: how } of before) part.apply(source, how)
    const written = codec.decode(source, target, more ? { ...options, ...more } : options)
    if (written < least) throw new CodecError(`decompresses to ${written} bytes instead of ${least}`)
    for (const { part, options: how } of filters) part.apply(target.subarray(0, written), how)
    return written
  }
  return {
    nsPerByte: codec.nsPerByte + [...before, ...filters, ...conversions].reduce((sum, { part }) => sum + part.nsPerByte, 0),
    run(source, target, least, more) {
      if (conversions.length === 0) return decode(source, target, least, more)
      const decodedBytes = (bytes: number) => conversions.reduceRight((sum, { part, options: how }) => part.sourceBytes(sum, how), bytes)
      let bytes: Uint8Array<ArrayBuffer> = new Uint8Array(decodedBytes(target.length))
      decode(source, bytes, decodedBytes(least), more)
      for (const [n, { part, options: how }] of conversions.entries()) {
        const rest = conversions.slice(n + 1)
        const into =
          rest.length === 0
            ? target
            : new Uint8Array(rest.reduceRight((sum, step) => step.part.sourceBytes(sum, step.options), target.length))
        part.apply(bytes, into, how)
        // given back at once: the collector would let several chunks pile up
        bytes.buffer.transfer(0)
        bytes = into as Uint8Array<ArrayBuffer>
      }
      return target.length
    },
  }
}

async function loadFilters(steps: readonly FilterStep[] = []): Promise<Step<Filter>[]> {
  const loaded: Step<Filter>[] = []
  for (const { filter, options } of steps) loaded.push({ part: await loadFilter(filter), options })
  return loaded
}
