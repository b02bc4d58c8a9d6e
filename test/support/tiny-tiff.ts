/** The smallest TIFF that serves: uncompressed uint8 strips, one page per slice. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

export function tinyTiff(width: number, height: number, value = 1, pages = 1): Buffer {
  const tags = 9
  const ifd = 2 + 12 * tags + 4
  const parts: Buffer[] = [Buffer.from('II*\0\x08\0\0\0', 'latin1')]
  for (let page = 0; page < pages; page++) {
    const at = 8 + page * (ifd + width * height)
    const bytes = Buffer.alloc(ifd + width * height, value + page)
    bytes.writeUInt16LE(tags, 0)
    const entries = [
      [256, width],
      [257, height],
      [258, 8],
      [259, 1],
      [262, 1],
      [273, at + ifd],
      [277, 1],
      [278, height],
      [279, width * height],
    ]
    entries.forEach(([tag, of], n) => {
      bytes.writeUInt16LE(tag!, 2 + 12 * n)
      bytes.writeUInt16LE(4, 4 + 12 * n)
      bytes.writeUInt32LE(1, 6 + 12 * n)
      bytes.writeUInt32LE(of!, 10 + 12 * n)
    })
    bytes.writeUInt32LE(page + 1 < pages ? at + ifd + width * height : 0, 2 + 12 * tags)
    parts.push(bytes)
  }
  return Buffer.concat(parts)
}

export function writeTinyTiff(file: string, width = 8, height = 8, value = 1, pages = 1): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, tinyTiff(width, height, value, pages))
}
