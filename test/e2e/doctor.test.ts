/** `wkconnect doctor` and `wkconnect register` against cores with every fault they are to find. */
import { afterEach, expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { emptyFolder, RunningBinary, runBinary } from '../support/binary.ts'
import { canMakeCertificates, makeCertificate } from '../support/certificate.ts'
import { KEY, TestCore } from '../support/core/core.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

/** An address of this machine that is not loopback. */
const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one && !one.internal && one.family === 'IPv4')?.address

const cleanUp: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

function testCore(...options: ConstructorParameters<typeof TestCore>): TestCore {
  const core = new TestCore(...options)
  core.admins.add('boss')
  cleanUp.push(core)
  return core
}

function dataFolder(...paths: string[]): string {
  const data = emptyFolder()
  for (const path of paths) writeTinyTiff(join(data, path, 'v.tif'), 32, 32)
  return data
}

async function running(core: TestCore, data: string): Promise<void> {
  const server = await RunningBinary.start(['--data', data, ...core.flags])
  cleanUp.push(server)
  core.publicUrl = server.url
  await core.until('a bulk report', () => core.bulk.some(({ status }) => status === 200))
}

const doctor = (core: TestCore, data: string, ...more: string[]) => runBinary(['doctor', '--data', data, ...core.flags, ...more])

test.each(['C2', 'v15'] as const)('%s: nothing is wrong', async (era) => {
  const core = testCore(era)
  const data = dataFolder('sample_organization/one')
  await running(core, data)
  const { code, stdout } = await doctor(core, data)
  expect([code, stdout]).toEqual([0, expect.stringMatching(/✓ key: .*\n✓ public-address: [\s\S]*Nothing is wrong/)])
})

test('core away, no webKnossos at all, and a version that is too new', async () => {
  const core = testCore('v15')
  const data = dataFolder('sample_organization/one')
  const away = await doctor(core, data, '--core', 'http://127.0.0.1:9')
  expect([away.code, away.stdout]).toEqual([
    1,
    expect.stringMatching(/✗ core-answers: webKnossos http:\/\/127\.0\.0\.1:9 refuses connections/),
  ])
  const other = Bun.serve({ port: 0, fetch: () => new Response('<html>') })
  cleanUp.push({ [Symbol.asyncDispose]: () => other.stop(true) })
  expect((await doctor(core, data, '--core', other.url.href)).stdout).toMatch(/✗ core-answers: .*not as a webKnossos server does/)
  const info = { webknossos: {}, httpApiVersioning: { currentApiVersion: 30, oldestSupportedApiVersion: 25 } }
  const newer = Bun.serve({ port: 0, fetch: () => Response.json(info) })
  cleanUp.push({ [Symbol.asyncDispose]: () => newer.stop(true) })
  expect((await doctor(core, data, '--core', newer.url.href)).stdout).toMatch(/✗ version: .*no version before 25/)
})

test('a refused key and an unknown name are told apart, and no secret is shown', async () => {
  const core = testCore('v13')
  const data = dataFolder('sample_organization/one')
  const key = await doctor(core, data, '--datastore-key', 'guessed', '--token', 'boss')
  expect([key.code, key.stdout]).toEqual([
    1,
    expect.stringMatching(/✗ key: webKnossos refuses the key of datastore connect[\s\S]*--datastore-key/),
  ])
  const name = await doctor(core, data, '--datastore-name', 'conect', '--token', 'boss')
  expect(name.stdout).toMatch(/✗ datastore-name: webKnossos has no datastore conect; it has connect[\s\S]*wkconnect register/)
  for (const { stdout, stderr } of [key, name]) for (const secret of ['guessed', KEY, 'boss']) expect(stdout + stderr).not.toContain(secret)
})

// skipped where the machine has no address but loopback: nothing can then be elsewhere
test.skipIf(!outside)('a core on another machine that is told to reach us on its own', async () => {
  const core = testCore('v15')
  const data = dataFolder('sample_organization/one')
  const proxied = Bun.serve({
    port: 0,
    hostname: outside!,
    fetch: (request) => fetch(core.url + new URL(request.url).pathname + new URL(request.url).search, request),
  })
  cleanUp.push({ [Symbol.asyncDispose]: () => proxied.stop(true) })
  const there = ['--core', `http://${outside}:${proxied.port}`]
  expect((await doctor(core, data, ...there)).stdout).toMatch(/✗ own-address: .* told to reach this server at http:\/\/127\.0\.0\.1:8000/)
  expect((await doctor(core, data, ...there, '--url', 'http://ds:8000')).stdout).not.toContain('own-address')
})

test('a public address nobody answers at', async () => {
  const core = testCore('v15')
  const { stdout } = await doctor(core, dataFolder('sample_organization/one'))
  expect(stdout).toMatch(/✗ public-address: http:\/\/127\.0\.0\.1:1\/data\/health cannot be reached/)
})

// skipped where there is no openssl to make a certificate with
test.skipIf(!canMakeCertificates)(
  'an https webKnossos that sends browsers to http: snippets for nginx and caddy',
  async () => {
    const { certFile, keyFile } = makeCertificate('core')
    const core = testCore('v15', { tls: { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') } })
    core.publicUrl = 'http://data.lab.example:8000'
    const args = ['doctor', '--data', dataFolder('sample_organization/one'), ...core.flags]
    const untrusted = await runBinary(args)
    expect(untrusted.stdout).toMatch(/has a certificate that is not trusted/)
    const { stdout } = await runBinary(args, { env: { NODE_EXTRA_CA_CERTS: certFile } })
    expect(stdout).toMatch(/✗ public-address-kind: .*from an https page they load nothing by http/)
    expect(stdout).toMatch(
      /server_name data\.lab\.example;[\s\S]*proxy_pass http:\/\/127\.0\.0\.1:8000;[\s\S]*data\.lab\.example \{\s+reverse_proxy 127|reverse_proxy http/,
    )
    if (Bun.which('nginx')) expect(await acceptedByNginx(/server \{[\s\S]*?\n {4}\}/.exec(stdout)![0], certFile, keyFile)).toBe('')
    core.publicUrl = 'http://localhost:8000'
    expect((await runBinary(args, { env: { NODE_EXTRA_CA_CERTS: certFile } })).stdout).toContain('✗ public-address-kind')
  },
  15_000,
)

/** Empty, or what nginx says against it. */
async function acceptedByNginx(snippet: string, certFile: string, keyFile: string): Promise<string> {
  const folder = emptyFolder()
  const server = snippet.replace(/(ssl_certificate) .*;/, `$1 ${certFile};`).replace(/(ssl_certificate_key) .*;/, `$1 ${keyFile};`)
  writeFileSync(join(folder, 'nginx.conf'), `pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${server} }`)
  const child = Bun.spawn(['nginx', '-t', '-c', join(folder, 'nginx.conf'), '-p', folder], { stdout: 'ignore', stderr: 'pipe' })
  const said = await new Response(child.stderr).text()
  return (await child.exited) === 0 ? '' : said
}

test('an organization nobody has, a name of another datastore, and datasets only administrators see', async () => {
  const core = testCore('v15', { organizations: ['lab'] })
  core.rows.add({ id: { team: 'lab', name: 'taken' }, dataLayers: [{ name: 'other' }], scale: [1, 1, 1] }, 'localhost')
  const data = dataFolder('lab/taken', 'lab/mine', 'sample_organization/x')
  await running(core, data)
  const { code, stdout } = await doctor(core, data, '--token', 'boss')
  expect(code).toBe(1)
  expect(stdout).toMatch(/✗ dataset-arrived: lab\/taken: .*belongs to the datastore localhost/)
  expect(stdout).toMatch(/✗ organization: webKnossos has no organization "sample_organization".*hardly any webKnossos has it/)
  expect(stdout).toMatch(/--organization lab/)
  expect(stdout).toMatch(/· visible: Only administrators see lab\/mine\./)
  expect(stdout).not.toContain('boss')
})

test('register makes the row by core’s route, or says how else', async () => {
  const core = testCore('v15')
  const args = [
    'register',
    '--data',
    emptyFolder(),
    '--core',
    core.url,
    '--public-url',
    'https://data.lab.example',
    '--url',
    'http://ds:8000',
  ]
  const made = await runBinary([...args, '--token', 'boss'])
  expect(made.code).toBe(0)
  const key = /"key": "([0-9a-f]{48})"/.exec(made.stdout)?.[1]
  expect(core.registered).toEqual([
    expect.objectContaining({ name: 'connect', key, url: 'http://ds:8000', publicUrl: 'https://data.lab.example', allowsUpload: false }),
  ])
  const refused = await runBinary([...args, '--token', 'somebody'])
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/Access denied[\s\S]*--sql/)])
  expect(refused.stderr).not.toContain('somebody')
})

test.each([
  ['C2', true],
  ['T1', false],
  ['v15', false],
] as const)('register --sql for %s: connectors %p', async (era, hasConnectors) => {
  const core = testCore(era)
  const args = ['register', '--sql', '--data', emptyFolder(), '--core', core.url, '--datastore-key', "it's", '--datastore-name', 'x']
  const { code, stdout } = await runBinary(args)
  expect(code).toBe(0)
  expect(stdout.includes('isConnector')).toBe(hasConnectors)
  expect(stdout).toMatch(
    /^INSERT INTO webknossos\.datastores \(name, url, publicUrl, key,[\s\S]*'it''s'[\s\S]*ON CONFLICT \(name\) DO UPDATE SET url = EXCLUDED\.url/,
  )
})
