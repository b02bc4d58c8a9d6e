/** Writes PNG, 8 bits a sample, grey, RGB or palette, rows unfiltered. Spec: W3C PNG (third edition), 5 and 11. */
import { crc32, deflateSync } from 'node:zlib'

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

export interface Picture {
  readonly width: number
  readonly height: number
  /** 1 grey, 3 RGB. */
  readonly samples: 1 | 3
  /** Row after row from the top. */
  readonly pixels: Uint8Array
}

export const encodePng = ({ width, height, samples, pixels }: Picture): Uint8Array<ArrayBuffer> =>
  encode(width, height, samples, samples === 3 ? 2 : 0, pixels, [])

/** `palette`: 3 bytes a colour; the first one is transparent. */
export const encodePalettePng = (width: number, height: number, indices: Uint8Array, palette: Uint8Array): Uint8Array<ArrayBuffer> =>
  encode(width, height, 1, 3, indices, [chunk('PLTE', palette), chunk('tRNS', Uint8Array.of(0))])

function encode(
  width: number,
  height: number,
  samples: number,
  colourType: number,
  pixels: Uint8Array,
  tables: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const header = new DataView(new ArrayBuffer(13))
  header.setUint32(0, width)
  header.setUint32(4, height)
  header.setUint8(8, 8)
  header.setUint8(9, colourType)
  const row = width * samples
  const rows = new Uint8Array((row + 1) * height)
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * row, (y + 1) * row), y * (row + 1) + 1)
  const data = chunk('IDAT', deflateSync(rows, { level: 4 }))
  return new Uint8Array(
    Buffer.concat([SIGNATURE, chunk('IHDR', new Uint8Array(header.buffer)), ...tables, data, chunk('IEND', new Uint8Array())]),
  )
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(12 + data.length)
  bytes.writeUInt32BE(data.length, 0)
  bytes.write(type, 4, 'latin1')
  bytes.set(data, 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(4, 8 + data.length)), 8 + data.length)
  return bytes
}
