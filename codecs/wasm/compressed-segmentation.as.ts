/**
 * Compressed segmentation, one channel. AssemblyScript, compiled by `bun codecs/wasm/build.ts`.
 *
 * Spec: neuroglancer, src/sliceview/compressed_segmentation/README.md. Decodes the layers of blocks from `fromZ` up to, not including,
 * `toZ` (in blocks) of a chunk of sx × sy × sz voxels to `target`, x fastest, `wide` ? 8 : 4 bytes each. Every offset is checked against
 * `length` (bytes of this channel) before it is followed. Returns 0, or −1 header table cut short, −2 no such number of bits,
 * −3 values behind the end, −4 table entry behind the end.
 */
export function decode(
  source: usize,
  length: usize,
  target: usize,
  sx: u32,
  sy: u32,
  sz: u32,
  bx: u32,
  by: u32,
  bz: u32,
  fromZ: u32,
  toZ: u32,
  wide: bool,
): i32 {
  const gx = (sx + bx - 1) / bx
  const gy = (sy + by - 1) / by
  const entry: usize = wide ? 8 : 4
  for (let gz = fromZ; gz < toZ; gz++) {
    const nz = min(bz, sz - gz * bz)
    for (let j: u32 = 0; j < gy; j++) {
      const ny = min(by, sy - j * by)
      for (let i: u32 = 0; i < gx; i++) {
        const nx = min(bx, sx - i * bx)
        const header = ((<usize>gz * gy + j) * gx + i) * 8
        if (header + 8 > length) return -1
        const first = load<u32>(source + header)
        const values = <u64>load<u32>(source + header + 4) * 4
        const table = <usize>(first & 0xffffff) * 4
        const bits = first >> 24
        if (bits > 32 || (bits & (bits - 1)) != 0) return -2
        // entries that may be looked up; more than there can be keys means that no key has to be looked at
        const entries: u64 = table < length ? (length - table) / entry : 0
        const to = target + ((<usize>(gz - fromZ) * bz * sy + j * by) * sx + i * bx) * entry
        if (bits == 0) {
          if (entries == 0) return -4
          if (wide) fill64(to, load<u64>(source + table), nx, ny, nz, sx, sy)
          else fill32(to, load<u32>(source + table), nx, ny, nz, sx, sy)
          continue
        }
        const last = <u64>(nx - 1) + <u64>bx * (<u64>(ny - 1) + <u64>by * (nz - 1))
        if (values + ((last * bits) / 32 + 1) * 4 > length) return -3
        const mask: u32 = bits == 32 ? 0xffffffff : (1 << bits) - 1
        const safe = <u64>mask < entries
        const base = source + <usize>values
        for (let z: u32 = 0; z < nz; z++) {
          for (let y: u32 = 0; y < ny; y++) {
            const bit = bits * bx * (y + by * z)
            let word = base + ((bit >> 5) << 2)
            let shift = bit & 31
            let at = to + (<usize>z * sy + y) * sx * entry
            const end = at + <usize>nx * entry
            let keys = load<u32>(word) >> shift
            while (at < end) {
              const key = keys & mask
              if (!safe && <u64>key >= entries) return -4
              if (wide) store<u64>(at, load<u64>(source + table + (<usize>key << 3)))
              else store<u32>(at, load<u32>(source + table + (<usize>key << 2)))
              at += entry
              shift += bits
              if (shift == 32) {
                shift = 0
                word += 4
                if (at < end) keys = load<u32>(word)
              } else keys >>= bits
            }
          }
        }
      }
    }
  }
  return 0
}

function fill32(to: usize, value: u32, nx: u32, ny: u32, nz: u32, sx: u32, sy: u32): void {
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      let at = to + (<usize>z * sy + y) * sx * 4
      for (const end = at + <usize>nx * 4; at < end; at += 4) store<u32>(at, value)
    }
  }
}

function fill64(to: usize, value: u64, nx: u32, ny: u32, nz: u32, sx: u32, sy: u32): void {
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      let at = to + (<usize>z * sy + y) * sx * 8
      for (const end = at + <usize>nx * 8; at < end; at += 8) store<u64>(at, value)
    }
  }
}
