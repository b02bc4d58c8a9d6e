/** `bun run bench [name …]`: measures and writes the section of each bench into docs/performance.md. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

const BENCHES = [
  'codecs',
  'reference',
  'cutout',
  'downsample',
  'pool',
  'precomputed',
  'boss',
  'tiff',
  'http',
  'threads',
  'remote',
  'start',
  'memory',
  'nas',
  'core',
  'thumbnail',
  'zarr',
  'overview',
  'metrics',
  'steady',
  'matrix',
  'libraries',
  'endurance',
  'predecessor',
] as const

interface Bench {
  readonly title: string
  /** Of docs, where it is not performance.md. */
  readonly page?: string
  run(): Promise<string>
}

const asked = process.argv.slice(2)
for (const name of asked)
  if (!(BENCHES as readonly string[]).includes(name)) throw new Error(`no bench ${name}; there are ${BENCHES.join(', ')}`)

const built = Bun.spawnSync([process.execPath, 'build.ts'], { cwd: join(import.meta.dir, '..'), stdio: ['ignore', 'inherit', 'inherit'] })
if (built.exitCode !== 0) process.exit(1)

const machine = () => {
  const wrk = Bun.which('wrk') ? (Bun.spawnSync(['wrk', '-v']).stdout.toString().split('\n')[0]?.split('[')[0]?.trim() ?? '') : 'no wrk'
  return `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${process.arch}, Bun ${Bun.version}, ${wrk}`
}

for (const name of BENCHES) {
  if (asked.length > 0 && !asked.includes(name)) continue
  const bench: Bench = await import(`./${name}.ts`)
  console.log(`\n## ${bench.title}\n`)
  const result = await bench.run()
  console.log(result)
  writeSection(bench.page ?? 'performance.md', name, `## ${bench.title}\n\n    bun run bench ${name}\n\n${machine()}.\n\n${result}`)
}

/** Replaces what stands between the marks of this bench, or adds it at the end. */
function writeSection(file: string, name: string, text: string): void {
  const path = join(import.meta.dir, '../docs', file)
  const [begin, end] = [`<!-- bench ${name} -->`, `<!-- end ${name} -->`]
  const page = existsSync(path) ? readFileSync(path, 'utf8') : '# Performance\n'
  const section = `${begin}\n\n${text}\n\n${end}`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  writeFileSync(
    path,
    from >= 0 && to > from ? page.slice(0, from) + section + page.slice(to + end.length) : `${page.trimEnd()}\n\n${section}\n`,
  )
}
