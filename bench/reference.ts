/**
 * Each codec against the library the reference readers use, in a Python process beside this one: the same blocks, in turns. Needs an
 * interpreter with imagecodecs, numcodecs and compressed-segmentation: PYTHON, or the one `bun run golden` makes.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync, zstdCompressSync } from 'node:zlib'
import jpegJs from 'jpeg-js'
import type { CodecOptions } from '../codecs/codec.ts'
import { loadPipeline } from '../codecs/decoder.ts'
import { growCells } from '../src/sample/cells.ts'
import { lz4Block } from '../src/sample/write-wkw.ts'
import { lzw } from '../test/support/encoders.ts'
import { median, table } from './measure.ts'

export const title = 'Codecs against the reference libraries in Python'
const ROUNDS = 15
const NOTES = `In blocks of labels an LZ4 sequence makes 25 bytes in 10 ns. A third of the time is waiting for bytes that the sequence before has just
stored. No gain: the second 16 bytes out of registers instead of memory. Slower: 64 bytes of each match unasked (0.85), calling the
machine's copy inside the loop (0.85).`
const ROOT = join(import.meta.dir, '..')
const FOLDER = join(ROOT, '.bench/blocks')

interface Case {
  readonly name: string
  readonly codec: string
  readonly blocks: readonly Uint8Array[]
  /** Bytes of a decoded block. */
  readonly size: number
  readonly options?: CodecOptions
  /** What the reference has to be told instead of the size. */
  readonly told?: unknown
}

export async function run(): Promise<string> {
  const python = process.env['PYTHON'] ?? join(ROOT, '.venv/bin/python')
  if (!existsSync(python)) return 'Not run: no Python with the reference libraries (PYTHON names one).'
  mkdirSync(FOLDER, { recursive: true })
  const child = Bun.spawn([python, join(import.meta.dir, 'reference.py')], { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
  const lines = readLines(child.stdout)
  const rows: (string | number)[][] = []
  for (const one of cases()) {
    const files = one.blocks.map((block, n) => {
      const file = join(FOLDER, `${one.name.replaceAll(/\W+/g, '-')}-${n}`)
      writeFileSync(file, block)
      return file
    })
    const task = `${JSON.stringify({ codec: one.codec, files, size: one.told ?? one.size })}\n`
    const pipeline = await loadPipeline({ codec: one.codec, ...(one.options && { options: one.options }) })
    const target = new Uint8Array(one.size)
    const ours: number[] = []
    const theirs: number[] = []
    for (let round = -3; round < ROUNDS; round++) {
      const start = performance.now()
      for (const block of one.blocks) pipeline.run(block, target, one.size)
      const took = performance.now() - start
      child.stdin.write(task)
      child.stdin.flush()
      const answer = await lines.next()
      if (answer.done) throw new Error(`the reference ended at ${one.name}`)
      if (round < 0) continue
      ours.push(took)
      theirs.push(Number(answer.value))
    }
    const megabytes = (one.size * one.blocks.length) / 1e3
    rows.push([one.name, megabytes / median(ours), megabytes / median(theirs), median(theirs) / median(ours)])
  }
  child.stdin.end()
  return `Medians of ${ROUNDS} rounds in turns. Bar: 0.5 each.\n\n${table(['what', 'ours MB/s', 'reference MB/s', 'ratio'], rows)}\n\n${NOTES}`
}

function cases(): Case[] {
  const { color, segmentation } = growCells([256, 256, 64])
  const labels = new Uint8Array(segmentation.buffer)
  const cut = (bytes: Uint8Array, size: number) =>
    Array.from({ length: Math.min(16, Math.floor(bytes.length / size)) }, (_, n) => bytes.slice(n * size, (n + 1) * size))
  const tile = 256 * 256
  const rgb = (grey: Uint8Array) => Uint8Array.from({ length: grey.length * 4 }, (_, i) => (i % 4 === 3 ? 255 : grey[i >> 2]!))
  const packed = (name: string, codec: string, encode: (bytes: Uint8Array) => Uint8Array, bytes: Uint8Array, size: number): Case => ({
    name,
    codec,
    size,
    blocks: cut(bytes, size).map((block) => new Uint8Array(encode(block))),
  })
  return [
    packed('LZ4, 32³ uint8', 'lz4', lz4Block, color, 32 ** 3),
    packed('LZ4, 32³ uint32 labels', 'lz4', lz4Block, labels, 4 * 32 ** 3),
    packed('Zstd, 256² uint8', 'zstd', zstdCompressSync, color, tile),
    packed('Zstd, 256² uint32 labels', 'zstd', zstdCompressSync, labels, 4 * tile),
    packed('Deflate, 256² uint8', 'deflate', deflateSync, color, tile),
    packed('Deflate, 256² uint32 labels', 'deflate', deflateSync, labels, 4 * tile),
    packed('LZW, 256² uint8', 'lzw', lzw, color, tile),
    packed('LZW, 256² uint32 labels', 'lzw', lzw, labels, 4 * tile),
    {
      ...packed('JPEG, 256² RGB', 'jpeg', (grey) => jpegJs.encode({ width: 256, height: 256, data: rgb(grey) }, 80).data, color, tile),
      size: 3 * tile,
      options: { components: 3, colour: 'ycbcr' },
    },
  ]
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const part of stream) {
    text += decoder.decode(part, { stream: true })
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end)
      text = text.slice(end + 1)
    }
  }
}
