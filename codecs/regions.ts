/**
 * Numbers the connected regions of voxels that are no boundary, from 1 on in the order of their first voxel, x fastest; writes the
 * number of each voxel into `numbers`, 0 on boundaries, and returns how many there are. Two voxels are connected over a side, and with
 * `throughZ` also from slice to slice; without, every slice has regions of its own.
 */
export function labelRegions(
  isBoundary: Uint8Array,
  numbers: Uint32Array,
  [sx, sy, sz]: readonly [number, number, number],
  throughZ: boolean,
): number {
  const plane = sx * sy
  // parents of provisional numbers: a root is its own parent, and always the smallest number of its region
  let parents = new Uint32Array(1024)
  let provisional = 0
  const rootOf = (n: number): number => {
    while (parents[n] !== n) {
      const parent = parents[n]!
      parents[n] = parents[parent]!
      n = parents[n]!
    }
    return n
  }
  const join = (a: number, b: number): number => {
    const [x, y] = [rootOf(a), rootOf(b)]
    if (x === y) return x
    const root = Math.min(x, y)
    parents[Math.max(x, y)] = root
    return root
  }
  for (let z = 0, v = 0; z < sz; z++) {
    for (let y = 0; y < sy; y++) {
      for (let x = 0; x < sx; x++, v++) {
        if (isBoundary[v] !== 0) {
          numbers[v] = 0
          continue
        }
        const left = x > 0 ? numbers[v - 1]! : 0
        const upper = y > 0 ? numbers[v - sx]! : 0
        const before = throughZ && z > 0 ? numbers[v - plane]! : 0
        let number = left || upper || before
        if (number === 0) {
          number = ++provisional
          if (number >= parents.length) {
            const more = new Uint32Array(2 * parents.length)
            more.set(parents)
            parents = more
          }
          parents[number] = number
        } else {
          if (upper !== 0 && upper !== number) number = join(number, upper)
          if (before !== 0 && before !== number) number = join(number, before)
        }
        numbers[v] = number
      }
    }
  }
  // a root is the smallest number of its region, and provisional numbers rise with first voxels: so do the final ones
  const final = new Uint32Array(provisional + 1)
  let count = 0
  for (let n = 1; n <= provisional; n++) {
    const root = rootOf(n)
    final[n] = root === n ? ++count : final[root]!
  }
  for (let v = 0; v < numbers.length; v++) numbers[v] = final[numbers[v]!]!
  return count
}
