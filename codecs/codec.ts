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

/** A codec and the filters after it, by name: what a format says about its chunks. */
export interface Pipeline {
  readonly codec: string
  readonly options?: CodecOptions
  readonly filters?: readonly { readonly filter: string; readonly options?: CodecOptions }[]
}
