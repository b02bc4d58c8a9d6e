import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DataType } from '../../src/volume/data-type.ts'
import { downsample, downsampledSize, type Rule } from '../../src/volume/downsample.ts'
import { product, type Vec3, ZERO } from '../../src/volume/vec.ts'
import cases from '../golden/downsample.json'
import { GOLDEN, sha256 } from '../support/golden.ts'
import { seededRandom } from '../support/random.ts'

interface Case {
  readonly file: string
  readonly rule: Rule
  readonly dataType: DataType
  readonly channels: number
  readonly size: Vec3
  /** Of all phases one after the other, that of z changing fastest. */
  readonly results: readonly { readonly factor: Vec3; readonly sha256: string }[]
}

const run = (bytes: Uint8Array, size: Vec3, phase: Vec3, factor: Vec3, dataType: DataType, channels: number, rule: Rule): Uint8Array => {
  const made = downsampledSize({ size, phase }, factor)
  const target = new Uint8Array((product(made) * bytes.length) / product(size))
  downsample({ bytes, size, phase, dataType, channels }, factor, rule, { bytes: target, size: made, at: ZERO })
  return target
}

describe('what numpy makes of means and the webknossos library of modes', () => {
  const all = cases as unknown as readonly Case[]
  test('every type is there', () => expect(all.length).toBe(10 * 2 + 8 * 2))
  test.each(all.map((one) => [`${one.rule} of ${one.channels} × ${one.dataType}`, one] as const))('%s', (_, one) => {
    const { file, rule, dataType, channels, size, results } = one
    const bytes = new Uint8Array(readFileSync(join(GOLDEN, file)))
    for (const { factor, sha256: expected } of results) {
      const phases = factor.map((edge) => (edge === 2 ? [0, 1] : [0]))
      const made = phases[0]!.flatMap((x) =>
        phases[1]!.flatMap((y) => phases[2]!.map((z) => run(bytes, size, [x, y, z], factor, dataType, channels, rule))),
      )
      expect([factor, sha256(Buffer.concat(made))]).toEqual([factor, expected])
    }
  })
})

describe('many voxels at once are what single ones are', () => {
  const random = seededRandom('downsample')
  test.each([
    ['uint8', 1, [301, 67, 5]],
    ['uint8', 3, [97, 31, 4]],
    ['uint16', 1, [70_001, 9, 1]],
  ] as const)('%s, %d channels, %p', (dataType, channels, size) => {
    const bytes = Uint8Array.from({ length: product(size) * channels * (dataType === 'uint8' ? 1 : 2) }, () => random(256))
    const samples = dataType === 'uint8' ? bytes : new Uint16Array(bytes.buffer)
    const made = run(bytes, size, ZERO, [2, 2, 2], dataType, channels, 'mean')
    const found = dataType === 'uint8' ? made : new Uint16Array(made.buffer)
    let at = 0
    let wrong = 0
    for (let z = 0; z < size[2]; z += 2)
      for (let y = 0; y < size[1]; y += 2)
        for (let x = 0; x < size[0]; x += 2)
          for (let c = 0; c < channels; c++) {
            let sum = 0
            let count = 0
            for (let k = z; k < Math.min(size[2], z + 2); k++)
              for (let j = y; j < Math.min(size[1], y + 2); j++)
                for (let i = x; i < Math.min(size[0], x + 2); i++, count++)
                  sum += samples[(i + size[0] * (j + size[1] * k)) * channels + c]!
            const down = Math.floor(sum / count)
            const rest = sum / count - down
            wrong += Number(found[at++] !== down + Number(rest > 0.5 || (rest === 0.5 && down % 2 === 1)))
          }
    expect([wrong, at]).toEqual([0, found.length])
  })
})

test('into the middle of a larger array, and nothing beside it', () => {
  const target = new Uint8Array(5 * 4 * 3).fill(9)
  const bytes = Uint8Array.from({ length: 4 * 4 * 2 }, () => 4)
  downsample({ bytes, size: [4, 4, 2], phase: ZERO, dataType: 'uint8', channels: 1 }, [2, 2, 2], 'mean', {
    bytes: target,
    size: [5, 4, 3],
    at: [2, 1, 1],
  })
  const inside = [27, 28, 32, 33]
  expect([...target]).toEqual(Array.from({ length: 60 }, (_, i) => (inside.includes(i) ? 4 : 9)))
})

test('the mean of doubles whose sum overflows', () => {
  const bytes = new Uint8Array(Float64Array.of(1.5e308, 1.7e308, 1.5e308, 1.7e308).buffer)
  expect(new Float64Array(run(bytes, [2, 2, 1], ZERO, [2, 2, 1], 'float64', 1, 'mean').buffer)[0]).toBeCloseTo(1.6e308, -300)
})

test('other factors, and modes of floats, are refused', () => {
  expect(() => run(new Uint8Array(8), [2, 2, 2], ZERO, [3, 1, 1], 'uint8', 1, 'mean')).toThrow('3-1-1')
  expect(() => run(new Uint8Array(32), [2, 2, 2], ZERO, [2, 2, 2], 'float32', 1, 'mode')).toThrow('floats')
})
