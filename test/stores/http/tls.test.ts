/** Own certificates, connections to a checked address, proxies. */
import { afterAll, describe, expect, test } from 'bun:test'
import { connect, createServer } from 'node:net'
import type { Guard } from '../../../src/stores/http/guard.ts'
import { Unusable } from '../../../src/volume/errors.ts'
import { makeCertificates } from '../../support/certificate.ts'
import { ObjectServer } from '../../support/object-server.ts'
import { openTrusted, remoteStores } from '../../support/remote.ts'

const { caFile, cert, key } = await makeCertificates('minio.lab.test')
const server = Bun.serve({ port: 0, tls: { cert, key }, fetch: (request) => new Response(request.headers.get('host')) })
afterAll(() => server.stop(true))
const quick = { client: { totalMs: 3000 } }
const textOf = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes)

test('a server with a certificate of nobody is refused, with the flag that allows it', async () => {
  const store = await openTrusted(`https://localhost:${server.port}`, quick)
  const error = await store.get('a').catch((reason) => reason)
  expect(error.message).toContain('--ca-file')
})

test('--ca-file makes it known, and only for its own names', async () => {
  expect(textOf(await (await openTrusted(`https://localhost:${server.port}`, { caFile })).get('a'))).toBe(`localhost:${server.port}`)
  const store = await openTrusted(`https://127.0.0.1:${server.port}`, { caFile, ...quick })
  expect((await store.get('a').catch((reason) => reason)).message).toMatch(/another name|ALTNAME|altname/)
})

test('a checked address is connected to under the name of the URL: in Host and in the certificate', async () => {
  const guard = { addressOf: async () => '127.0.0.1' } as unknown as Guard
  const ask = (name: string) =>
    remoteStores({ caFile, ...quick }).client.send({ url: new URL(`https://${name}:${server.port}/a`), maxBytes: 100, guard })
  expect(textOf((await ask('minio.lab.test')).bytes)).toBe(`minio.lab.test:${server.port}`)
  expect((await ask('other.lab.test').catch((reason) => reason)).message).toMatch(/another name|ALTNAME|altname/)
})

test.each(['/nothing/there', import.meta.path])('%s as --ca-file is refused', (path) =>
  expect(() => remoteStores({ caFile: path })).toThrow(Unusable),
)

describe('proxies', async () => {
  const asked: string[] = []
  // CONNECT for https, absolute URLs for http
  const proxy = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (head) => {
      const [method, target = ''] = head.toString('latin1').split(' ')
      asked.push(`${method} ${target}`)
      const { hostname, port } = new URL(method === 'CONNECT' ? `http://${target}` : target)
      const onward = connect(Number(port), hostname.endsWith('.test') ? '127.0.0.1' : hostname, () => {
        if (method === 'CONNECT') socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
        else onward.write(head)
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => socket.destroy())
    })
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const plain = await ObjectServer.start({ a: Uint8Array.of(5) })
  afterAll(async () => {
    proxy.close()
    await plain[Symbol.asyncDispose]()
  })
  const through = async <T>(variables: Record<string, string>, work: () => Promise<T>): Promise<T> => {
    asked.length = 0
    Object.assign(process.env, variables)
    try {
      return await work()
    } finally {
      for (const name of Object.keys(variables)) delete process.env[name]
    }
  }
  const url = () => `http://127.0.0.1:${(proxy.address() as { port: number }).port}`

  test('HTTPS_PROXY tunnels, and the certificate is still checked', async () => {
    const get = async () => textOf(await (await openTrusted(`https://minio.lab.test:${server.port}`, { caFile, ...quick })).get('a'))
    expect(await through({ HTTPS_PROXY: url() }, get)).toBe(`minio.lab.test:${server.port}`)
    expect(asked).toEqual([`CONNECT minio.lab.test:${server.port}`])
  })

  test('HTTP_PROXY is asked for the URL; NO_PROXY names what is reached without', async () => {
    const get = async () => (await openTrusted(plain.url)).get('a')
    expect(await through({ HTTP_PROXY: url() }, get)).toEqual(Uint8Array.of(5))
    expect(asked).toEqual([`GET ${plain.url}/a`])
    expect(await through({ HTTP_PROXY: url(), NO_PROXY: 'localhost,127.0.0.1' }, get)).toEqual(Uint8Array.of(5))
    expect(asked).toEqual([])
  })

  test('the metadata service of a machine is never asked through one', async () => {
    await using metadata = await ObjectServer.start()
    metadata.answer(() => Response.json({ access_token: 'mine', expires_in: 3000 }))
    const place = { amazon: metadata.url, google: metadata.url }
    const get = async () =>
      (await openTrusted('gs://bucket', { metadata: place, environment: { STORAGE_EMULATOR_HOST: plain.url } }, 'role')).get('a')
    await through({ HTTP_PROXY: url(), NO_PROXY: '' }, get)
    expect(metadata.asked.length).toBe(1)
    expect(asked.filter((line) => line.includes(metadata.url))).toEqual([])
  })
})
