/** Who may import whom, as docs/architecture.md draws it. */
import { describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { Glob } from 'bun'

const root = join(import.meta.dir, '..')
const files = ['codecs', 'src'].flatMap((folder) =>
  [...new Glob(`${folder}/**/*.ts`).scanSync(root)].map((file) => file.replaceAll('\\', '/')),
)
const sources = files.filter((file) => !file.endsWith('.d.ts') && !file.startsWith('codecs/wasm/'))

/** Everything below `src/` not named here stands by itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  main: ['commands', 'config', 'datasets'],
  commands: [
    'api',
    'threads',
    'viewer',
    'webknossos',
    'overviews',
    'datasets',
    'formats',
    'metrics',
    'stores',
    'codecs',
    'cache',
    'render',
    'volume',
    'config',
    'log',
    'sample',
    'version',
  ],
  api: ['overviews', 'datasets', 'zarr', 'webknossos', 'viewer', 'render', 'metrics', 'cache', 'volume', 'log'],
  threads: ['api', 'metrics', 'webknossos', 'overviews', 'datasets', 'volume', 'log'],
  zarr: ['datasets', 'volume'],
  viewer: ['datasets', 'zarr', 'webknossos', 'volume'],
  webknossos: ['datasets', 'stores', 'volume', 'log'],
  render: ['codecs', 'volume'],
  sample: ['formats', 'volume'],
  datasets: ['overviews', 'formats', 'metrics', 'stores', 'codecs', 'cache', 'volume', 'log'],
  overviews: ['cache', 'volume', 'log'],
  formats: ['stores', 'codecs', 'cache', 'volume'],
  stores: ['volume'],
  codecs: ['metrics', 'volume'],
  cache: ['volume'],
  config: ['datasets', 'volume'],
  volume: [],
  metrics: [],
  log: [],
  version: [],
}

const moduleOf = (file: string): string => (file.startsWith('codecs/') ? 'codecs' : file.split('/')[1]!.replace(/\.ts$/, ''))

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
    .map(([, target]) => normalize(join(dirname(file), target!)).replaceAll('\\', '/'))
    .filter((target) => /^(src|codecs)\//.test(target) && target.endsWith('.ts'))
}

const graph = new Map(sources.map((file) => [file, importsOf(file)]))

test('the graph is read', () => {
  expect(graph.get('src/api/app.ts')).toContain('src/api/data.ts')
  expect(Object.keys(MAY_IMPORT).sort()).toEqual([...new Set(sources.map(moduleOf))].sort())
})

describe('left may import right, never back', () => {
  test.each(Object.keys(MAY_IMPORT))('%s', (module) => {
    const allowed = [module, ...MAY_IMPORT[module]!]
    for (const file of sources.filter((one) => moduleOf(one) === module)) {
      for (const target of graph.get(file)!) expect([file, target, allowed.includes(moduleOf(target))]).toEqual([file, target, true])
    }
  })
})

test('no format knows another', () => {
  for (const [file, targets] of graph) {
    const [, format] = /^src\/formats\/(\w+)\//.exec(file) ?? []
    if (!format) continue
    for (const target of targets) {
      const [, other] = /^src\/formats\/(\w+)\//.exec(target) ?? []
      expect([file, other ?? format]).toEqual([file, format])
    }
  }
})

test('no circle of imports', () => {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) throw new Error([...path.slice(path.indexOf(file)), file].join(' → '))
    if (done.has(file)) return
    for (const target of graph.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of sources) visit(file, [])
})

test('no file grows past three hundred lines', () => {
  const long = sources.filter((file) => readFileSync(join(root, file), 'utf8').split('\n').length > 300)
  expect(long).toEqual([])
})

test('only the log and the commands write to the terminal', () => {
  const talking = sources.filter((file) => /\bconsole\.|process\.std(out|err)\.write/.test(readFileSync(join(root, file), 'utf8')))
  expect(talking.filter((file) => !/^src\/(log|main)\.ts$|^src\/commands\//.test(file))).toEqual([])
})
