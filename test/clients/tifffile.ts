/**
 * tifffile as the judge: it opens every golden file, and every file of the folders in $FIXTURES, and so do we. Where both have voxels
 * they are compared; what tifffile opens and we refuse is listed with our reason.
 */

import { readdirSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Resources } from '../../src/datasets/open.ts'
import type { Layer } from '../../src/volume/chunked-array.ts'
import { product, type Vec3 } from '../../src/volume/vec.ts'
import { GOLDEN, sha256 } from '../support/golden.ts'
import { makeResources, openPath, readBox } from '../support/open.ts'
import { pythonPath } from './client.ts'

interface Judged {
  readonly version: string
  readonly files: Readonly<Record<string, { readonly error: string } | { readonly candidates: readonly string[]; readonly shape: string }>>
}

const isTiff = (name: string) => /\.(tiff?|btf|tf8|svs|ndpi|scn|stk|lsm|qptiff)$/i.test(name)
/** Larger ones would take all day: tifffile reads whole volumes. */
const MAX_BYTES = 64 * 1024 * 1024

export async function run() {
  const roots = [join(GOLDEN, 'data/tiff'), join(GOLDEN, 'third-party'), ...(process.env['FIXTURES']?.split(':') ?? [])]
  const files = roots.flatMap((root) =>
    filesBelow(root).map((path) => [`${root.split('/').at(-1)}/${relative(root, path)}`, path] as const),
  )
  const judged = await judge(files.map(([, path]) => path))
  const resources = await makeResources()
  const rows: { client: string; version: string; opened: string; compared: string; asked: string }[] = []
  const refused = new Map<string, string[]>()
  const wrong: string[] = []
  let same = 0
  let unread = 0
  for (const [name, path] of files) {
    const theirs = judged.files[path]!
    const ours = await layersOf(path, resources)
    if ('error' in theirs) unread++
    else if ('reason' in ours) refused.set(ours.reason, [...(refused.get(ours.reason) ?? []), name])
    else {
      const missing = ours.hashes.filter(({ hash }) => !theirs.candidates.includes(hash))
      if (missing.length === 0) same++
      else wrong.push(`${name} (${theirs.shape}): layers ${missing.map(({ layer }) => layer).join(', ')} are not what tifffile reads`)
    }
  }
  resources.pool.close()
  const row = (opened: string, compared: string) =>
    rows.push({ client: 'tifffile', version: judged.version, opened, compared, asked: 'no requests: the files' })
  row(`${files.length} files`, `${same} equal in every layer, ${unread} that it does not read either`)
  for (const [reason, names] of refused)
    row(`refused by us: ${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`, reason)
  if (wrong.length > 0) throw new Error(`voxels differ:\n${wrong.join('\n')}`)
  return rows
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => isTiff(path) && statSync(path).size <= MAX_BYTES)
    .sort()
}

async function judge(paths: readonly string[]): Promise<Judged> {
  const python = pythonPath()
  const child = Bun.spawn([python, join(import.meta.dir, 'tifffile_judge.py')], {
    stdin: new Blob([JSON.stringify(paths)]),
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  if (code !== 0) throw new Error(`tifffile_judge.py ended with ${code}: ${err.slice(-2000)}`)
  return JSON.parse(out) as Judged
}

async function layersOf(path: string, resources: Resources): Promise<{ reason: string } | { hashes: { layer: string; hash: string }[] }> {
  try {
    // a file given by itself is read by itself: sets are opened as folders
    const folder = dirname(path)
    const isSet = readdirSync(folder).every((name) => /\.ome\.tiff?$/.test(name))
    const { layers } = await openPath(isSet ? folder : path, resources)
    const hashes: { layer: string; hash: string }[] = []
    for (const layer of layers) hashes.push({ layer: layer.name, hash: await hashOf(layer) })
    return { hashes }
  } catch (error) {
    return { reason: (error instanceof Error ? error.message : String(error)).replace(/^layer [^:]*: /, '').slice(0, 160) }
  }
}

async function hashOf(layer: Layer): Promise<string> {
  const size = layer.boundingBox.max as Vec3
  if (product(size) > 2 ** 28) throw new Error(`${size.join('×')} voxels are too many to compare`)
  return sha256(await readBox(layer, [1, 1, 1], [0, 0, 0], size))
}
