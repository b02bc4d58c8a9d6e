/** neuroglancer and Viv, bundled from their packages and served on a port of their own, as they are on the web. */
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const HERE = import.meta.dir
/** Their packages are large and only needed here: not among those of the server. */
export const PACKAGES = join(HERE, '../../../.clients/browser')
const modules = join(PACKAGES, 'node_modules')

export const versionOf = (name: string): string => JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).version

/** `?raw` means the text of a file. Icons that a newer package has lost are left empty. */
const raw: Bun.BunPlugin = {
  name: 'raw',
  setup(build) {
    build.onResolve({ filter: /\?raw$/ }, ({ path, importer }) => {
      const file = path.slice(0, -'?raw'.length)
      return { path: file.startsWith('.') ? join(dirname(importer), file) : join(modules, file), namespace: 'raw' }
    })
    build.onLoad({ filter: /.*/, namespace: 'raw' }, ({ path }) => {
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '<svg xmlns="http://www.w3.org/2000/svg"/>'
      return { contents: `export default ${JSON.stringify(text)}`, loader: 'js' }
    })
  },
}

async function bundle(): Promise<string> {
  mkdirSync(PACKAGES, { recursive: true })
  cpSync(join(HERE, 'package.json'), join(PACKAGES, 'package.json'))
  cpSync(join(HERE, 'viv.js'), join(PACKAGES, 'viv.js'))
  if (!existsSync(join(modules, 'neuroglancer'))) {
    // npm: one of their packages is named by an address of GitHub, and only npm takes the one of the registry in its place
    const npm = Bun.spawnSync(['npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PACKAGES })
    if (npm.exitCode !== 0) throw new Error(`npm install failed: ${npm.stderr}`)
  }
  const outdir = join(PACKAGES, 'bundled')
  const lib = join(modules, 'neuroglancer/lib')
  const entrypoints = ['main', 'chunk_worker', 'async_computation'].map((name) => join(lib, `${name}.bundle.js`))
  for (const points of [entrypoints, [join(PACKAGES, 'viv.js')]]) {
    const { success, logs } = await Bun.build({ entrypoints: points, outdir, target: 'browser', naming: '[name].[ext]', plugins: [raw] })
    if (!success) throw new AggregateError(logs, 'bundling failed')
  }
  return outdir
}

const page = (head: string) =>
  new Response(
    `<!doctype html><meta charset="utf-8"><style>html, body { margin: 0; height: 100% } #neuroglancer-container { height: 100% }</style>${head}`,
    { headers: { 'Content-Type': 'text/html; charset=utf-8' } },
  )

/** `/neuroglancer/` and `/viv/?zarr=URL`. */
export async function serveViewers(): Promise<{ readonly url: string } & AsyncDisposable> {
  const folder = await bundle()
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const { pathname } = new URL(request.url)
      if (pathname === '/neuroglancer/')
        return page(
          '<link rel="stylesheet" href="main.bundle.css"><div id="neuroglancer-container"></div><script type="module" src="main.bundle.js"></script>',
        )
      if (pathname === '/viv/') return page('<script type="module" src="viv.js"></script>')
      const file = Bun.file(join(folder, pathname.split('/').at(-1)!))
      return file.size > 0 ? new Response(file) : new Response('', { status: 404 })
    },
  })
  return { url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: () => server.stop(true) }
}
