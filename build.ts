/**
 * Makes the executable: `bun build.ts [--target NAME] [--outfile FILE]`. Targets: linux-x64, linux-x64-baseline, linux-x64-musl,
 * linux-arm64, linux-arm64-musl, darwin-x64, darwin-arm64, windows-x64; without one, this machine's.
 */
import { parseArgs } from 'node:util'
import { $ } from 'bun'

const TARGETS = [
  'linux-x64',
  'linux-x64-baseline',
  'linux-x64-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'windows-x64',
]

const { values } = parseArgs({ options: { target: { type: 'string' }, outfile: { type: 'string' } } })
if (values.target && !TARGETS.includes(values.target)) throw new Error(`no target ${values.target}; there are ${TARGETS.join(', ')}`)

const root = import.meta.dir
const { version } = await Bun.file(`${root}/package.json`).json()
const git = await $`git -C ${root} rev-parse --short=12 HEAD`.quiet().nothrow()
const commit = git.exitCode === 0 ? git.text().trim() : 'unknown'
const outfile =
  values.outfile ?? `${root}/dist/wkconnect${values.target ? `-${values.target}` : ''}${values.target?.startsWith('windows') ? '.exe' : ''}`

const result = await Bun.build({
  // workers are started by their address, so they have to be named here to be in the executable
  entrypoints: [`${root}/src/main.ts`, `${root}/codecs/worker.ts`],
  root,
  minify: { syntax: true, whitespace: true },
  define: {
    WKCONNECT_VERSION: JSON.stringify(version),
    WKCONNECT_COMMIT: JSON.stringify(commit),
    WKCONNECT_WORKER: JSON.stringify('./codecs/worker.js'),
  },
  compile: {
    outfile,
    ...(values.target && { target: `bun-${values.target}` as Bun.Build.CompileTarget }),
    // otherwise .env and the preloads of bunfig.toml in the folder it is started in are run: a folder of images must not be code
    autoloadDotenv: false,
    autoloadBunfig: false,
  },
})
for (const log of result.logs) console.error(log)
if (!result.success) process.exit(1)
console.log(`${outfile} (${version}, ${commit})`)
