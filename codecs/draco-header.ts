/** The beginning of a Draco mesh, and the simplest Draco mesh there is. Spec: google.github.io/draco/spec (bitstream 2.2). */
import { CodecError } from './codec.ts'

/** Three corners of three 32-bit floats. */
export const TRIANGLE_BYTES = 36
const HEADER_BYTES = 11
const MAX_DEPTH = 16
const [TRIANGULAR_MESH, SEQUENTIAL, EDGEBREAKER, METADATA] = [1, 0, 1, 0x8000]

/** How many triangles the header announces, without decoding anything. Throws `CodecError` where it is not that of a mesh. */
export function dracoTriangles(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES + 2 || String.fromCharCode(...bytes.subarray(0, 5)) !== 'DRACO')
    throw new CodecError('Draco: the bytes do not begin as a Draco mesh does')
  const [major, minor, kind, method] = [bytes[5]!, bytes[6]!, bytes[7]!, bytes[8]!]
  if (major !== 2 || minor < 2) throw new CodecError(`Draco: version ${major}.${minor}, known is 2.2`)
  if (kind !== TRIANGULAR_MESH) throw new CodecError('Draco: points without triangles')
  const hasMetadata = ((bytes[9]! | (bytes[10]! << 8)) & METADATA) !== 0
  const at = hasMetadata ? afterMetadata(bytes, HEADER_BYTES) : HEADER_BYTES
  if (method === SEQUENTIAL) return varint(bytes, at).value
  if (method !== EDGEBREAKER) throw new CodecError(`Draco: encoding method ${method}, known are 0 and 1`)
  // the traversal, the number of vertices, then that of faces
  return varint(bytes, varint(bytes, at + 1).end).value
}

/** Where the metadata ends that DracoPy leaves: elements of attributes, each behind its id, and one of the whole file. */
function afterMetadata(bytes: Uint8Array, start: number): number {
  const attributes = varint(bytes, start)
  let at = attributes.end
  for (let n = 0; n < attributes.value; n++) at = afterElement(bytes, varint(bytes, at).end, 0)
  return afterElement(bytes, at, 0)
}

/** Names with values, then names with elements below. Every step moves on, so the bytes are the limit. */
function afterElement(bytes: Uint8Array, start: number, depth: number): number {
  if (depth > MAX_DEPTH) throw new CodecError(`Draco: metadata more than ${MAX_DEPTH} levels deep`)
  const afterName = (at: number) => at + 1 + (bytes[at] ?? 0)
  const entries = varint(bytes, start)
  let at = entries.end
  for (let n = 0; n < entries.value; n++) {
    const size = varint(bytes, afterName(at))
    at = size.end + size.value
  }
  const below = varint(bytes, at)
  at = below.end
  for (let n = 0; n < below.value; n++) at = afterElement(bytes, afterName(at), depth + 1)
  return at
}

function varint(bytes: Uint8Array, at: number): { value: number; end: number } {
  let value = 0
  for (let n = 0; n < 5; n++) {
    const byte = bytes[at + n]
    if (byte === undefined) break
    value += (byte & 127) * 2 ** (7 * n)
    if (byte < 128) return { value, end: at + n + 1 }
  }
  throw new CodecError('Draco: a number in the header has no end')
}

/** Bytes of one corner's number, for so many points; 0 where it depends on the number. */
const cornerBytes = (points: number): number => (points < 256 ? 1 : points < 65536 ? 2 : points < 2 ** 21 ? 0 : 4)

/**
 * A mesh as Draco without compression: sequential, indices and 32-bit floats as they are. For clients that read nothing else; it
 * is about as long as the plain mesh, costs a copy, and changes no position. `positions`: x y z per point.
 */
export function plainDraco(positions: Float32Array, corners: Uint32Array): Uint8Array {
  const points = positions.length / 3
  const width = cornerBytes(points)
  const bytes = new Uint8Array(64 + corners.length * (width || 3) + positions.byteLength)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode('DRACO'))
  bytes.set([2, 2, TRIANGULAR_MESH, SEQUENTIAL, 0, 0], 5)
  let at = HEADER_BYTES
  const byte = (value: number) => {
    bytes[at++] = value
  }
  const number = (value: number) => {
    for (; value > 127; value >>>= 7) byte((value & 127) | 128)
    byte(value)
  }
  number(corners.length / 3)
  number(points)
  byte(1) // plain indices
  for (const corner of corners) {
    if (width === 0) number(corner)
    else if (width === 1) byte(corner)
    else {
      if (width === 2) view.setUint16(at, corner, true)
      else view.setUint32(at, corner, true)
      at += width
    }
  }
  // one decoder of one attribute: position, float32, 3 numbers, not normalized, id 0; stored as it is
  for (const value of [1, 1, 0, 9, 3, 0, 0, 0]) byte(value)
  bytes.set(new Uint8Array(positions.buffer, positions.byteOffset, positions.byteLength), at)
  return bytes.subarray(0, at + positions.byteLength)
}
