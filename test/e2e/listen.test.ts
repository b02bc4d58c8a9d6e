/** Speaking https ourselves, and living below a path of a proxy. */
import { describe, expect, test } from 'bun:test'
import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { emptyFolder, RunningBinary, runBinary } from '../support/binary.ts'
import { canMakeCertificates, makeCertificate } from '../support/certificate.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

function dataFolder(): string {
  const data = emptyFolder()
  writeTinyTiff(join(data, 'lab', 'one', 'v.tif'), 8, 8)
  return data
}

/** Common name of the certificate a server shows. */
function shownBy(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
    resolve(String(socket.getPeerCertificate().subject.CN))
    socket.destroy()
  })
  socket.on('error', reject)
  return promise
}

// skipped where there is no openssl to make a certificate with
describe.skipIf(!canMakeCertificates)('https of our own', () => {
  test('is spoken with the certificate, and with the next one when it changes; a broken one changes nothing', async () => {
    const [first, second] = [makeCertificate('first'), makeCertificate('second')]
    await using server = await RunningBinary.start(['--data', dataFolder(), '--tls-cert', first.certFile, '--tls-key', first.keyFile])
    expect(server.url).toStartWith('https://')
    const ask = () => fetch(`${server.url}/data/health`, { tls: { rejectUnauthorized: false }, keepalive: false } as RequestInit)
    expect([(await ask()).status, await shownBy(server.url)]).toEqual([200, 'first'])
    writeFileSync(first.certFile, 'no certificate')
    await server.logged(/certificate stays as it was/)
    expect([(await ask()).status, await shownBy(server.url)]).toEqual([200, 'first'])
    copyFileSync(second.keyFile, first.keyFile)
    copyFileSync(second.certFile, first.certFile)
    await server.logged(/was read again/)
    expect([(await ask()).status, await shownBy(server.url)]).toEqual([200, 'second'])
  }, 20_000)

  test('a certificate and a key that do not belong together are refused at start', async () => {
    const [one, other] = [makeCertificate('one'), makeCertificate('other')]
    const args = ['--data', dataFolder(), '--port', '0', '--tls-cert', one.certFile]
    const mixed = await runBinary([...args, '--tls-key', other.keyFile])
    expect([mixed.code, mixed.stderr]).toEqual([2, expect.stringContaining('cannot be used together')])
    const alone = await runBinary(args)
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining('go together')])
  })
})

describe('below a path', () => {
  test('everything is answered there and without it, and the page links below it', async () => {
    await using server = await RunningBinary.start([
      '--data',
      dataFolder(),
      '--base-path',
      '/connect/',
      '--require-token',
      '--admin-token',
      'x',
    ])
    expect(server.url).toEndWith('/connect')
    const at = (path: string, init?: RequestInit) => fetch(new URL(path, server.url), init)
    for (const base of ['', '/connect']) {
      expect((await at(`${base}/data/health`)).status).toBe(200)
      expect((await at(`${base}/data/v9/datasets/lab/one?token=x`)).status).toBe(200)
      expect((await at(`${base}/api/buildinfo`)).status).toBe(200)
    }
    const page = await (await at('/connect/?token=x')).text()
    expect(page).toMatch(/src="\/connect\/picture\//)
    const picture = /src="(\/connect\/picture\/[^"]+)"/.exec(page)?.[1] ?? ''
    expect((await at(`${picture}&token=x`)).headers.get('content-type')).toBe('image/png')
    expect(await (await at('/connect')).text()).toContain('action="/connect/sign-in"')
    const signedIn = await at('/connect/sign-in', { method: 'POST', body: new URLSearchParams({ token: 'x' }), redirect: 'manual' })
    expect([signedIn.status, signedIn.headers.get('location')]).toEqual([303, '/connect/'])
    expect((await at('/other/data/health')).status).toBe(404)
  })

  test.each(['../x', 'a b', '/a/./b'])('%s is none', async (path) => {
    expect((await runBinary(['--data', dataFolder(), '--port', '0', '--base-path', path])).code).toBe(2)
  })
})
