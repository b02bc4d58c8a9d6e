/**
 * One image file directory (IFD) of a TIFF: its tags and where their values lie. Spec: TIFF 6.0 section 2, BigTIFF (Aware Systems);
 * formats.md 4.2.
 */
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
  Software: 305,
  Predictor: 317,
  ColorMap: 320,
  TileWidth: 322,
  TileLength: 323,
  TileOffsets: 324,
  TileByteCounts: 325,
  SubIfds: 330,
  ExtraSamples: 338,
  SampleFormat: 339,
  JpegTables: 347,
  YcbcrSubsampling: 530,
  ImageJMetadataCounts: 50838,
  ImageJMetadata: 50839,
  GdalNoData: 42113,
} as const

/** Bytes of each field type; 0 where the number is none. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8]

/** No tag but the tables of tiles (table.ts) has more. */
const MAX_NUMBERS = 2 ** 18

export const typeBytes = (type: number): number => TYPE_BYTES[type] ?? 0

export interface Entry {
  readonly type: number
  readonly count: number
  /** Where the values lie in the file: in the IFD itself when they fit there. */
  readonly offset: number
}

/** Sizes of what an IFD is made of: classic and BigTIFF differ. */
export interface Layout {
  readonly littleEndian: boolean
  readonly big: boolean
}

export class Ifd {
  readonly offset: number
  /** 0 at the end of the chain. */
  readonly next: number
  readonly entries: ReadonlyMap<number, Entry>
  /** Values that lie outside and have been read: see `TiffReader.load`. */
  readonly loaded = new Map<number, DataView>()
  readonly layout: Layout
  readonly #view: DataView

  /** `view`: all bytes of the IFD, as many as there are. */
  constructor(offset: number, view: DataView, layout: Layout) {
    const { littleEndian, big } = layout
    const { countBytes, entryBytes, pointerBytes } = sizesOf(layout)
    this.offset = offset
    this.layout = layout
    this.#view = view
    const count = entryCount(view, layout)
    const entries = new Map<number, Entry>()
    for (let i = 0, at = countBytes; i < count; i++, at += entryBytes) {
      const type = view.getUint16(at + 2, littleEndian)
      const values = big ? Number(view.getBigUint64(at + 4, littleEndian)) : view.getUint32(at + 4, littleEndian)
      const valueAt = at + (big ? 12 : 8)
      const isInline = values * typeBytes(type) <= pointerBytes
      entries.set(view.getUint16(at, littleEndian), {
        type,
        count: values,
        offset: isInline ? offset + valueAt : readPointer(view, valueAt, layout),
      })
    }
    this.entries = entries
    const end = countBytes + count * entryBytes
    // a file cut behind its last entry is read as far as it goes
    this.next = end + pointerBytes > view.byteLength ? 0 : readPointer(view, end, layout)
  }

  has(tag: number): boolean {
    return this.entries.has(tag)
  }

  /** The bytes of a tag's values if they are in memory: they lie in the IFD, or were loaded. */
  view(tag: number): DataView | undefined {
    const entry = this.entries.get(tag)
    if (!entry) return undefined
    const at = entry.offset - this.offset
    const bytes = entry.count * typeBytes(entry.type)
    if (at >= 0 && bytes <= sizesOf(this.layout).pointerBytes && at + bytes <= this.#view.byteLength)
      return new DataView(this.#view.buffer, this.#view.byteOffset + at, bytes)
    return this.loaded.get(tag)
  }

  /** All values of a numeric tag, rationals as quotients. Undefined where the tag is absent or was not loaded. */
  numbers(tag: number): number[] | undefined {
    const entry = this.entries.get(tag)
    const view = this.view(tag)
    if (!entry || !view) return undefined
    const size = typeBytes(entry.type)
    return Array.from({ length: size === 0 ? 0 : Math.min(MAX_NUMBERS, view.byteLength / size) }, (_, i) =>
      readNumber(view, i * size, entry.type, this.layout.littleEndian),
    )
  }

  number(tag: number): number | undefined {
    return this.numbers(tag)?.[0]
  }

  text(tag: number): string | undefined {
    const view = this.view(tag)
    return view && new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset, view.byteLength)).replace(/\0[\s\S]*$/, '')
  }
}

export const sizesOf = ({ big }: Layout) =>
  big ? { countBytes: 8, entryBytes: 20, pointerBytes: 8 } : { countBytes: 2, entryBytes: 12, pointerBytes: 4 }

export const entryCount = (view: DataView, { big, littleEndian }: Layout): number =>
  big ? Number(view.getBigUint64(0, littleEndian)) : view.getUint16(0, littleEndian)

export const readPointer = (view: DataView, at: number, { big, littleEndian }: Layout): number =>
  big ? Number(view.getBigUint64(at, littleEndian)) : view.getUint32(at, littleEndian)

/** One value of a field. Offsets beyond 2^53 become numbers no file is as long as. */
export function readNumber(view: DataView, at: number, type: number, littleEndian: boolean): number {
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
