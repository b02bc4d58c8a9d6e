/** Directories of TIFFs made by hand: what no writer writes, or what would be too large to be written whole. Spec: TIFF 6.0, BigTIFF. */

/** A tag with its type (2 ASCII, 3 SHORT, 4 LONG, 16 LONG8, …) and values; `count` and `at` to lie about how many there are and where. */
export interface TagSpec {
  readonly tag: number
  readonly type: number
  readonly values?: readonly (number | bigint)[] | string
  readonly count?: number | bigint
  readonly at?: number | bigint
}

export interface PageSpec {
  readonly tags: readonly TagSpec[]
  /** Where the next page is said to lie; the one that follows by default, 0 after the last. */
  readonly next?: number
}

const BYTES: Record<number, number> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 11: 4, 12: 8, 13: 4, 16: 8 }

/** Header, directories and their values, little-endian. `offsets`: where each directory lies. */
export function buildTiff(pages: readonly PageSpec[], big = false): { bytes: Buffer; offsets: number[] } {
  const [head, countBytes, entryBytes, pointer] = big ? [16, 8, 20, 8] : [8, 2, 12, 4]
  const parts: Buffer[] = [Buffer.alloc(head)]
  const offsets: number[] = []
  let at = head
  for (const { tags, next } of pages) {
    offsets.push(at)
    const size = countBytes + tags.length * entryBytes + pointer
    const ifd = Buffer.alloc(size)
    const extra: Buffer[] = []
    let extraAt = at + size
    put(ifd, 0, tags.length, countBytes)
    tags.forEach(({ tag, type, values = [], count, at: place }, n) => {
      const data = valuesOf(type, values)
      const entry = countBytes + n * entryBytes
      put(ifd, entry, tag, 2)
      put(ifd, entry + 2, type, 2)
      put(ifd, entry + 4, count ?? data.length / BYTES[type]!, big ? 8 : 4)
      const valueAt = entry + (big ? 12 : 8)
      if (place !== undefined) put(ifd, valueAt, place, pointer)
      else if (data.length <= pointer) data.copy(ifd, valueAt)
      else {
        put(ifd, valueAt, extraAt, pointer)
        extra.push(data)
        extraAt += data.length
      }
    })
    put(ifd, size - pointer, next ?? (offsets.length < pages.length ? extraAt : 0), pointer)
    parts.push(ifd, ...extra)
    at = extraAt
  }
  const header = parts[0]!
  header.write(big ? 'II+\0\x08\0\0\0' : 'II*\0', 'latin1')
  put(header, big ? 8 : 4, offsets[0] ?? 0, pointer)
  return { bytes: Buffer.concat(parts), offsets }
}

function valuesOf(type: number, values: readonly (number | bigint)[] | string): Buffer {
  if (typeof values === 'string') return Buffer.from(`${values}\0`, 'latin1')
  const size = BYTES[type]!
  const data = Buffer.alloc(size * values.length)
  values.forEach((value, n) => {
    put(data, n * size, value, size)
  })
  return data
}

function put(buffer: Buffer, at: number, value: number | bigint, bytes: number): void {
  if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value), at)
  else buffer.writeUIntLE(Number(value), at, bytes)
}

/** The tags of a grey 8-bit page; `more` replaces those it names. */
export function greyPage(width: number, height: number, dataAt: number, more: readonly TagSpec[] = []): TagSpec[] {
  const tags: TagSpec[] = [
    { tag: 256, type: 4, values: [width] },
    { tag: 257, type: 4, values: [height] },
    { tag: 258, type: 3, values: [8] },
    { tag: 259, type: 3, values: [1] },
    { tag: 262, type: 3, values: [1] },
    { tag: 273, type: 4, values: [dataAt] },
    { tag: 277, type: 3, values: [1] },
    { tag: 278, type: 4, values: [height] },
    { tag: 279, type: 4, values: [width * height] },
  ]
  const replaced = new Set(more.map(({ tag }) => tag))
  return [...tags.filter(({ tag }) => !replaced.has(tag)), ...more].sort((a, b) => a.tag - b.tag)
}
