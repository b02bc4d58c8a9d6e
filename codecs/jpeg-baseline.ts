/**
 * Baseline JPEG, the kind that volumes are stored as, twice as fast as libjpeg-turbo compiled to WASM and the same pixels to the bit
 * (bench reference; source and spec: wasm/jpeg.as.ts). What is anything else (progressive, arithmetic, 12 bits, chroma sampled in
 * another way than 4:4:4, 4:2:2, 4:2:0) is left to jpeg.ts.
 */
import { readFileSync } from 'node:fs'
import { CodecError } from './codec.ts'
import wasmFile from './wasm/jpeg.wasm' with { type: 'file' }

const PAGE = 65536
/** How far the decoder may read or write behind what it is given. */
const MARGIN = 1024
/** Larger pictures get an instance of their own, because the memory of an instance never shrinks. */
const KEPT_BYTES = 16 * 1024 * 1024

interface Exports {
  quantizers(): number
  components(): number
  heapBase(): number
  buildTable(table: number, counts: number, symbols: number, total: number): number
  countSegments(source: number, length: number): number
  unstuff(source: number, length: number, target: number): void
  decodeScan(segments: number, segmentCount: number, count: number, across: number, down: number, restart: number): number
  upsampleRow(from: number, width: number, to: number): void
  upsampleRows(near: number, beside: number, width: number, to: number, sums: number): void
  colourRow(luma: number, blue: number, red: number, width: number, to: number): void
  interleaveRow(a: number, b: number, c: number, width: number, to: number): void
}

interface Instance {
  readonly memory: WebAssembly.Memory
  readonly exports: Exports
  /** What each Huffman table was made of: the chunks of a volume have the same ones, and making one takes longer than a small block. */
  readonly built: (Uint8Array | undefined)[]
}

interface Component {
  readonly id: number
  readonly across: number
  readonly down: number
  readonly quantizer: number
}

/** What stands before the entropy-coded data. */
interface Head {
  width: number
  height: number
  components: Component[]
  readonly quantizers: Map<number, Uint16Array>
  /** 0 to 3 DC, 4 to 7 AC: 16 counts, then the symbols. */
  readonly tables: Map<number, Uint8Array>
  restart: number
  /** DC and AC table of each component. */
  readonly scan: [dc: number, ac: number][]
  dataAt: number
}

const REASONS: Record<number, string> = {
  [-1]: 'the image data end too early',
  [-2]: 'a code that is in no table',
  [-3]: 'a block of more than 64 coefficients',
}

let compiled: WebAssembly.Module | undefined
let kept: Instance | undefined

function instance(bytes: number): Instance {
  if (kept && bytes <= KEPT_BYTES) {
    const missing = bytes - kept.memory.buffer.byteLength
    if (missing > 0) kept.memory.grow(Math.ceil(missing / PAGE))
    return kept
  }
  compiled ??= new WebAssembly.Module(readFileSync(wasmFile))
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) })
  const made = { memory, exports: new WebAssembly.Instance(compiled, { env: { memory } }).exports as unknown as Exports, built: [] }
  if (bytes <= KEPT_BYTES) kept = made
  return made
}

/**
 * Decodes a complete stream into `target`, components interleaved, and returns how many bytes that were; undefined for what is left to
 * another decoder. `isYcbcr`: three components are delivered as RGB. The caller has compared the size with the target. Throws
 * `CodecError`.
 */
export function decodeBaseline(stream: Uint8Array, target: Uint8Array, isYcbcr: boolean): number | undefined {
  const head = readHead(stream)
  if (!head || !isPlain(head)) return undefined
  const { width, height, components, restart, scan } = head
  const count = components.length
  // a single component is not cut into larger MCUs, whatever its sampling (T.81 A.2.2)
  const [across, down] = count === 1 ? [1, 1] : [components[0]!.across, components[0]!.down]
  const mcusAcross = Math.ceil(width / (8 * across))
  const mcusDown = Math.ceil(height / (8 * down))
  const strides = components.map((_, c) => mcusAcross * 8 * (c === 0 ? across : 1))
  const planeBytes = components.map((_, c) => strides[c]! * mcusDown * 8 * (c === 0 ? down : 1))
  // a damaged scan header may say that it ends behind the stream
  const data = Math.max(0, stream.length - head.dataAt)
  const rowBytes = 2 * Math.max(...strides) + MARGIN
  const segmentsAtMost = restart > 0 ? Math.ceil((mcusAcross * mcusDown) / restart) : 1
  const needed =
    2 * data + 24 * segmentsAtMost + planeBytes.reduce((sum, bytes) => sum + bytes, 0) + 4 * rowBytes + width * height * count + 10 * MARGIN
  const { memory, exports, built } = instance(needed + 512 * 1024)
  const heap = new Uint8Array(memory.buffer)
  const words = new Int32Array(memory.buffer)

  let at = exports.heapBase()
  const place = (bytes: number): number => {
    const start = (at + 15) & ~15
    at = start + bytes + MARGIN
    return start
  }
  for (const [id, values] of head.quantizers) words.set(values, exports.quantizers() / 4 + 64 * id)
  const scratch = place(512)
  for (const [id, table] of head.tables) {
    if (built[id] && Buffer.compare(built[id], table) === 0) continue
    built[id] = undefined
    heap.set(table, scratch)
    if (!exports.buildTable(id, scratch, scratch + 16, table.length - 16)) throw new CodecError(`JPEG: Huffman table ${id} is damaged`)
    built[id] = table.slice()
  }
  const planes = planeBytes.map(place)
  components.forEach((component, c) => {
    const [dc, ac] = scan[c]!
    const own = c === 0 ? [across, down] : [1, 1]
    words.set([...own, component.quantizer, dc, ac + 4, planes[c]!, strides[c]!, 0], exports.components() / 4 + 8 * c)
  })
  const source = place(data)
  heap.set(stream.subarray(head.dataAt), source)
  const segmentCount = exports.countSegments(source, data)
  if (segmentCount > segmentsAtMost) throw new CodecError(`JPEG: ${segmentCount} restart segments where ${segmentsAtMost} were expected`)
  const segments = place(data + 24 * segmentCount)
  exports.unstuff(source, data, segments)
  const result = exports.decodeScan(segments, segmentCount, count, mcusAcross, mcusDown, restart)
  if (result < 0) throw new CodecError(`JPEG: ${REASONS[result]}`)

  if (count === 1) {
    if (strides[0] === width) target.set(heap.subarray(planes[0]!, planes[0]! + width * height))
    else
      for (let y = 0; y < height; y++) {
        const row = planes[0]! + y * strides[0]!
        target.set(heap.subarray(row, row + width), y * width)
      }
    return width * height
  }
  const out = place(width * height * 3)
  const blue = place(rowBytes)
  const red = place(rowBytes)
  const sums = place(2 * rowBytes)
  const chromaWidth = Math.ceil(width / across)
  const chromaHeight = Math.ceil(height / down)
  const chromaRow = (plane: number, stride: number, y: number, to: number): number => {
    const own = plane + Math.floor(y / down) * stride
    if (across === 1) return own
    if (down === 1) exports.upsampleRow(own, chromaWidth, to)
    else {
      const beside = Math.min(chromaHeight - 1, Math.max(0, (y >> 1) + (y & 1 ? 1 : -1)))
      exports.upsampleRows(own, plane + beside * stride, chromaWidth, to, sums)
    }
    return to
  }
  for (let y = 0; y < height; y++) {
    const row = planes[0]! + y * strides[0]!
    const b = chromaRow(planes[1]!, strides[1]!, y, blue)
    const r = chromaRow(planes[2]!, strides[2]!, y, red)
    if (isYcbcr) exports.colourRow(row, b, r, width, out + 3 * width * y)
    else exports.interleaveRow(row, b, r, width, out + 3 * width * y)
  }
  target.set(heap.subarray(out, out + 3 * width * height))
  return 3 * width * height
}

function isPlain({ width, height, components, quantizers, tables, scan }: Head): boolean {
  const [first, ...others] = components
  if (!first || width === 0 || height === 0 || (components.length !== 1 && components.length !== 3)) return false
  const sampling = `${first.across}x${first.down}`
  if (others.length > 0 && !['1x1', '2x1', '2x2'].includes(sampling)) return false
  if (!others.every(({ across, down }) => across === 1 && down === 1)) return false
  return components.every(({ quantizer }, c) => {
    const [dc, ac] = scan[c] ?? [-1, -1]
    return quantizers.has(quantizer) && tables.has(dc) && tables.has(ac + 4)
  })
}

/** Undefined where this decoder is not for it. The segments have been checked to lie inside the stream. */
function readHead(stream: Uint8Array): Head | undefined {
  const head: Head = { width: 0, height: 0, components: [], quantizers: new Map(), tables: new Map(), restart: 0, scan: [], dataAt: 0 }
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length)
  for (let at = 2; at + 4 <= stream.length; ) {
    const marker = view.getUint16(at)
    const length = view.getUint16(at + 2)
    const body = stream.subarray(at + 4, at + 2 + length)
    at += 2 + length
    if (marker === 0xffdb) {
      if (!readQuantizers(body, head)) return undefined
    } else if (marker === 0xffc4) {
      if (!readTables(body, head)) return undefined
    } else if (marker === 0xffdd) head.restart = (body[0]! << 8) | body[1]!
    // baseline and extended sequential, both Huffman
    else if (marker === 0xffc0 || marker === 0xffc1) {
      if (body[0] !== 8) return undefined
      head.height = (body[1]! << 8) | body[2]!
      head.width = (body[3]! << 8) | body[4]!
      for (let c = 0; c < body[5]!; c++) {
        const [id = 0, sampling = 0, quantizer = 0] = body.subarray(6 + 3 * c)
        head.components.push({ id, across: sampling >> 4, down: sampling & 15, quantizer })
      }
    } else if (marker >= 0xffc2 && marker <= 0xffcf) return undefined
    else if (marker === 0xffda) {
      if (body[0] !== head.components.length) return undefined
      for (const [c, { id }] of head.components.entries()) {
        if (body[1 + 2 * c] !== id) return undefined
        head.scan.push([body[2 + 2 * c]! >> 4, body[2 + 2 * c]! & 15])
      }
      head.dataAt = at
      return head
    }
  }
  return undefined
}

function readQuantizers(body: Uint8Array, { quantizers }: Head): boolean {
  for (let at = 0; at < body.length; ) {
    const wide = body[at]! >> 4
    const id = body[at]! & 15
    at++
    if (id > 3 || wide > 1 || at + 64 * (wide + 1) > body.length) return false
    const values = new Uint16Array(64)
    for (let k = 0; k < 64; k++) values[k] = wide ? (body[at + 2 * k]! << 8) | body[at + 2 * k + 1]! : body[at + k]!
    quantizers.set(id, values)
    at += 64 * (wide + 1)
  }
  return true
}

function readTables(body: Uint8Array, { tables }: Head): boolean {
  for (let at = 0; at < body.length; ) {
    const kind = body[at]! >> 4
    const id = body[at]! & 15
    let total = 0
    for (let n = at + 1; n < at + 17; n++) total += body[n] ?? 0
    if (kind > 1 || id > 3 || total > 256 || at + 17 + total > body.length) return false
    tables.set(4 * kind + id, body.subarray(at + 1, at + 17 + total))
    at += 17 + total
  }
  return true
}
