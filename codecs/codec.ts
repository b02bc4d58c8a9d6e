/** Bytes that are not what their codec says. The caller knows which file and chunk they belong to. */
export class CodecError extends Error {
  override readonly name = 'CodecError'
}

/** What a decoder may have to know beyond the bytes; plain data, so that it reaches a worker. */
export type CodecOptions = Readonly<Record<string, unknown>>

/** Turns stored bytes into plain ones. Pure: no I/O, no state that outlives a call. */
export interface Codec {
  /**
   * Decodes `source` into the beginning of `target` and returns how many bytes that were. Never writes behind `target`; throws
   * `CodecError` where the source is damaged or holds more than fits.
   */
  decode(source: Uint8Array, target: Uint8Array, options?: CodecOptions): number
  /** Rough time per decoded byte: what would take long is decoded in a worker. */
  readonly nsPerByte: number
}

/** Changes decoded bytes in place: predictors, byte order. */
export interface Filter {
  apply(bytes: Uint8Array, options?: CodecOptions): void
  readonly nsPerByte: number
}

/**
 * Turns decoded bytes into those a voxel is served as, where their number differs: bits to bytes, numbers of a palette to colours,
 * floats of other widths to 32 bits.
 */
export interface Conversion {
  /** How many decoded bytes `bytes` served ones are made of. */
  sourceBytes(bytes: number, options?: CodecOptions): number
  apply(source: Uint8Array, target: Uint8Array, options?: CodecOptions): void
  readonly nsPerByte: number
}

export interface FilterStep {
  readonly filter: string
  readonly options?: CodecOptions
}

/** A codec and what happens before and after it, by name: what a format says about its chunks. */
export interface Pipeline {
  readonly codec: string
  readonly options?: CodecOptions
  /** Change the stored bytes before they are decoded, in place. */
  readonly before?: readonly FilterStep[]
  /** Change the decoded bytes, in place. */
  readonly filters?: readonly FilterStep[]
  /** Come last; each makes what the next one takes. */
  readonly conversions?: readonly { readonly conversion: string; readonly options?: CodecOptions }[]
}

/** Nothing is left to do but to read. */
export const isPlain = ({ codec, before, filters, conversions }: Pipeline): boolean =>
  codec === 'raw' && !before?.length && !filters?.length && !conversions?.length
