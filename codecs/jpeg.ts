/**
 * 8-bit JPEG: to the bit what libtiff and imagecodecs give, which the card's jpeg-js is not where chroma is sub-sampled. What volumes
 * are stored as is decoded by jpeg-baseline.ts, everything else by libjpeg-turbo compiled to WASM (bench codecs, reference).
 *
 * Options: `components`; `width` in pixels; `colour`, what the container says the components are ('rgb', 'ycbcr' or 'grey'; without it what
 * the stream's own markers say); `tables`, TIFF's JPEGTables (TIFF Technical Note 2). YCbCr is delivered as RGB.
 */
import { readFileSync } from 'node:fs'
import wasmFile from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasm' with { type: 'file' }
import loadTurbo from '@cornerstonejs/codec-libjpeg-turbo-8bit/decodewasmjs'
import { type Codec, CodecError } from './codec.ts'
import { decodeBaseline } from './jpeg-baseline.ts'

type Turbo = Parameters<typeof loadTurbo>[0]

/** A C++ exception leaves some of the stack taken: after four thousand of them no call would work any more. */
const MOST_EXCEPTIONS = 1000

let compiled: WebAssembly.Module | undefined
let kept: ReturnType<typeof start> | undefined

/** At once, because the instance is given synchronously; the promise the loader returns says nothing more. */
function start() {
  const module = (compiled ??= new WebAssembly.Module(readFileSync(wasmFile)))
  const parts: Turbo = {
    print: () => {},
    printErr: () => {},
    instantiateWasm(imports, done) {
      const instance = new WebAssembly.Instance(module, imports)
      done(instance)
      return instance.exports
    },
  }
  void loadTurbo(parts)
  if (!parts.JPEGDecoder) throw new Error('the JPEG decoder did not start')
  return { Decoder: parts.JPEGDecoder, decoder: new parts.JPEGDecoder(), exceptions: 0 }
}

export const jpeg: Codec = {
  nsPerByte: 5,
  decode(source, target, options) {
    const components = Number(options?.['components'])
    const tables = options?.['tables']
    const stream = plainStream(source, tables instanceof Uint8Array ? tables : undefined, options?.['colour'])
    const frame = stream.frame
    if (!frame) throw new CodecError('JPEG: no frame header before the image data')
    if (frame.components !== components) throw new CodecError(`JPEG: ${frame.components} components where ${components} were expected`)
    const width = Number(options?.['width'] ?? frame.width)
    if (frame.width !== width) throw new CodecError(`JPEG: ${frame.width} pixels wide where ${width} were expected`)
    const bytes = frame.width * frame.height * components
    if (bytes > target.length)
      throw new CodecError(`JPEG: ${frame.width}×${frame.height} pixels, ${bytes} bytes where ${target.length} were expected`)
    const decodedHere = decodeBaseline(
      stream.bytes,
      target,
      options?.['colour'] === undefined ? !stream.saysRgb : options['colour'] !== 'rgb',
    )
    if (decodedHere !== undefined) return decodedHere
    const turbo = (kept ??= start())
    try {
      turbo.decoder.getEncodedBuffer(stream.bytes.length).set(stream.bytes)
      turbo.decoder.decode()
    } catch (error) {
      // thrown is the address of a C++ exception, after which the decoder is in no known state; after anything else the memory is, too
      if (typeof error !== 'number' || ++turbo.exceptions >= MOST_EXCEPTIONS) kept = undefined
      else {
        turbo.decoder.delete()
        turbo.decoder = new turbo.Decoder()
      }
      throw new CodecError('JPEG: the image data is damaged')
    }
    const decoded = turbo.decoder.getDecodedBuffer()
    if (decoded.length !== bytes) throw new CodecError(`JPEG: decoded to ${decoded.length} bytes instead of ${bytes}`)
    target.set(decoded)
    return bytes
  },
}

interface Stream {
  readonly bytes: Uint8Array
  readonly frame: Frame | undefined
  /** What libjpeg makes of the markers: RGB where Adobe's says so, or without any where the components are called R, G, B. */
  readonly saysRgb: boolean
}

interface Frame {
  readonly width: number
  readonly height: number
  readonly components: number
}

/**
 * One complete stream of tables and image. Where the container says what the colours are, the markers that do (JFIF, Adobe) are replaced
 * by one Adobe marker with that, because decoders guess from them and libtiff does not.
 */
function plainStream(source: Uint8Array, tables: Uint8Array | undefined, colour: unknown): Stream {
  const adobe = Uint8Array.of(0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, colour === 'rgb' ? 0 : 1)
  const parts: Uint8Array[] = [Uint8Array.of(0xff, 0xd8), ...(colour === undefined ? [] : [adobe])]
  let frame: Frame | undefined
  let isJfif = false
  let adobeTransform: number | undefined
  let isCalledRgb = false
  for (const stream of tables ? [tables, source] : [source]) {
    if (stream[0] !== 0xff || stream[1] !== 0xd8) throw new CodecError('JPEG: does not begin with a start-of-image marker')
    for (let at = 2; at < stream.length; ) {
      if (stream[at] !== 0xff) throw new CodecError(`JPEG: no marker at byte ${at}`)
      const marker = stream[at + 1]
      if (marker === undefined) throw new CodecError(`JPEG: ends in the middle of the marker at byte ${at}`)
      if (marker === 0xff) {
        at++
        continue
      }
      if (marker === 0xd9) break
      if (marker === 0xda) {
        parts.push(stream.subarray(at))
        break
      }
      const length = ((stream[at + 2] ?? 0) << 8) | (stream[at + 3] ?? 0)
      const segment = stream.subarray(at, at + 2 + length)
      if (length < 2 || segment.length < 2 + length) throw new CodecError(`JPEG: marker ${marker.toString(16)} at byte ${at} is cut short`)
      if (isFrameHeader(marker)) {
        frame = { height: (segment[5]! << 8) | segment[6]!, width: (segment[7]! << 8) | segment[8]!, components: segment[9]! }
        isCalledRgb = segment[10] === 0x52 && segment[13] === 0x47 && segment[16] === 0x42
      }
      if (marker === 0xe0 && segment[4] === 0x4a && segment[5] === 0x46) isJfif = true
      if (marker === 0xee && segment[4] === 0x41 && segment[5] === 0x64 && segment.length >= 16) adobeTransform = segment[15]
      if (colour === undefined || (marker !== 0xe0 && marker !== 0xee)) parts.push(segment)
      at += 2 + length
    }
  }
  const saysRgb = !isJfif && (adobeTransform === undefined ? isCalledRgb : adobeTransform === 0)
  return { bytes: Buffer.concat(parts), frame, saysRgb }
}

/** SOF0 to SOF15 without DHT, JPG and DAC. */
const isFrameHeader = (marker: number): boolean => marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc
