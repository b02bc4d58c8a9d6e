/**
 * Blosc 1 containers: blocks, each one stream or one per byte of an element, of BloscLZ, LZ4 (also LZ4HC), Snappy, zlib or Zstandard, with
 * bytes or bits shuffled.
 *
 * Spec: c-blosc 1.21, README_HEADER.rst. The element size of the header says how it was shuffled and nothing about voxels: BossDB
 * gives the bits of a sample there. Every size is checked before anything is read or written; the work is done by blosc.wasm, one block
 * at a time, so that little memory is touched (wasm/blosc.as.ts).
 */
import { type Codec, CodecError } from './codec.ts'
import { deflate } from './deflate.ts'
import wasmFile from './wasm/blosc.wasm' with { type: 'file' }
import { type WasmInstance, wasmModule } from './wasm-memory.ts'
import { zstd } from './zstd.ts'

const HEADER_BYTES = 16
/** What the decoders keep for themselves at the beginning of the memory. */
const TABLES = 2048
/** They copy 16 bytes at a time, so they may touch this much behind either end. */
const MARGIN = 64
const MAX_BLOCK_BYTES = 64 * 1024 * 1024
/**
 * Between runs that are put together: without it they lie so that their lines push each other out of the cache, for their lengths are
 * powers of two.
 */
const GAP = 64
/** c-blosc splits blocks of small elements only, and of enough of them, unless a flag says otherwise. */
const MAX_SPLITS = 16
const MIN_SPLIT_BYTES = 128
/** What is put together before it is copied out, so that it is copied from the cache. */
const WINDOW_BYTES = 32 * 1024
const instance = wasmModule(wasmFile, 16 * 1024 * 1024)

const CODECS = ['blosclz', 'lz4', 'snappy', 'zlib', 'zstd'] as const
const REASONS: Record<number, string> = {
  [-1]: 'it ends in the middle',
  [-2]: 'it holds more than its block',
  [-3]: 'it reaches back to before its block',
}

const fail = (cause: string): CodecError => new CodecError(`Blosc: ${cause}`)

interface Header {
  readonly codec: (typeof CODECS)[number]
  readonly shuffle: 'bytes' | 'bits' | undefined
  readonly isCopy: boolean
  readonly maySplit: boolean
  readonly typeSize: number
  readonly size: number
  readonly blockSize: number
  /** Where it ends. */
  readonly end: number
}

export const blosc: Codec = {
  nsPerByte: 0.6,
  decode(source, target) {
    const view = new DataView(source.buffer, source.byteOffset, source.length)
    const header = parseHeader(view, target.length)
    const { size, blockSize } = header
    if (header.isCopy) {
      target.set(source.subarray(HEADER_BYTES, HEADER_BYTES + size))
      return size
    }
    if (size === 0) return 0
    const count = Math.ceil(size / blockSize)
    const startsEnd = HEADER_BYTES + 4 * count
    if (startsEnd > header.end) throw fail(`${header.end} bytes cannot hold the places of ${count} blocks`)
    const wasm = instance(TABLES + 3 * (blockSize + header.typeSize * GAP + MARGIN) + WINDOW_BYTES)
    let before = source.subarray(0, 0)
    for (let n = 0; n < count; n++) {
      const at = n * blockSize
      const start = view.getUint32(HEADER_BYTES + 4 * n, true)
      if (start < startsEnd || start >= header.end) throw fail(`block ${n} is said to begin at byte ${start} of ${header.end}`)
      const block = target.subarray(at, Math.min(size, at + blockSize))
      // where nothing was recorded all blocks are alike: then one is decoded. Only as long ones, for short ones are split otherwise
      const same = source.subarray(start, Math.min(start + before.length, header.end))
      if (n > 0 && block.length === blockSize && Buffer.compare(same, before) === 0) {
        target.copyWithin(at, at - blockSize, at)
        continue
      }
      before = source.subarray(start, decodeBlock(n, source, view, start, block, header, wasm))
    }
    return size
  },
}

function parseHeader(view: DataView, most: number): Header {
  if (view.byteLength < HEADER_BYTES) throw fail(`${view.byteLength} bytes, its header alone has ${HEADER_BYTES}`)
  const version = view.getUint8(0)
  if (version < 1 || version > 2) throw fail(`version ${version} of the format, known are 1 and 2`)
  const flags = view.getUint8(2)
  const typeSize = view.getUint8(3)
  const size = view.getUint32(4, true)
  const blockSize = Math.min(view.getUint32(8, true), size)
  const end = view.getUint32(12, true)
  if (size > most) throw fail(`says it holds ${size} bytes, at most ${most} were expected`)
  if (end < HEADER_BYTES || end > view.byteLength) throw fail(`says it has ${end} bytes, there are ${view.byteLength}`)
  if (typeSize === 0) throw fail('says its elements have no bytes')
  const isCopy = (flags & 2) !== 0
  if (isCopy && end < HEADER_BYTES + size) throw fail(`holds ${size} bytes as they are, but has only ${end}`)
  if (size > 0 && !isCopy && (blockSize === 0 || blockSize > MAX_BLOCK_BYTES))
    throw fail(`blocks of ${blockSize} bytes, 1 to ${MAX_BLOCK_BYTES} are read`)
  const codec = CODECS[flags >> 5]
  if (!codec && !isCopy) throw fail(`codec ${flags >> 5}, known are ${CODECS.join(', ')}`)
  if ((flags & 5) === 5) throw fail('says that both bytes and bits are shuffled')
  return {
    codec: codec ?? 'blosclz',
    shuffle: (flags & 4) !== 0 ? 'bits' : (flags & 1) !== 0 && typeSize > 1 ? 'bytes' : undefined,
    isCopy,
    maySplit: (flags & 16) === 0,
    typeSize,
    size,
    blockSize,
    end,
  }
}

/** Returns where the block ends. */
function decodeBlock(
  n: number,
  source: Uint8Array,
  view: DataView,
  start: number,
  target: Uint8Array,
  { codec, shuffle, maySplit, typeSize, blockSize, end }: Header,
  { heap, exports }: WasmInstance,
): number {
  const size = target.length
  const isSplit = maySplit && typeSize <= MAX_SPLITS && Math.floor(size / typeSize) >= MIN_SPLIT_BYTES && size === blockSize
  const streams = isSplit ? typeSize : 1
  const streamSize = size / streams
  if (!Number.isInteger(streamSize)) throw fail(`blocks of ${size} bytes cannot be split for elements of ${typeSize}`)
  const isShuffled = shuffle === 'bytes' && typeSize > 1
  const apart = streamSize + (isSplit && isShuffled ? GAP : 0)
  const packed = TABLES
  const plain = packed + blockSize + MARGIN
  const call = (name: string, ...numbers: number[]) => (exports[name] as (...numbers: number[]) => number)(...numbers)
  let isSame = isShuffled
  let at = start
  for (let stream = 0; stream < streams; stream++) {
    const which = () => `block ${n}${isSplit ? `, stream ${stream}` : ''}`
    if (at + 4 > end) throw fail(`${which()} begins at byte ${at} of ${end}`)
    const length = view.getInt32(at, true)
    at += 4
    if (length < 1 || length > streamSize || at + length > end)
      throw fail(`${which()} has ${length} bytes at ${at} of ${end}, for ${streamSize} bytes`)
    const bytes = source.subarray(at, at + length)
    const to = plain + stream * apart
    at += length
    if (length === streamSize) {
      heap.set(bytes, to)
      isSame = false
      continue
    }
    let written: number
    if (codec === 'zlib') written = deflate.decode(bytes, heap.subarray(to, to + streamSize))
    else if (codec === 'zstd') written = zstd.decode(bytes, heap.subarray(to, to + streamSize))
    else {
      heap.set(bytes, packed)
      written = call(codec, packed, length, to, streamSize)
    }
    if (written < 0) throw fail(`${which()} (${codec}): ${REASONS[written]}`)
    if (written !== streamSize) throw fail(`${which()} (${codec}) decompresses to ${written} bytes instead of ${streamSize}`)
    isSame = isSame && length < streamSize / 200 + 32 && call('isOneByte', to, streamSize) === 1
  }
  const spare = plain + blockSize + typeSize * GAP + MARGIN
  const elements = Math.floor(size / typeSize)
  // c-blosc leaves blocks whose number of elements is no multiple of 8 as they are
  const hasBits = shuffle === 'bits' && elements % 8 === 0
  const run = hasBits ? elements + GAP : isSplit ? apart : elements
  if (hasBits) call('gatherBits', plain, spare, size, typeSize, run)
  const from = hasBits ? spare : plain
  if (typeSize === 1 || !(hasBits || isShuffled)) {
    target.set(heap.subarray(from, from + size))
    return at
  }
  const window = hasBits ? plain : spare
  const piece = Math.max(64, Math.floor(WINDOW_BYTES / typeSize) & ~63)
  for (let first = 0; first < elements; first += piece) {
    const count = Math.min(piece, elements - first)
    // what is one element over and over is put together once
    if (first === 0 || !isSame) call('unshuffle', from + first, window, count, typeSize, run)
    target.set(heap.subarray(window, window + count * typeSize), first * typeSize)
  }
  const rest = from + run * typeSize
  target.set(heap.subarray(rest, rest + size - elements * typeSize), elements * typeSize)
  return at
}
