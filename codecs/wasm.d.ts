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
