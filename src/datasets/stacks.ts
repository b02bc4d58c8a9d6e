/**
 * Which single-page images are slices of one z-stack: two or more whose names differ in one run of digits. Pure; looking into the
 * files is the caller's. Rule: docs/datasets.md.
 */
export interface Stack {
  /** What the names have in common before the digits, without separators at its end; may be empty. */
  readonly prefix: string
  /** What follows the digits, without the extension. */
  readonly suffix: string
  readonly slices: readonly { readonly name: string; readonly z: number }[]
}

interface Numbered {
  readonly name: string
  readonly number: number
}

/** Files in the thousands of millions are dates or serial numbers, not slices. */
const LARGEST_NUMBER = 2 ** 31

/**
 * Sorts names into stacks and the rest. A name with several runs of digits belongs to the stack with most members: z001_c1 … z100_c1
 * are one stack of 100, not 100 stacks of channels. The caller passes only names whose files are alike.
 */
export function findStacks(names: readonly string[]): { stacks: Stack[]; rest: string[] } {
  const candidates = new Map<string, { prefix: string; suffix: string; members: Numbered[] }>()
  for (const name of names) {
    for (const match of stemOf(name).matchAll(/\d+/g)) {
      const number = Number(match[0])
      if (number > LARGEST_NUMBER) continue
      const prefix = name.slice(0, match.index)
      const suffix = name.slice(match.index + match[0].length)
      const key = `${prefix}\0${suffix}`
      const candidate = candidates.get(key)
      if (candidate) candidate.members.push({ name, number })
      else candidates.set(key, { prefix, suffix, members: [{ name, number }] })
    }
  }
  const taken = new Set<string>()
  const stacks: Stack[] = []
  const bySize = [...candidates.values()].filter(({ members }) => members.length > 1).sort((a, b) => b.members.length - a.members.length)
  for (const { prefix, suffix, members } of bySize) {
    const numbers = new Set<number>()
    // 7 and 07 are two names for one slice: the first one is it
    const free = members.filter(({ name, number }) => !taken.has(name) && !numbers.has(number) && numbers.add(number))
    if (free.length < 2) continue
    for (const { name } of free) taken.add(name)
    stacks.push({ prefix: prefix.replace(/[\s._-]+$/, ''), suffix: stemOf(`x${suffix}`).slice(1), slices: placeSlices(free) })
  }
  return { stacks, rest: names.filter((name) => !taken.has(name)) }
}

/** z = number − lowest; a constant step (10, 20, 30) is one slice each, a gap stays a gap. */
function placeSlices(members: readonly Numbered[]): { name: string; z: number }[] {
  const sorted = [...members].sort((a, b) => a.number - b.number)
  const lowest = sorted[0]!.number
  const step = sorted.reduce((divisor, { number }) => greatestCommonDivisor(divisor, number - lowest), 0)
  return sorted.map(({ name, number }) => ({ name, z: (number - lowest) / step }))
}

const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b))

/** A file name without its extension; `.ome.tif` counts as one. */
export const stemOf = (name: string): string => name.replace(/(\.ome)?\.[^.]+$/i, '')
