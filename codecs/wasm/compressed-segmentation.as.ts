/**
 * Compressed segmentation, one channel. AssemblyScript, compiled by `bun codecs/wasm/build.ts`.
 *
 * Spec: neuroglancer, src/sliceview/compressed_segmentation/README.md. Of a chunk of sx × sy × sz voxels it decodes the blocks from
 * `fromX`, `fromY`, `fromZ` up to, not including, `toX`, `toY`, `toZ` to `target`, which has the voxels of these blocks alone, x fastest,
 * `wide` ? 8 : 4 bytes each. Every offset is checked against `length` (bytes of this channel) before it is followed. Returns 0, or −1
 * header table cut short, −2 no such number of bits, −3 values behind the end, −4 table entry behind the end.
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
  fromX: u32,
  toX: u32,
  fromY: u32,
  toY: u32,
  fromZ: u32,
  toZ: u32,
  wide: bool,
): i32 {
  const gx = (sx + bx - 1) / bx
  const gy = (sy + by - 1) / by
  // of the target
  const tx = min(sx, toX * bx) - fromX * bx
  const ty = min(sy, toY * by) - fromY * by
  const entry: usize = wide ? 8 : 4
  for (let gz = fromZ; gz < toZ; gz++) {
    const nz = min(bz, sz - gz * bz)
    for (let j = fromY; j < toY; j++) {
      const ny = min(by, sy - j * by)
      for (let i = fromX; i < toX; i++) {
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
        const to = target + ((<usize>(gz - fromZ) * bz * ty + (j - fromY) * by) * tx + (i - fromX) * bx) * entry
        if (bits == 0) {
          if (entries == 0) return -4
          if (wide) fill<u64>(to, load<u64>(source + table), nx, ny, nz, tx, ty)
          else fill<u32>(to, load<u32>(source + table), nx, ny, nz, tx, ty)
          continue
        }
        const last = <u64>(nx - 1) + <u64>bx * (<u64>(ny - 1) + <u64>by * (nz - 1))
        if (values + ((last * bits) / 32 + 1) * 4 > length) return -3
        const base = source + <usize>values
        const mask: u32 = bits == 32 ? 0xffffffff : (1 << bits) - 1
        if (<u64>mask >= entries) {
          // not every key has an entry, so each is looked at
          const result = wide
            ? checked<u64>(base, source + table, entries, to, bits, nx, ny, nz, bx, by, tx, ty)
            : checked<u32>(base, source + table, entries, to, bits, nx, ny, nz, bx, by, tx, ty)
          if (result < 0) return result
        } else if (nx == 8 && bx == 8 && (bits == 2 || (bits == 1 && wide))) {
          if (wide) pairs<u64>(base, source + table, to, bits, ny, nz, by, tx, ty)
          else pairs<u32>(base, source + table, to, bits, ny, nz, by, tx, ty)
        } else if (nx == 8 && bx == 8 && bits <= 4) {
          if (wide) eights<u64>(base, source + table, to, bits, ny, nz, by, tx, ty)
          else eights<u32>(base, source + table, to, bits, ny, nz, by, tx, ty)
        } else if (wide) rows<u64>(base, source + table, to, bits, nx, ny, nz, bx, by, tx, ty)
        else rows<u32>(base, source + table, to, bits, nx, ny, nz, bx, by, tx, ty)
      }
    }
  }
  return 0
}

const PAIRS = memory.data(16 * 16, 16)

/** Rows of eight voxels of one or two bits, two at a time: there are few pairs, and a block has 256. */
function pairs<T>(base: usize, table: usize, to: usize, bits: u32, ny: u32, nz: u32, by: u32, sx: u32, sy: u32): void {
  const one: u32 = (1 << bits) - 1
  const both: u32 = (1 << (2 * bits)) - 1
  for (let pair: u32 = 0; pair <= both; pair++) {
    const at = PAIRS + <usize>pair * 2 * sizeof<T>()
    store<T>(at, load<T>(table + <usize>(pair & one) * sizeof<T>()))
    store<T>(at + sizeof<T>(), load<T>(table + <usize>(pair >> bits) * sizeof<T>()))
  }
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      const bit = bits * 8 * (y + by * z)
      let keys = load<u32>(base + ((bit >> 5) << 2)) >> (bit & 31)
      const at = to + (<usize>z * sy + y) * sx * sizeof<T>()
      for (let k: usize = 0; k < 8; k += 2) {
        const pair = PAIRS + <usize>(keys & both) * 2 * sizeof<T>()
        if (sizeof<T>() == 8) v128.store(at + k * 8, v128.load(pair))
        else store<u64>(at + k * 4, load<u64>(pair))
        keys >>= 2 * bits
      }
    }
  }
}

/** Rows of eight voxels of up to four bits: each lies in one word. */
function eights<T>(base: usize, table: usize, to: usize, bits: u32, ny: u32, nz: u32, by: u32, sx: u32, sy: u32): void {
  const mask: u32 = (1 << bits) - 1
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      const bit = bits * 8 * (y + by * z)
      let keys = load<u32>(base + ((bit >> 5) << 2)) >> (bit & 31)
      const at = to + (<usize>z * sy + y) * sx * sizeof<T>()
      if (sizeof<T>() == 4 && bits == 1) {
        const zero = i32x4.splat(load<u32>(table))
        const one = i32x4.splat(load<u32>(table + 4))
        const all = i32x4.splat(keys)
        const low = i32x4(1, 2, 4, 8)
        const high = i32x4(16, 32, 64, 128)
        v128.store(at, v128.bitselect(one, zero, i32x4.eq(v128.and(all, low), low)))
        v128.store(at + 16, v128.bitselect(one, zero, i32x4.eq(v128.and(all, high), high)))
        continue
      }
      for (let k: usize = 0; k < 8; k++) {
        store<T>(at + k * sizeof<T>(), load<T>(table + (<usize>(keys & mask)) * sizeof<T>()))
        keys >>= bits
      }
    }
  }
}

function rows<T>(base: usize, table: usize, to: usize, bits: u32, nx: u32, ny: u32, nz: u32, bx: u32, by: u32, sx: u32, sy: u32): void {
  const mask: u32 = bits == 32 ? 0xffffffff : (1 << bits) - 1
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      let bit = bits * bx * (y + by * z)
      let at = to + (<usize>z * sy + y) * sx * sizeof<T>()
      for (const end = at + <usize>nx * sizeof<T>(); at < end; at += sizeof<T>()) {
        const key = (load<u32>(base + ((bit >> 5) << 2)) >> (bit & 31)) & mask
        store<T>(at, load<T>(table + <usize>key * sizeof<T>()))
        bit += bits
      }
    }
  }
}

function checked<T>(
  base: usize,
  table: usize,
  entries: u64,
  to: usize,
  bits: u32,
  nx: u32,
  ny: u32,
  nz: u32,
  bx: u32,
  by: u32,
  sx: u32,
  sy: u32,
): i32 {
  const mask: u32 = bits == 32 ? 0xffffffff : (1 << bits) - 1
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      let bit = bits * bx * (y + by * z)
      let at = to + (<usize>z * sy + y) * sx * sizeof<T>()
      for (const end = at + <usize>nx * sizeof<T>(); at < end; at += sizeof<T>()) {
        const key = (load<u32>(base + ((bit >> 5) << 2)) >> (bit & 31)) & mask
        if (<u64>key >= entries) return -4
        store<T>(at, load<T>(table + <usize>key * sizeof<T>()))
        bit += bits
      }
    }
  }
  return 0
}

function fill<T>(to: usize, value: T, nx: u32, ny: u32, nz: u32, sx: u32, sy: u32): void {
  const all = v128.splat<T>(value)
  for (let z: u32 = 0; z < nz; z++) {
    for (let y: u32 = 0; y < ny; y++) {
      let at = to + (<usize>z * sy + y) * sx * sizeof<T>()
      const end = at + <usize>nx * sizeof<T>()
      for (; at + 16 <= end; at += 16) v128.store(at, all)
      for (; at < end; at += sizeof<T>()) store<T>(at, value)
    }
  }
}
