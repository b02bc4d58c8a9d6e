/** Decoding the cuboids of a BossDB (512 × 512 × 16) against numcodecs in Python, which is C: the same containers, in turns. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { blosc } from '../codecs/blosc.ts'
import { median, table } from './measure.ts'

export const title = 'Blosc against numcodecs'
const ROUNDS = 25
const NOTES = `Slower ways to put bytes together, where perfect shuffles are 1: transposing with other masks at each step 0.7, by shifts in 64-bit
lanes 0.5, in 64-bit integers 0.3 to 0.4, sixteen rows at a time 0.95, or half of it where the rows share lines of the cache; pieces of
16, 64 or 128 KiB in place of 32 0.95. With Zstandard, a block is decoded into a buffer of Bun's own and copied from there. LZ4 of
images is sequences of seven bytes, which take seven nanoseconds each. A block stored like the one before is copied: that made of 0.51 to
0.66 for what is empty 0.84 to 0.92. Labels of uint32 are close to the bar: 0.68, 0.72 and 0.74 in three runs beside other work.`

interface Cuboid {
  readonly file: string
  readonly name: string
  readonly how: string
  readonly bytes: number
  readonly packed: number
}

export async function run(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'wkconnect-bench-'))
  const python = Bun.spawn([process.env['PYTHON'] ?? 'python3', join(import.meta.dir, 'boss.py'), folder], {
    stdin: 'pipe',
    stdout: 'pipe',
  })
  try {
    const lines = linesOf(python.stdout)
    const { version, files } = JSON.parse(await lines()) as { version: string; files: Cuboid[] }
    const theirs = async (file: string, threads: number): Promise<number> => {
      python.stdin.write(`${file} ${threads}\n`)
      python.stdin.flush()
      return Number(await lines())
    }
    const rows: (string | number)[][] = []
    for (const { file, name, how, bytes, packed } of files) {
      const source = new Uint8Array(readFileSync(join(folder, file)))
      const target = new Uint8Array(bytes)
      const times = { ours: [] as number[], one: [] as number[], two: [] as number[] }
      for (let round = -3; round < ROUNDS; round++) {
        const begin = performance.now()
        blosc.decode(source, target)
        const ours = performance.now() - begin
        const [one, two] = [await theirs(file, 1), await theirs(file, 2)]
        if (round < 0) continue
        times.ours.push(ours)
        times.one.push(one)
        times.two.push(two)
      }
      const [ours, one, two] = [median(times.ours), median(times.one), median(times.two)]
      rows.push([`${name}, ${how}`, packed / bytes, bytes / ours / 1e3, bytes / one / 1e3, bytes / two / 1e3, one / ours])
    }
    const head = ['cuboid', 'size, packed', 'ours MB/s', 'numcodecs MB/s', 'with 2 threads', 'ratio']
    return `numcodecs ${version}. The ratio is to one thread of it, as ours is one; several cuboids are decoded in several threads. Both write into the same memory each time. Bar: 0.7 for what a BossDB sends.\n\n${table(head, rows)}\n\n${NOTES}`
  } finally {
    python.stdin.end()
    python.kill()
    await python.exited
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One line after the other. */
function linesOf(stream: ReadableStream<Uint8Array>): () => Promise<string> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ''
  return async () => {
    for (let end = text.indexOf('\n'); ; end = text.indexOf('\n')) {
      if (end >= 0) {
        const line = text.slice(0, end)
        text = text.slice(end + 1)
        return line
      }
      const { value, done } = await reader.read()
      if (done) throw new Error('boss.py ended; PYTHON names an interpreter with numcodecs and blosc')
      text += decoder.decode(value, { stream: true })
    }
  }
}
