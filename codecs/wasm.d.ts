/** Files that `bun build --compile` embeds; the import is the path. */
declare module '*.wasm' {
  const path: string
  export default path
}

declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm' {
  const path: string
  export default path
}

/** What we use of the package, which ships no types. */
declare module '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs' {
  interface Decoder {
    getEncodedBuffer(length: number): Uint8Array
    decode(): void
    getDecodedBuffer(): Uint8Array
    delete(): void
  }
  export default function load(options: {
    wasmBinary: Uint8Array
    print?: (text: string) => void
    printErr?: (text: string) => void
  }): Promise<{ JPEGDecoder: new () => Decoder }>
}

declare module '@jsquash/jxl/codec/dec/jxl_dec.js' {
  interface Picture {
    readonly width: number
    readonly height: number
    /** RGBA. */
    readonly data: Uint8ClampedArray
  }
  interface Options {
    noInitialRun: boolean
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports
    /** Put there while loading. Null for what cannot be decoded. */
    decode?(bytes: Uint8Array): Picture | null
  }
  export default function load(options: Options): Promise<unknown>
}
