/** Rows of uncompressed strips, read as they are needed, however large or small the strips are. */
import type { Buffers } from '../../cache/buffers.ts'
import { CorruptChunk } from '../../volume/errors.ts'
import { chain, each, type MaybePromise } from '../../volume/maybe-promise.ts'
import { isRaw, type Plane } from './plane.ts'
import { withBuffer } from './segment.ts'

interface Run {
  readonly offset: number
  /** Where in the chunk. */
  readonly at: number
  length: number
}

/** Rows `start` to `end` of the plane whose first strip is `base`, in reads as long as they lie behind one another in the file. */
export function readRows(
  plane: Plane,
  base: number,
  start: number,
  end: number,
  target: Uint8Array,
  buffers: Buffers,
): MaybePromise<boolean> {
  const { page, file, decoder } = plane
  return chain(contiguousRuns(plane, base, start, end), (runs) => {
    if (runs.length === 0) return false
    const bytes = (end - start) * page.rowBytes.stored
    const isSparse = runs.reduce((sum, run) => sum + run.length, 0) < bytes
    const readAll = (into: Uint8Array): MaybePromise<void> => {
      if (isSparse) into.fill(0)
      return each(runs, (run) => file.read(into.subarray(run.at, run.at + run.length), run.offset))
    }
    const rows = target.subarray(0, (end - start) * page.rowBytes.served)
    if (isRaw(page)) return chain(readAll(rows), () => true)
    return withBuffer(buffers, bytes, (source) => chain(readAll(source), () => chain(decoder.decode(source, rows), () => true)))
  })
}

function contiguousRuns({ page, offsets, byteCounts, file, shift }: Plane, base: number, start: number, end: number): MaybePromise<Run[]> {
  const rowBytes = page.rowBytes.stored
  const runs: Run[] = []
  const first = Math.floor(start / page.segment.height)
  const strips = Array.from({ length: Math.floor((end - 1) / page.segment.height) - first + 1 }, (_, n) => first + n)
  const done = each(strips, (strip) => {
    const row = Math.max(start, strip * page.segment.height)
    const within = row - strip * page.segment.height
    const rows = Math.min(page.segment.height - within, end - row)
    return chain(byteCounts.at(base + strip), (available) => {
      if (available === 0) return
      const needed = (within + rows) * rowBytes
      if (available < needed)
        throw new CorruptChunk({ file: file.name, chunk: `strip ${base + strip}`, cause: `${available} bytes instead of ${needed}` })
      return chain(offsets.at(base + strip), (stripOffset) => {
        const offset = stripOffset + shift + within * rowBytes
        const at = (row - start) * rowBytes
        const last = runs.at(-1)
        if (last && last.offset + last.length === offset && last.at + last.length === at) last.length += rows * rowBytes
        else runs.push({ offset, at, length: rows * rowBytes })
      })
    })
  })
  return chain(done, () => runs)
}
