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
    print?: (text: string) => void
    printErr?: (text: string) => void
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports
    /** Put there while loading. */
    JPEGDecoder?: new () => Decoder
  }): Promise<unknown>
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

/** What we use of the package, which ships no types. */
declare module 'draco3d/draco_decoder_nodejs.js' {
  interface Attribute {
    num_components(): number
  }
  interface Status {
    ok(): boolean
    error_msg(): string
  }
  interface Mesh {
    num_faces(): number
    num_points(): number
  }
  interface Decoder {
    DecodeArrayToMesh(bytes: Uint8Array, length: number, mesh: Mesh): Status
    GetAttributeId(mesh: Mesh, kind: number): number
    GetAttribute(mesh: Mesh, id: number): Attribute
    GetAttributeDataArrayForAllPoints(mesh: Mesh, attribute: Attribute, type: number, bytes: number, memory: number): boolean
    GetTrianglesUInt32Array(mesh: Mesh, bytes: number, memory: number): boolean
  }
  export interface DracoModule {
    Decoder: new () => Decoder
    Mesh: new () => Mesh
    readonly POSITION: number
    readonly DT_FLOAT32: number
    readonly HEAPU8: Uint8Array
    _malloc(bytes: number): number
    _free(memory: number): void
    destroy(object: object): void
  }
  interface Options {
    instantiateWasm(imports: WebAssembly.Imports, done: (instance: WebAssembly.Instance) => void): WebAssembly.Exports
  }
  export default function load(options: Options): Promise<DracoModule>
}
