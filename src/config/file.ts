/** config.json in the data folder, in webknossos-connect's shape. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseJson } from '../datasets/json-position.ts'
import { ConfigError } from './error.ts'
import { fileKeyOf, names } from './settings.ts'

export interface ConfigFile {
  /** By name of the setting. */
  readonly values: Readonly<Record<string, unknown>>
  readonly path: string | undefined
  /** Keys nobody knows, with the one that may have been meant. */
  readonly warnings: readonly string[]
}

/** What webknossos-connect has there and we do not need yet. */
const FOREIGN = ['backends']

/** Throws `ConfigError` with line and column where it is broken. */
export function readConfigFile(data: string): ConfigFile {
  const path = join(data, 'config.json')
  if (!existsSync(path)) return { values: {}, path: undefined, warnings: [] }
  const parsed = parseJson(readFileSync(path, 'utf8'))
  if ('error' in parsed) throw new ConfigError(`${path}, ${parsed.error}`)
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const key = fileKeyOf(name)
    const value = key && valueAt(parsed.value, key)
    if (value !== undefined && value !== null) values[name] = value
  }
  return { values, path, warnings: unknownKeys(parsed.value, path) }
}

const valueAt = (json: unknown, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined), json)

function unknownKeys(json: unknown, file: string): string[] {
  const known = [...names.flatMap((name) => fileKeyOf(name) ?? []), ...FOREIGN]
  const warnings: string[] = []
  const visit = (value: unknown, path: string): void => {
    if (known.includes(path)) return
    const isGroup = known.some((key) => key.startsWith(`${path}.`))
    if (isGroup && typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`)
      return
    }
    const meant = closest(path, known)
    warnings.push(`${file}: ${path} is not a setting${meant ? `; did you mean ${meant}?` : ''}`)
  }
  if (typeof json === 'object' && json !== null) for (const [key, value] of Object.entries(json)) visit(value, key)
  return warnings
}

/** The known word with fewest letters to change, if they are few. */
export function closest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(2, Math.ceil(word.length / 3)) + 1
  for (const other of known) {
    const distance = lettersToChange(word.toLowerCase(), other.toLowerCase())
    if (distance < least) {
      least = distance
      best = other
    }
  }
  return best
}

/** Levenshtein distance. */
function lettersToChange(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + Number(a[i - 1] !== b[j - 1]))
    row = next
  }
  return row[b.length]!
}
