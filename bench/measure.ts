/** Timing for benches: medians over several rounds, because machines are noisy, and tables of them. */

/** Candidates in turns A B C A B C …, so that a slow minute of the machine hits all alike. Medians in ms. */
export async function compare<K extends string>(candidates: Record<K, () => unknown>, rounds = 30): Promise<Record<K, number>> {
  const names = Object.keys(candidates) as K[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>
  for (let round = -5; round < rounds; round++) {
    for (const name of names) {
      const start = performance.now()
      const result = candidates[name]()
      if (result instanceof Promise) await result
      if (round >= 0) times[name].push(performance.now() - start)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(times[name])])) as Record<K, number>
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN

export const percentile99 = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)] ?? Number.NaN

/** Lowest and highest, for a median to be judged by. */
export const spread = (values: readonly number[]): string => `${round(Math.min(...values))} – ${round(Math.max(...values))}`

export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) =>
    `| ${cells.map((cell) => (typeof cell === 'number' ? round(cell) : cell)).join(' | ')} |`
  return [line(head), line(head.map((_, n) => (n === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

const round = (n: number): string => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toPrecision(3))
