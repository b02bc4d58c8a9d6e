/** Binary STL: 80 bytes of anything, the number of triangles, and 50 bytes for each: normal, three corners, two bytes of nothing. */
const HEADER_BYTES = 84
const STL_TRIANGLE_BYTES = 50

export const stlBytes = (triangles: number): number => HEADER_BYTES + STL_TRIANGLE_BYTES * triangles

/** `parts`: corners of triangles, 9 numbers each, in the order they are to be in. Normals point out where corners go round counter-clockwise. */
export function encodeStl(parts: readonly Float32Array[]): Uint8Array<ArrayBuffer> {
  const count = parts.reduce((sum, { length }) => sum + length / 9, 0)
  const bytes = new Uint8Array(stlBytes(count))
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode('binary STL, nm'))
  view.setUint32(80, count, true)
  let at = HEADER_BYTES
  for (const corners of parts) {
    for (let n = 0; n + 8 < corners.length; n += 9) {
      const edge = (corner: number, d: number) => corners[n + 3 * corner + d]! - corners[n + d]!
      const cross = (a: number, b: number) => edge(1, a) * edge(2, b) - edge(1, b) * edge(2, a)
      const normal = [cross(1, 2), cross(2, 0), cross(0, 1)]
      const length = Math.hypot(...normal) || 1
      for (let d = 0; d < 3; d++) view.setFloat32(at + 4 * d, normal[d]! / length, true)
      for (let d = 0; d < 9; d++) view.setFloat32(at + 12 + 4 * d, corners[n + d]!, true)
      at += STL_TRIANGLE_BYTES
    }
  }
  return bytes
}
