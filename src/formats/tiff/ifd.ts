/**
 * The directory structure of a TIFF: header, image file directories (IFDs), tags. Classic and BigTIFF, both byte orders.
 * Spec: TIFF 6.0 section 2, BigTIFF (Aware Systems); formats.md 4.2. Counts and offsets are compared with the file's length before
 * anything is allocated.
 */
import type { Readable } from '../../stores/store.ts'
import { CorruptChunk } from '../../volume/errors.ts'

export const Tag = {
  NewSubfileType: 254,
  ImageWidth: 256,
  ImageLength: 257,
  BitsPerSample: 258,
  Compression: 259,
  Photometric: 262,
  FillOrder: 266,
  ImageDescription: 270,
  StripOffsets: 273,
  SamplesPerPixel: 277,
  RowsPerStrip: 278,
  StripByteCounts: 279,
  XResolution: 282,
  YResolution: 283,
  PlanarConfiguration: 284,
  ResolutionUnit: 296,
  Predictor: 317,
  TileWidth: 322,
  TileLength: 323,
  TileOffsets: 324,
  TileByteCounts: 325,
  SubIfds: 330,
  ExtraSamples: 338,
  SampleFormat: 339,
  JpegTables: 347,
} as const

/** Bytes of each field type; 0 where the number is none. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]
const MAX_ENTRIES = 4096
const MAX_PAGES = 1_000_000
const MAX_VALUE_BYTES = 256 * 1024 * 1024
/** Most IFDs fit into this; larger ones cost a second read. */
const FIRST_READ = 1024

export interface Entry {
  readonly type: number
  readonly count: number
  /** Where the values lie in the file: in the IFD itself when they fit there. */
  readonly offset: number
}

export interface Ifd {
  readonly offset: number
  /** 0 at the end of the chain. */
  readonly next: number
  readonly entries: ReadonlyMap<number, Entry>
  /** The bytes from `offset` on that were read with it: short values mostly lie in there. */
  readonly view: DataView
}

export class TiffReader {
  readonly file: Readable
  readonly littleEndian: boolean
  readonly big: boolean
  readonly firstIfd: number

  private constructor(file: Readable, littleEndian: boolean, big: boolean, firstIfd: number) {
    this.file = file
    this.littleEndian = littleEndian
    this.big = big
    this.firstIfd = firstIfd
  }

  /** Throws `CorruptChunk` where the file does not begin as a TIFF does. */
  static async open(file: Readable): Promise<TiffReader> {
    const view = await readView(file, 0, Math.min(16, file.size))
    const fail = (cause: string) => new CorruptChunk({ file: file.name, cause })
    if (file.size < 8) throw fail(`${file.size} bytes are too few for a TIFF`)
    const order = view.getUint16(0)
    if (order !== 0x4949 && order !== 0x4d4d) throw fail('begins with neither II nor MM: not a TIFF')
    const littleEndian = order === 0x4949
    const version = view.getUint16(2, littleEndian)
    if (version === 42) return new TiffReader(file, littleEndian, false, view.getUint32(4, littleEndian))
    if (version !== 43 || file.size < 16) throw fail(`TIFF version ${version}, known are 42 (classic) and 43 (BigTIFF)`)
    if (view.getUint16(4, littleEndian) !== 8) throw fail(`BigTIFF with offsets of ${view.getUint16(4, littleEndian)} bytes instead of 8`)
    return new TiffReader(file, littleEndian, true, Number(view.getBigUint64(8, littleEndian)))
  }

  /** The IFDs of the main chain in order. Throws where the chain leads back to itself or past the end of the file. */
  async *chain(): AsyncGenerator<Ifd> {
    const seen = new Set<number>()
    for (let offset = this.firstIfd; offset !== 0; ) {
      if (seen.has(offset))
        throw this.#fail(`page ${seen.size} lies at ${offset}, where an earlier page lies: the chain of pages is a loop`)
      if (seen.size >= MAX_PAGES) throw this.#fail(`more than ${MAX_PAGES} pages`)
      seen.add(offset)
      const ifd = await this.ifd(offset)
      yield ifd
      offset = ifd.next
    }
  }

  async ifd(offset: number): Promise<Ifd> {
    const { file, littleEndian, big } = this
    const countBytes = big ? 8 : 2
    const entryBytes = big ? 20 : 12
    const pointerBytes = big ? 8 : 4
    if (offset < 8 || offset + countBytes > file.size) throw this.#fail(`a page directory at ${offset}, the file ends at ${file.size}`)
    let view = await readView(file, offset, Math.min(FIRST_READ, file.size - offset))
    const count = big ? Number(view.getBigUint64(0, littleEndian)) : view.getUint16(0, littleEndian)
    const bytes = countBytes + count * entryBytes + pointerBytes
    if (count > MAX_ENTRIES || offset + bytes - pointerBytes > file.size) {
      throw this.#fail(`the page directory at ${offset} claims ${count} entries, the file ends at ${file.size}`)
    }
    if (bytes > view.byteLength) view = await readView(file, offset, Math.min(bytes, file.size - offset))
    const entries = new Map<number, Entry>()
    for (let i = 0; i < count; i++) {
      const at = countBytes + i * entryBytes
      const type = view.getUint16(at + 2, littleEndian)
      const values = big ? Number(view.getBigUint64(at + 4, littleEndian)) : view.getUint32(at + 4, littleEndian)
      const inline = values * (TYPE_BYTES[type] ?? 0) <= pointerBytes
      const valueAt = at + (big ? 12 : 8)
      const pointer = big ? Number(view.getBigUint64(valueAt, littleEndian)) : view.getUint32(valueAt, littleEndian)
      entries.set(view.getUint16(at, littleEndian), { type, count: values, offset: inline ? offset + valueAt : pointer })
    }
    const end = countBytes + count * entryBytes
    // a file cut behind its last entry is read as far as it goes
    const next =
      end + pointerBytes > view.byteLength ? 0 : big ? Number(view.getBigUint64(end, littleEndian)) : view.getUint32(end, littleEndian)
    return { offset, next, entries, view }
  }

  /** All values of a numeric tag; rationals as quotients. Undefined where the tag is absent. */
  async numbers(ifd: Ifd, tag: number): Promise<Float64Array | undefined> {
    const entry = ifd.entries.get(tag)
    if (!entry) return undefined
    const view = await this.#values(ifd, entry, tag)
    const size = TYPE_BYTES[entry.type]!
    const numbers = new Float64Array(entry.count)
    for (let i = 0; i < entry.count; i++) numbers[i] = readNumber(view, i * size, entry.type, this.littleEndian)
    return numbers
  }

  async number(ifd: Ifd, tag: number): Promise<number | undefined> {
    return (await this.numbers(ifd, tag))?.[0]
  }

  async bytes(ifd: Ifd, tag: number): Promise<Uint8Array | undefined> {
    const entry = ifd.entries.get(tag)
    if (!entry) return undefined
    const view = await this.#values(ifd, entry, tag)
    return new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  }

  async text(ifd: Ifd, tag: number): Promise<string | undefined> {
    const bytes = await this.bytes(ifd, tag)
    return bytes && new TextDecoder().decode(bytes).replace(/\0[\s\S]*$/, '')
  }

  async #values(ifd: Ifd, { type, count, offset }: Entry, tag: number): Promise<DataView> {
    const bytes = count * (TYPE_BYTES[type] ?? 0)
    if (bytes === 0) throw this.#fail(`tag ${tag} has ${count} values of type ${type}`)
    if (offset + bytes > this.file.size)
      throw this.#fail(`the ${count} values of tag ${tag} lie at ${offset}, the file ends at ${this.file.size}`)
    if (bytes > MAX_VALUE_BYTES) throw this.#fail(`tag ${tag} has ${bytes} bytes of values, at most ${MAX_VALUE_BYTES} are read`)
    const at = offset - ifd.offset
    if (at >= 0 && at + bytes <= ifd.view.byteLength) return new DataView(ifd.view.buffer, at, bytes)
    return readView(this.file, offset, bytes)
  }

  #fail(cause: string): CorruptChunk {
    return new CorruptChunk({ file: this.file.name, cause })
  }
}

function readNumber(view: DataView, at: number, type: number, littleEndian: boolean): number {
  switch (type) {
    case 3:
      return view.getUint16(at, littleEndian)
    case 4:
    case 13:
      return view.getUint32(at, littleEndian)
    case 5:
      return view.getUint32(at, littleEndian) / view.getUint32(at + 4, littleEndian)
    case 6:
      return view.getInt8(at)
    case 8:
      return view.getInt16(at, littleEndian)
    case 9:
      return view.getInt32(at, littleEndian)
    case 10:
      return view.getInt32(at, littleEndian) / view.getInt32(at + 4, littleEndian)
    case 11:
      return view.getFloat32(at, littleEndian)
    case 12:
      return view.getFloat64(at, littleEndian)
    case 16:
    case 18:
      return Number(view.getBigUint64(at, littleEndian))
    case 17:
      return Number(view.getBigInt64(at, littleEndian))
    default:
      return view.getUint8(at)
  }
}

async function readView(file: Readable, offset: number, length: number): Promise<DataView> {
  const bytes = new Uint8Array(length)
  await file.read(bytes, offset)
  return new DataView(bytes.buffer)
}
