/** Where strangers' URLs may lead: every way to write an address that is not public (landscape of SSRF guards; RFC 6890). */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { isPublicAddress } from '../../../src/stores/http/addresses.ts'
import { Guard } from '../../../src/stores/http/guard.ts'
import { Unusable } from '../../../src/volume/errors.ts'
import { ObjectServer } from '../../support/object-server.ts'
import { remoteStores } from '../../support/remote.ts'

const INSIDE = {
  'this network': ['0.0.0.0', '0.1.2.3', '::'],
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'],
  private: ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', 'fc00::1', 'fd12:3456::1', 'fec0::1'],
  'link-local, cloud metadata': ['169.254.169.254', '169.254.170.2', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254'],
  'shared by providers': ['100.64.0.1', '100.127.255.255', '100.100.100.200'],
  'documentation and tests': [
    '192.0.2.1',
    '198.51.100.7',
    '203.0.113.9',
    '198.18.0.1',
    '198.19.255.255',
    '2001:db8::1',
    '3fff::1',
    '100::1',
  ],
  'multicast and reserved': ['224.0.0.1', '239.1.1.1', '240.0.0.1', '255.255.255.255', 'ff02::1'],
  'assigned for protocols': ['192.0.0.8', '192.88.99.1', '2001:2::1', '2001:10::1'],
  'IPv4 mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254', '0:0:0:0:0:ffff:a00:1'],
  'IPv4 translated': ['::ffff:0:127.0.0.1', '::ffff:0:7f00:1'],
  'IPv4 compatible': ['::127.0.0.1', '::7f00:1', '::10.0.0.1'],
  '6to4': ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2002:c0a8:101::'],
  NAT64: ['64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::1', '64:ff9b:1::8.8.8.8'],
  // the client's address has its bits turned round: 80ff:fffe is 127.0.0.1
  Teredo: ['2001:0:7f00:1::', '2001:0:808:808:0:0:80ff:fffe', '2001::1'],
  ISATAP: ['2a00:1450::5efe:127.0.0.1', '2a00:1450::200:5efe:a00:1', '2a00:1450::5efe:a9fe:a9fe'],
  'not an address': ['', 'localhost', '127.1', '0x7f000001', '2130706433', '1.2.3', '1.2.3.4.5', ':::', 'g::'],
}
const OUTSIDE = [
  '8.8.8.8',
  '1.1.1.1',
  '100.63.255.255',
  '100.128.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '169.253.255.255',
  '192.0.1.1',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700::1111',
  '2a00:1450:4001::200e',
  '[2606:4700::1111]',
  '::ffff:8.8.8.8',
  '64:ff9b::8.8.8.8',
  '2002:808:808::1',
  '2a00:1450::5efe:8.8.8.8',
]

describe.each(Object.entries(INSIDE))('%s', (_, addresses) => {
  test.each(addresses)('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false))
})
test.each(OUTSIDE)('%s is public', (address) => expect(isPublicAddress(address)).toBe(true))

const names: Record<string, string[]> = {
  'public.test': ['8.8.8.8', '2606:4700::1111'],
  'inside.test': ['10.0.0.7'],
  'both.test': ['8.8.8.8', '127.0.0.1'],
  'nobody.test': [],
}
const lookup = async (host: string) => (names[host] ?? []).map((address) => ({ address }))
const guard = new Guard(['http://10.1.2.3:9000/bucket', 'https://inside.test/'], lookup)

test.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://0x7f000001/',
  'http://2130706433/',
  'http://017700000001/',
  'http://[::1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://169.254.169.254/latest/meta-data/',
  'http://inside.test/',
  'https://inside.test:8443/',
  'https://both.test/',
  'http://10.1.2.3:9000/bucket2/x',
  'http://10.1.2.3:9001/bucket/x',
  'https://10.1.2.3:9000/bucket/x',
  'http://10.1.2.3:9000/bucket/../other',
])('%s is refused', async (url) => {
  expect(await guard.addressOf(new URL(url)).catch((error) => error)).toBeInstanceOf(Unusable)
})

test('a public name is connected to at the address that was looked at', async () => {
  expect(await guard.addressOf(new URL('https://public.test/x'))).toBe('8.8.8.8')
  expect(await guard.addressOf(new URL('http://[2606:4700::1111]/'))).toBe('2606:4700::1111')
})

test('what --allow-remote names is reached by name', async () => {
  expect(await guard.addressOf(new URL('http://10.1.2.3:9000/bucket/x/y'))).toBeUndefined()
  expect(await guard.addressOf(new URL('https://inside.test/x'))).toBeUndefined()
})

describe('a store that a stranger named', async () => {
  const server = await ObjectServer.start({ a: Uint8Array.of(1) })
  afterAll(() => server[Symbol.asyncDispose]())
  beforeEach(() => void server.heal())
  const stranger = { isTrusted: false }

  test('does not reach this machine; the owner and --allow-remote do', async () => {
    expect(await (await remoteStores().open(server.url, undefined, stranger)).get('a').catch((error) => error)).toBeInstanceOf(Unusable)
    expect(server.asked.length).toBe(0)
    expect(await (await remoteStores({ allowRemote: [server.url] }).open(server.url, undefined, stranger)).get('a')).toEqual(
      Uint8Array.of(1),
    )
    expect(await (await remoteStores().open(server.url, undefined, { isTrusted: true })).get('a')).toEqual(Uint8Array.of(1))
    expect(await (await remoteStores({ guardsStrangers: false }).open(server.url, undefined, stranger)).get('a')).toEqual(Uint8Array.of(1))
  })

  test('does not reach it through a redirect either', async () => {
    const remote = remoteStores({ allowRemote: [`${server.url}/open/`] })
    const store = await remote.open(`${server.url}/open`, undefined, stranger)
    server.answer(({ key }) => (key === 'open/a' ? new Response(null, { status: 302, headers: { Location: '/a' } }) : undefined))
    const error = await store.get('a').catch((reason) => reason)
    server.answer(() => undefined)
    expect(error).toBeInstanceOf(Unusable)
    expect(server.asked.map(({ key }) => key)).toEqual(['open/a'])
  })

  test('does not reach it through a name that answers differently the second time', async () => {
    let asked = 0
    const rebinding = async () => [{ address: asked++ === 0 ? '8.8.8.8' : '127.0.0.1' }]
    const remote = remoteStores({ lookup: rebinding, client: { firstByteMs: 200, totalMs: 500 } })
    const store = await remote.open(`http://rebinding.test:${server.port}`, undefined, stranger)
    expect(await store.get('a').catch((error) => error)).toBeInstanceOf(Error)
    expect(server.asked.length).toBe(0)
  })

  test('goes to the address, with the name in Host', async () => {
    const remote = remoteStores({ lookup: async () => [{ address: '127.0.0.1' }] })
    const pinned = { addressOf: async () => '127.0.0.1' } as unknown as Guard
    const answer = await remote.client.send({ url: new URL(`http://some.name.test:${server.port}/a`), maxBytes: 10, guard: pinned })
    expect(answer.bytes).toEqual(Uint8Array.of(1))
    expect(server.asked[0]!.headers['host']).toBe(`some.name.test:${server.port}`)
  })

  test.each(['default', 'role', '/etc/passwd', { profile: 'default' }])(
    'credentials of this machine (%p) are not for strangers',
    async (credentials) => {
      for (const source of ['s3://bucket/x', 'gs://bucket/x'])
        expect(
          await remoteStores()
            .open(source, credentials, stranger)
            .catch((error) => error),
        ).toBeInstanceOf(Unusable)
    },
  )
})
