/** What it costs to hand a chunk to a worker thread and back: where decoding here ends and decoding there begins. */
import { deflateSync } from 'node:zlib'
import { loadPipeline } from '../codecs/decoder.ts'
import { DecodePool } from '../codecs/pool.ts'
import { growCells } from '../src/sample/cells.ts'
import { compare, table } from './measure.ts'

export const title = 'Decoding here or in a thread'

export async function run(): Promise<string> {
  const { color } = growCells([128, 128, 128])
  const pool = new DecodePool(1)
  const rows: (string | number)[][] = []
  const here = await loadPipeline({ codec: 'deflate' })
  // the pool sends what it takes for slow: a filter that claims to take long makes it send everything
  const there = await pool.decoder({
    codec: 'deflate',
    filters: Array.from({ length: 5 }, () => ({ filter: 'swap-bytes', options: { sampleBytes: 1 } })),
  })
  for (const size of [32 ** 3, 256 * 256, 512 * 512, 1024 * 1024, 2 * 1024 * 1024]) {
    const source = new Uint8Array(deflateSync(color.subarray(0, size)))
    const target = new Uint8Array(size)
    const { inline, thread } = await compare(
      { inline: () => here.run(source, target, size), thread: () => there.decode(source, target) },
      40,
    )
    const sent = there.decode(source, target)
    await sent
    const isSent = sent instanceof Promise
    rows.push([`Deflate, ${size / 1024} KiB`, inline, isSent ? thread : 'not sent', isSent ? thread - inline : ''])
  }
  pool.close()
  return `A thread leaves the loop free for others but adds the way there and back. What is estimated to take less than a millisecond is decoded at once.\n\n${table(['chunk', 'here ms', 'through a thread ms', 'added ms'], rows)}`
}
