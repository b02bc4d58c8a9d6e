/** What a check of a real client needs: the executable serving all golden data, what to read there, and what was asked for. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { RunningBinary } from '../support/binary.ts'
import { GOLDEN, readable } from '../support/golden.ts'

/** One line of the table. */
export interface ClientRow {
  readonly client: string
  readonly version: string
  readonly opened: string
  readonly compared: string
  readonly asked: string
}

/** One mag of one layer and what its reference reader reads there. */
export interface GoldenArray {
  readonly dataset: string
  readonly layer: string
  readonly mag: string
  /** Voxels of the mag. */
  readonly topLeft: readonly number[]
  readonly size: readonly number[]
  /** Where the layer has times: which one. */
  readonly time?: number | undefined
  /** x fastest, channels interleaved, little endian. */
  readonly sha256: string
}

const THIRD_PARTY = ['hms-dbmi+viv', 'libvips+libvips', 'scalableminds+webknossos-libs']

/** The folders that hold every golden case. */
export const goldenFolders = [join(GOLDEN, 'data'), ...THIRD_PARTY.map((name) => join(GOLDEN, 'third-party', name))]

export const goldenArrays: readonly GoldenArray[] = readable.flatMap(({ organization, dataset, layers, times }) =>
  [layers, ...(times ?? [])].flatMap((atTime, time) =>
    atTime.map(({ name, mag, topLeft, size, sha256 }) => ({
      dataset: `${organization}/${dataset}`,
      layer: name,
      mag: mag.join('-'),
      topLeft,
      size,
      time: times && time,
      sha256,
    })),
  ),
)

/** The order of the axes that arrays of a route have. */
export const axesOf = (route: string): 'cxyz' | 'czyx' => (route.includes('-zyx') ? 'czyx' : 'cxyz')

/** With every request in its log. */
export async function startServer(args: readonly string[] = goldenFolders): Promise<RunningBinary> {
  const server = await RunningBinary.start([...args, '--log-requests'])
  await server.list()
  return server
}

/** What is installed for a script: `test/clients/requirements-NAME.txt`, or `requirements.txt`. */
export type Environment = 'main' | 'zarr2' | 'napari'

export async function python(script: string, input: unknown, environment: Environment = 'main'): Promise<unknown> {
  const child = Bun.spawn([pythonPath(environment), join(import.meta.dir, script)], {
    stdin: new Blob([JSON.stringify(input)]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  if (code !== 0) throw new Error(`${script} ended with ${code}:\n${err.slice(-4000)}`)
  return JSON.parse(out.slice(out.lastIndexOf('\n{') + 1))
}

/** $PYTHON for the main one, otherwise an environment made in .clients. */
export function pythonPath(environment: Environment = 'main'): string {
  const stated = process.env['PYTHON']
  if (stated && environment === 'main') return stated
  const venv = join(import.meta.dir, '../../.clients', environment === 'main' ? 'venv' : environment)
  const path = join(venv, 'bin/python')
  if (existsSync(path)) return path
  const requirements = join(import.meta.dir, environment === 'main' ? 'requirements.txt' : `requirements-${environment}.txt`)
  for (const command of [
    [interpreter(), '-m', 'venv', venv],
    [path, '-m', 'pip', 'install', '--quiet', '--requirement', requirements],
  ]) {
    if (Bun.spawnSync(command, { stdio: ['ignore', 'inherit', 'inherit'] }).exitCode !== 0) throw new Error(`${command.join(' ')} failed`)
  }
  return path
}

/** zarr-python 3.4, which napari's reader needs, wants Python 3.12. */
function interpreter(): string {
  const isNew = (command: string) =>
    Bun.which(command) !== null &&
    Bun.spawnSync([command, '-c', 'import sys; sys.exit(sys.version_info < (3, 12))'], { stdio: ['ignore', 'ignore', 'ignore'] })
      .exitCode === 0
  return ['python3', 'python3.12', 'python3.13'].find(isNew) ?? 'python3'
}

/** Requests in the log by kind and status, most frequent first. */
export async function asked(server: RunningBinary): Promise<string> {
  // the last lines may still be on their way
  await Bun.sleep(300)
  const counts = new Map<string, number>()
  for (const [, method, path, status] of server.log.matchAll(/(GET|HEAD|POST|OPTIONS) (\/\S+) (\d{3})/g)) {
    if (path === '/data/datasets') continue
    const last = new URL(path!, 'http://x').pathname.split('/').at(-1)!
    const kind = /^\d+(\.\d+){3,}$/.test(last) ? 'chunk' : last || '/'
    const key = `${method === 'GET' ? '' : `${method} `}${kind}${status === '200' ? '' : ` ${status}`}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([kind, count]) => `${kind} ${count}×`)
    .join(', ')
}

/** "12 arrays, 34,567 voxels"; throws with every array that is not what its source says. */
export function compare(arrays: readonly GoldenArray[], read: readonly { readonly sha256: string; readonly error?: string }[]): string {
  const wrong = arrays.flatMap((array, n) =>
    read[n]?.sha256 === array.sha256 ? [] : [`${array.dataset}/${array.layer}/${array.mag}: ${read[n]?.error ?? 'other voxels'}`],
  )
  if (wrong.length > 0 || read.length !== arrays.length)
    throw new Error(`${wrong.length} of ${arrays.length} differ:\n${wrong.slice(0, 5).join('\n')}`)
  const voxels = arrays.reduce((sum, { size }) => sum + size.reduce((product, edge) => product * edge), 0)
  return `${voxels.toLocaleString('en')} voxels, all equal`
}
