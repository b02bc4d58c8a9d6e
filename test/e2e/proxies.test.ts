/** The lines `wkconnect doctor` gives for https, in the programs they are for, in front of the executable. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { caddySnippet, nginxSnippet } from '../../src/webknossos/proxy-snippets.ts'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { canMakeCertificates, makeCertificate } from '../support/certificate.ts'

const BUCKETS = JSON.stringify(Array.from({ length: 8 }, (_, n) => ({ position: [n * 8, 0, 0], mag: [1, 1, 1], cubeSize: 32 })))

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

let server: RunningBinary
beforeAll(async () => {
  server = await RunningBinary.start(['--data', emptyFolder(), '--sample'])
  await server.list()
})
afterAll(() => server?.stop())

/** What is answered through a proxy is what is answered without one. `ca`: whom to trust, once it runs. */
async function check(port: number, ca: () => string | undefined): Promise<void> {
  const ask = (path: string, init: RequestInit = {}) => fetch(`https://localhost:${port}${path}`, { ...init, tls: { ca: ca() ?? '' } })
  for (let tries = 0; tries < 200; tries++) {
    if (ca() !== undefined && (await ask('/data/health').catch(() => undefined))?.ok) break
    await Bun.sleep(50)
  }
  expect(await (await ask('/data/health')).text()).toBe('Ok')
  const post = { method: 'POST', body: BUCKETS, headers: { 'Content-Type': 'application/json' } }
  const path = '/data/datasets/sample_organization/cells/layers/segmentation/data'
  const [through, plain] = await Promise.all([ask(path, post), server.get(path, post)])
  expect([through.status, through.headers.get('MISSING-BUCKETS')]).toEqual([200, plain.headers.get('MISSING-BUCKETS')])
  const [a, b] = await Promise.all([through.bytes(), plain.bytes()])
  expect([a.length > 500_000, Buffer.from(a).equals(Buffer.from(b))]).toEqual([true, true])
  expect((await ask('/')).status).toBe(200)
}

describe('https by a proxy', () => {
  // skipped where there is no nginx, or no openssl to make a certificate with
  test.skipIf(!Bun.which('nginx') || !canMakeCertificates)(
    'nginx',
    async () => {
      const [folder, port] = [emptyFolder(), await freePort()]
      const { certFile, keyFile } = makeCertificate('proxy')
      const snippet = nginxSnippet({ host: 'localhost', target: server.url })
        .replace('listen 443', `listen ${port}`)
        .replace(/(ssl_certificate) .*;/, `$1 ${certFile};`)
        .replace(/(ssl_certificate_key) .*;/, `$1 ${keyFile};`)
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
      const config = `daemon off; pid ${folder}/pid; error_log stderr; events {} http { access_log off; ${paths} ${snippet} }`
      writeFileSync(join(folder, 'nginx.conf'), config)
      await using _proxy = Bun.spawn(['nginx', '-c', join(folder, 'nginx.conf'), '-p', folder], { stdout: 'ignore', stderr: 'ignore' })
      await check(port, () => readFileSync(certFile, 'utf8'))
    },
    30_000,
  )

  // skipped where there is no caddy
  test.skipIf(!Bun.which('caddy'))(
    'caddy',
    async () => {
      const [folder, port] = [emptyFolder(), await freePort()]
      const options = `{\n  local_certs\n  skip_install_trust\n  admin off\n  auto_https disable_redirects\n  https_port ${port}\n}`
      writeFileSync(join(folder, 'Caddyfile'), `${options}\n${caddySnippet({ host: 'localhost', target: server.url })}\n`)
      await using _proxy = Bun.spawn(['caddy', 'run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')], {
        env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
        stdout: 'ignore',
        stderr: 'ignore',
      })
      const root = join(folder, 'caddy/pki/authorities/local/root.crt')
      await check(port, () => {
        try {
          return readFileSync(root, 'utf8')
        } catch {
          return undefined
        }
      })
    },
    30_000,
  )
})
