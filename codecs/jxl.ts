/**
 * JPEG XL with 8 bits per sample, by libjxl compiled to WASM: codestreams and containers, grey, RGB, RGBA. The library always gives RGBA;
 * of grey pictures one channel is kept. Options: `samples` per pixel. Slow (microseconds per pixel), so it runs in a thread.
 */
import { readFileSync } from 'node:fs'
import load from '@jsquash/jxl/codec/dec/jxl_dec.js'
import wasmFile from '@jsquash/jxl/codec/dec/jxl_dec.wasm' with { type: 'file' }
import { type Codec, CodecError } from './codec.ts'
import { jxlSize } from './jxl-size.ts'

type Picture = { readonly data: Uint8ClampedArray; readonly width: number; readonly height: number }
type Decode = (bytes: Uint8Array) => Picture | null

/** The library makes its results with the browser's class of this name. */
class PlainImageData {
  readonly data: Uint8ClampedArray
  readonly width: number
  readonly height: number

  constructor(data: Uint8ClampedArray, width: number, height: number) {
    this.data = data
    this.width = width
    this.height = height
  }
}
;(globalThis as { ImageData?: unknown }).ImageData ??= PlainImageData

let compiled: WebAssembly.Module | undefined
let kept: Decode | undefined

/** At once, because the instance is given synchronously; the promise the loader returns says nothing more. */
function makeDecoder(): Decode {
  const module = (compiled ??= new WebAssembly.Module(readFileSync(wasmFile)))
  const parts: Parameters<typeof load>[0] = {
    noInitialRun: true,
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports)
      done(instance)
      return instance.exports
    },
  }
  void load(parts)
  if (!parts.decode) throw new Error('the JPEG XL decoder did not start')
  return parts.decode
}

export const jxl: Codec = {
  nsPerByte: 1000,
  decode(source, target, options) {
    const samples = Number(options?.['samples'])
    const { width, height } = jxlSize(source)
    const bytes = width * height * samples
    if (bytes > target.length)
      throw new CodecError(`JPEG XL: ${width}×${height} pixels, ${bytes} bytes where ${target.length} were expected`)
    let picture: Picture | null
    try {
      kept ??= makeDecoder()
      picture = kept(source)
    } catch (error) {
      // its memory is in no known state after that, and never shrinks
      kept = undefined
      throw new CodecError(`JPEG XL: the image data is damaged (${String(error).slice(0, 100)})`)
    }
    if (!picture || picture.width * picture.height !== width * height) throw new CodecError('JPEG XL: the image data is damaged')
    const { data } = picture
    if (samples === 4) target.set(data)
    else if (samples === 3) {
      for (let from = 0, to = 0; to < bytes; from += 4, to += 3) {
        target[to] = data[from]!
        target[to + 1] = data[from + 1]!
        target[to + 2] = data[from + 2]!
      }
    } else {
      for (let from = 0, to = 0; to < bytes; from += 4, to++) {
        if (data[from] !== data[from + 1] || data[from] !== data[from + 2])
          throw new CodecError('JPEG XL: a colour picture where a grey one was expected')
        target[to] = data[from]!
      }
    }
    return bytes
  },
}
