/** Halving voxels: the WebAssembly kernel against JavaScript, and against numpy and tinybrain where Python has them. */

import { growCells } from '../src/sample/cells.ts'
import type { DataType } from '../src/volume/data-type.ts'
import { sampleBytes } from '../src/volume/data-type.ts'
import { downsample, type Rule } from '../src/volume/downsample.ts'
import { type Vec3, ZERO } from '../src/volume/vec.ts'
import { compare, table } from './measure.ts'

export const title = 'Halving voxels'

const CASES: readonly (readonly [Rule, DataType, Vec3, Vec3])[] = [
  ['mean', 'uint8', [1024, 1024, 1], [2, 2, 1]],
  ['mean', 'uint8', [128, 128, 128], [2, 2, 2]],
  ['mean', 'uint16', [128, 128, 128], [2, 2, 2]],
  ['mean', 'uint64', [128, 128, 128], [2, 2, 2]],
  ['mean', 'float32', [128, 128, 128], [2, 2, 2]],
  ['mode', 'uint32', [128, 128, 128], [2, 2, 2]],
]

/** What a person would write first: looks each voxel up. Mean without rounding to even, mode by counting. */
function plain(source: ArrayLike<number>, size: Vec3, factor: Vec3, rule: Rule, target: { [n: number]: number }): void {
  const [w, h, d] = [size[0] / factor[0], size[1] / factor[1], size[2] / factor[2]]
  const samples = factor[0] * factor[1] * factor[2]
  for (let z = 0, out = 0; z < d; z++)
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++, out++) {
        let sum = 0
        const counts = new Map<number, number>()
        for (let k = 0; k < factor[2]; k++)
          for (let j = 0; j < factor[1]; j++)
            for (let i = 0; i < factor[0]; i++) {
              const value = source[x * factor[0] + i + size[0] * (y * factor[1] + j + size[1] * (z * factor[2] + k))]!
              if (rule === 'mean') sum += value
              else counts.set(value, (counts.get(value) ?? 0) + 1)
            }
        target[out] = rule === 'mean' ? Math.round(sum / samples) : [...counts].reduce((a, b) => (b[1] > a[1] ? b : a))[0]
      }
}

const PYTHON = `
import sys, time, json, numpy as np
try:
    import tinybrain
except ImportError:
    tinybrain = None
def best(work):
    times = []
    for _ in range(5):
        start = time.perf_counter(); work(); times.append(time.perf_counter() - start)
    return sorted(times)[2] * 1e3
out = []
for rule, dtype, size, factor, path in json.load(sys.stdin):
    data = np.fromfile(path, dtype=dtype).reshape(size, order='F')
    (fx, fy, fz), (nx, ny, nz) = factor, size
    blocks = data.reshape((fx, nx // fx, fy, ny // fy, fz, nz // fz), order='F')
    row = {}
    if rule == 'mean':
        row['numpy'] = best(lambda: blocks.mean(axis=(0, 2, 4)).round().astype(dtype))
        if tinybrain and dtype != 'uint64': row['tinybrain'] = best(lambda: tinybrain.downsample_with_averaging(data, factor))
    elif tinybrain: row['tinybrain'] = best(lambda: tinybrain.downsample_segmentation(data, factor))
    out.append(row)
print(json.dumps(out))
`

export async function run(): Promise<string> {
  const folder = `${import.meta.dir}/../.bench/downsample`
  const { color, segmentation } = growCells([256, 256, 128])
  const prepared = CASES.map(([rule, dataType, size, factor]) => {
    const count = size[0] * size[1] * size[2]
    const from = rule === 'mode' ? segmentation : color
    const numbers = Float64Array.from({ length: count }, (_, i) => from[i % from.length]!)
    const typed = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array }[dataType as 'uint8']
    const samples = typed ? typed.from(numbers) : BigUint64Array.from(numbers, (n) => BigInt(n))
    return {
      rule,
      dataType,
      size,
      factor,
      samples,
      bytes: new Uint8Array(samples.buffer),
      made: count / (factor[0] * factor[1] * factor[2]),
    }
  })
  const python = await runPython(folder, prepared)
  const rows: (string | number)[][] = []
  for (const [n, { rule, dataType, size, factor, samples, bytes, made }] of prepared.entries()) {
    const target = {
      bytes: new Uint8Array(made * sampleBytes(dataType)),
      size: [size[0] / factor[0], size[1] / factor[1], size[2] / factor[2]] as const,
      at: ZERO,
    }
    const slow = dataType === 'uint64' ? undefined : new (samples.constructor as Uint8ArrayConstructor)(made)
    const { ours, javascript } = await compare(
      {
        ours: () => downsample({ bytes, size, phase: ZERO, dataType, channels: 1 }, factor, rule, target),
        javascript: () => slow && plain(samples as Uint8Array, size, factor, rule, slow),
      },
      10,
    )
    const perSecond = (ms: number | undefined) => (ms === undefined ? '' : bytes.length / ms / 1e3)
    rows.push([
      `${rule}, ${dataType}, ${size.join('×')}, ${factor.join('-')}`,
      perSecond(ours),
      slow ? perSecond(javascript) : '',
      perSecond(python?.[n]?.['numpy']),
      perSecond(python?.[n]?.['tinybrain']),
    ])
  }
  return `MB of source per second.${python ? '' : ' PYTHON names no interpreter with numpy, so there is nothing of it here.'}\n\n${table(['what', 'ours', 'JavaScript', 'numpy', 'tinybrain'], rows)}`
}

interface Prepared {
  readonly rule: Rule
  readonly dataType: DataType
  readonly size: Vec3
  readonly factor: Vec3
  readonly bytes: Uint8Array
}

async function runPython(folder: string, cases: readonly Prepared[]): Promise<Record<string, number>[] | undefined> {
  const python = process.env['PYTHON']
  if (!python) return undefined
  const input = []
  for (const [n, { rule, dataType, size, factor, bytes }] of cases.entries()) {
    await Bun.write(`${folder}/${n}.raw`, bytes)
    input.push([rule, dataType, size, factor, `${folder}/${n}.raw`])
  }
  const child = Bun.spawn([python, '-c', PYTHON], {
    stdin: new TextEncoder().encode(JSON.stringify(input)),
    stdout: 'pipe',
    stderr: 'inherit',
  })
  return JSON.parse(await new Response(child.stdout).text())
}
