/** `bun run golden`: runs the scripts of this folder with the reference writers; PYTHON names an interpreter that has them already. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { $ } from 'bun'

const root = join(import.meta.dir, '../..')
const venv = join(root, '.venv')
const python = process.env['PYTHON'] ?? join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
if (!existsSync(python)) {
  await $`python3 -m venv ${venv}`
  await $`${python} -m pip install --quiet -r ${join(import.meta.dir, 'requirements.txt')}`
}
for (const script of ['generate.py', 'jpeg.py', 'precomputed.py', 'downsample.py', 'boss.py', 'meshes.py'])
  await $`${python} ${join(import.meta.dir, script)}`
