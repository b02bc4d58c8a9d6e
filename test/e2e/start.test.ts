import { expect, test } from 'bun:test'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { emptyFolder, RunningBinary, runBinary } from '../support/binary.ts'

/** The public datasets of the sample data lie outside: here nobody can reach them, wherever the tests run. */
const OFFLINE = { env: { HTTPS_PROXY: 'http://127.0.0.1:1', HTTP_PROXY: 'http://127.0.0.1:1' } }

/** The sample data, made once by the executable itself. */
const sample = await (async () => {
  const folder = emptyFolder()
  await using server = await RunningBinary.start(['--sample', '--data', folder], OFFLINE)
  await server.list()
  return folder
})()

const names = async (server: RunningBinary) => (await server.list()).map(({ organization, name }) => `${organization}/${name}`).sort()

test('--sample writes a WKW and a TIFF dataset and the list of public ones, and says so', async () => {
  const folder = join(emptyFolder(), 'data')
  await using server = await RunningBinary.start(['--sample', '--data', folder], OFFLINE)
  expect(await names(server)).toEqual(
    ['cells', 'fafb_v14', 'harris2015', 'janelia_flyem_hemibrain', 'kasthuri2011', 'section'].map((name) => `sample_organization/${name}`),
  )
  const log = await server.logged(/6 datasets: 2 ok, 4 unusable/)
  expect(log).toContain('✓ sample_organization/cells   voxel 11.24 × 11.24 × 28 nm (datasource-properties.json)')
  expect(log).toContain('segmentation: 192×192×96 uint32 segmentation, mags 1-1-1 2-2-2 4-4-4')
  expect(log).toMatch(/✗ sample_organization\/fafb_v14: layer image: .*storage\.googleapis\.com/)
})

test('--sample leaves a folder with data alone', async () => {
  const folder = emptyFolder()
  mkdirSync(join(folder, 'binary'))
  await using server = await RunningBinary.start(['--sample', '--data', folder], OFFLINE)
  expect(await server.list()).toEqual([])
  expect(existsSync(join(folder, 'datasets.json'))).toBe(false)
})

test('a TIFF given as an argument is a dataset of its own, whatever the working directory', async () => {
  const file = join(emptyFolder(), 'brain.tif')
  cpSync(join(sample, 'binary/sample_organization/section/color.tif'), file)
  await using server = await RunningBinary.start([file])
  const [dataset] = await server.list()
  expect(dataset).toMatchObject({
    organization: 'sample_organization',
    name: 'brain',
    status: 'ok',
    layers: [{ name: 'brain', elementClass: 'uint8' }],
  })
})

test('a folder given as an argument is looked through like a data folder', async () => {
  await using server = await RunningBinary.start([join(sample, 'binary')])
  expect(await names(server)).toEqual(['sample_organization/cells', 'sample_organization/section'])
})

test('without arguments ./data is served if it exists, else the current folder', async () => {
  const cwd = emptyFolder()
  cpSync(join(sample, 'binary'), join(cwd, 'data/binary'), { recursive: true })
  await using inData = await RunningBinary.start([], { cwd })
  expect(await names(inData)).toEqual(['sample_organization/cells', 'sample_organization/section'])
  renameSync(join(cwd, 'data/binary'), join(cwd, 'binary'))
  renameSync(join(cwd, 'data'), join(cwd, 'gone'))
  await using here = await RunningBinary.start([], { cwd })
  expect(await names(here)).toEqual(['sample_organization/cells', 'sample_organization/section'])
})

test('the data folder of webknossos-connect starts as it is: same datasets, same port, on loopback', async () => {
  const data = join(emptyFolder(), 'data')
  cpSync(join(sample, 'binary'), join(data, 'binary'), { recursive: true })
  const port = await freePort()
  writeFileSync(
    join(data, 'config.json'),
    JSON.stringify({
      server: { host: '0.0.0.0', port, url: `http://localhost:${port}` },
      datastore: { name: 'connect', key: 'secret-key' },
      webknossos: { url: 'http://localhost:9000' },
      backends: { neuroglancer: {}, wkw: { fileCacheMaxEntries: 1000 } },
      datasets_path: 'data/datasets.json',
    }),
  )
  writeFileSync(
    join(data, 'datasets.json'),
    JSON.stringify({
      wkw: { sample_organization: { cells: {} } },
      tiff: { sample_organization: { section: { scale: [4, 5] } } },
      neuroglancer: {},
      boss: { org: { far: {} } },
    }),
  )
  const child = Bun.spawn([join(import.meta.dir, '../../dist/wkconnect'), '--data', data, '--local'], {
    cwd: emptyFolder(),
    env: {},
    stdout: 'pipe',
    stderr: 'pipe',
  })
  try {
    const list = await retry(
      async () =>
        (await (await fetch(`http://127.0.0.1:${port}/data/datasets`)).json()) as {
          name: string
          status: string
          voxelSize: { factor: number[] } | null
        }[],
    )
    expect(list.map(({ name, status }) => `${name} ${status}`).sort()).toEqual(['cells ok', 'far unusable', 'section ok'])
    expect(list.find(({ name }) => name === 'section')?.voxelSize?.factor).toEqual([4, 5, 1])
  } finally {
    child.kill()
  }
  expect(await new Response(child.stderr).text()).toContain('listening on 127.0.0.1 only')
})

test('a .env and a bunfig.toml in the folder it is started in are not run', async () => {
  const cwd = emptyFolder()
  const mark = join(cwd, 'ran')
  writeFileSync(join(cwd, '.env'), 'WK_ORGANIZATION=from_dotenv\n')
  writeFileSync(join(cwd, 'bunfig.toml'), 'preload = ["./evil.ts"]\n')
  writeFileSync(join(cwd, 'evil.ts'), `require('fs').writeFileSync(${JSON.stringify(mark)}, 'x')`)
  cpSync(join(sample, 'binary/sample_organization/cells'), join(cwd, 'cells'), { recursive: true })
  await using server = await RunningBinary.start([], { cwd })
  expect(await names(server)).toEqual(['sample_organization/cells'])
  expect(existsSync(mark)).toBe(false)
})

test('a flag wins over the environment, which wins over the default', async () => {
  const cells = join(sample, 'binary/sample_organization/cells')
  await using fromEnvironment = await RunningBinary.start([cells], { env: { WK_ORGANIZATION: 'from_environment' } })
  expect(await names(fromEnvironment)).toEqual(['from_environment/cells'])
  await using fromFlag = await RunningBinary.start([cells, '--organization', 'from_flag'], { env: { WK_ORGANIZATION: 'from_environment' } })
  expect(await names(fromFlag)).toEqual(['from_flag/cells'])
})

test('a port in use is an error that names it, not a second server on it', async () => {
  await using server = await RunningBinary.start(['--data', sample])
  const { port } = new URL(server.url)
  const second = await runBinary(['--data', sample, '--port', port])
  expect(second.code).toBe(2)
  expect(second.stderr).toBe(
    `wkconnect: port ${port} on 127.0.0.1 is in use by another program; choose another with --port, or 0 for any free one\n`,
  )
})

test('an address others can reach needs --public', async () => {
  const refused = await runBinary(['--host', '0.0.0.0', '--port', '0'])
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('add --public')
  await using server = await RunningBinary.start(['--host', '0.0.0.0', '--public', '--data', sample])
  expect((await fetch(`${server.url.replace('0.0.0.0', '127.0.0.1')}/data/health`)).status).toBe(200)
})

test('--help names every flag, --version the version; what is not understood is said', async () => {
  const help = await runBinary(['--help'])
  for (const flag of ['--data', '--host', '--port', '--cache', '--organization', '--allow-path', '--sample'])
    expect(help.stdout).toContain(flag)
  const { version } = JSON.parse(readFileSync(join(import.meta.dir, '../../package.json'), 'utf8'))
  expect((await runBinary(['--version'])).stdout).toContain(`wkconnect ${version} (`)
  const unknown = await runBinary(['--prot', '8000'])
  expect(unknown.code).toBe(2)
  expect(unknown.stderr).toContain("'--prot'")
  expect((await runBinary(['--port', 'many'])).stderr).toContain('--port: "many" is not a whole number')
})

test('SIGTERM ends it with exit code 0, as soon as it listens', async () => {
  const server = await RunningBinary.start(['--data', sample])
  expect(await server.stop('SIGTERM')).toBe(0)
})

test('SIGTERM lets an answer under way arrive whole', async () => {
  const server = await RunningBinary.start(['--data', sample])
  await server.list()
  const answer = server.get(
    '/data/datasets/sample_organization/cells/layers/segmentation/data?x=0&y=0&z=0&width=256&height=256&depth=256&mag=1-1-1',
  )
  const response = await answer
  const stopped = server.stop('SIGTERM')
  expect((await response.arrayBuffer()).byteLength).toBe(256 ** 3 * 4)
  expect(await stopped).toBe(0)
})

test('health answers before the data folder has been looked through', async () => {
  await using server = await RunningBinary.start(['--data', sample])
  const health = await server.get('/data/health')
  expect([health.status, await health.text()]).toEqual([200, 'Ok'])
})

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

async function retry<T>(work: () => Promise<T>): Promise<T> {
  for (let n = 0; ; n++) {
    try {
      return await work()
    } catch (error) {
      if (n > 100) throw error
      await Bun.sleep(50)
    }
  }
}
