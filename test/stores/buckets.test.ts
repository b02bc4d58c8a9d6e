/** Buckets of S3 and Google: URLs, signatures, tokens, lists, and where the credentials come from. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test'
import { createVerify, generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RemoteSettings } from '../../src/stores/remote.ts'
import { S3Place } from '../../src/stores/s3/place.ts'
import { signS3 } from '../../src/stores/s3/sign.ts'
import { Unusable, UpstreamError } from '../../src/volume/errors.ts'
import { describeStore, STORED } from '../conformance/store.ts'
import { emptyFolder } from '../support/binary.ts'
import { listing } from '../support/bucket.ts'
import { type Asked, ObjectServer } from '../support/object-server.ts'
import { openTrusted, remoteStores } from '../support/remote.ts'

const stored = Object.fromEntries(Object.entries(STORED).map(([key, bytes]) => [`bucket-1/a b/${key}`, bytes]))
const server = await ObjectServer.start(stored)
afterAll(() => server[Symbol.asyncDispose]())
const list = listing(server, 'bucket-1')
beforeEach(() => void server.heal().answer(list))

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'very/secret+key', sessionToken: 'session-secret' }
const S3 = `s3+${server.url}/bucket-1/a b`
const gs = (settings: Partial<RemoteSettings> = {}, credentials?: unknown) =>
  openTrusted(
    'gs://bucket-1/a b',
    { ...settings, environment: { STORAGE_EMULATOR_HOST: server.url, ...settings.environment } },
    credentials,
  )

describeStore('s3, unsigned', () => openTrusted(S3))
describeStore('s3, signed', () => openTrusted(S3, {}, KEYS))
describeStore('gs, anonymous', () => gs())
describeStore('gs, with a service account', () => {
  withTokens()
  return gs({}, account())
})

/** Whether a request carries the signature the keys make at its time. */
function isSigned({ headers, method, query, key }: Asked, keys = KEYS, region = 'us-east-1'): boolean {
  const escaped = key
    .split('/')
    .map(encodeURIComponent)
    .join('/')
    .replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const url = new URL(`http://${headers['host']}/${escaped}${query.size ? `?${query}`.replaceAll('+', '%20') : ''}`)
  const time = headers['x-amz-date']!.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z')
  const own = signS3({ url, method, headers: headers['range'] ? { Range: headers['range'] } : {} }, keys, region, new Date(time))
  return headers['authorization'] === own['Authorization'] && headers['x-amz-security-token'] === keys.sessionToken
}

let accounts = 0
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
/** A service account whose tokens come from our server; a new one each time, because tokens are kept. */
function account() {
  return {
    type: 'service_account',
    client_email: `a${++accounts}@x.iam.gserviceaccount.com`,
    private_key: pem,
    private_key_id: 'k1',
    token_uri: `${server.url}/token`,
  }
}
const withTokens = (seconds = 3600) => {
  let n = 0
  const given: Asked[] = []
  server.answer((asked) => {
    if (asked.key !== 'token') return list(asked)
    given.push(asked)
    return Response.json({ access_token: `token-${++n}`, expires_in: seconds })
  })
  return given
}

describe('S3', () => {
  test('every request is signed: objects, ranges, lists', async () => {
    const store = await openTrusted(S3, {}, KEYS)
    await store.get('a.bin')
    await store.get('name with blanks & ümlaut %20 #1', { start: 0, length: 1 })
    await store.list!('folder')
    await store.stat('a.bin')
    expect(server.asked.length).toBe(4)
    expect(server.asked.map((asked) => isSigned(asked))).toEqual([true, true, true, true])
  })

  test('the URLs of Amazon: the bucket in the host, unless it holds a dot; the region when it is known', () => {
    const urlOf = (bucket: string, more = {}) => new S3Place({ bucket, prefix: 'p', ...more }).urlOf('k!').href
    expect(urlOf('bucket-1')).toBe('https://bucket-1.s3.amazonaws.com/p/k%21')
    expect(urlOf('bucket.1')).toBe('https://s3.amazonaws.com/bucket.1/p/k%21')
    expect(urlOf('bucket-1', { region: 'eu-central-1' })).toBe('https://bucket-1.s3.eu-central-1.amazonaws.com/p/k%21')
    expect(urlOf('bucket-1', { style: 'path' })).toBe('https://s3.amazonaws.com/bucket-1/p/k%21')
    expect(urlOf('bucket-1', { endpoint: new URL('https://minio.lab:9000') })).toBe('https://minio.lab:9000/bucket-1/p/k%21')
    expect(urlOf('bucket-1', { endpoint: new URL('https://oss.example.com'), style: 'virtual' })).toBe(
      'https://bucket-1.oss.example.com/p/k%21',
    )
  })

  test('a bucket of another region says so, and is asked there', async () => {
    server.answer((asked) => {
      if (isSigned(asked, KEYS, 'eu-west-3')) return undefined
      return new Response('<Error><Code>AuthorizationHeaderMalformed</Code></Error>', {
        status: 400,
        headers: { 'x-amz-bucket-region': 'eu-west-3' },
      })
    })
    const store = await openTrusted(S3, {}, KEYS)
    expect((await store.get('folder/b'))?.length).toBe(3)
    expect((await store.get('folder/b'))?.length).toBe(3)
    expect(server.asked.length).toBe(3)
  })

  const used = async (settings: Partial<RemoteSettings>, credentials?: unknown, isTrusted = true) => {
    server.asked.length = 0
    const store = await remoteStores(settings).open(S3, credentials, { isTrusted })
    await store.get('folder/b').catch(() => {})
    return /Credential=(\w+)\//.exec(server.asked[0]?.headers['authorization'] ?? '')?.[1] ?? 'none'
  }
  test('keys come from the entry, the file of credentials, the environment, a profile', async () => {
    const home = emptyFolder()
    mkdirSync(join(home, '.aws'))
    const ini =
      '[default]\naws_access_key_id = DEFAULTKEY\naws_secret_access_key = s\n\n[lab]\naws_access_key_id=LABKEY\naws_secret_access_key=s\n'
    writeFileSync(join(home, '.aws/credentials'), ini)
    const credentialsFile = join(home, 'credentials.json')
    writeFileSync(
      credentialsFile,
      JSON.stringify({ [`s3+${server.url}/bucket-1/`]: { accessKeyId: 'FILEKEY', secretAccessKey: 's' }, 's3://bucket-1': 'anonymous' }),
    )
    const environment = { HOME: home, AWS_ACCESS_KEY_ID: 'ENVKEY', AWS_SECRET_ACCESS_KEY: 's' }
    expect(await used({})).toBe('none')
    expect(await used({ environment })).toBe('ENVKEY')
    expect(await used({ environment }, 'anonymous')).toBe('none')
    expect(await used({ environment }, KEYS)).toBe('AKIDEXAMPLE')
    expect(await used({ environment, credentialsFile })).toBe('FILEKEY')
    expect(await used({ environment: { HOME: home, AWS_PROFILE: 'lab' } })).toBe('LABKEY')
    expect(await used({ environment: { HOME: home } }, { profile: 'lab' })).toBe('LABKEY')
    expect(await used({ environment: { HOME: home } }, 'default')).toBe('DEFAULTKEY')
    expect(await used({ environment: { HOME: home } })).toBe('none')
    expect(await used({ environment, guardsStrangers: false }, undefined, false)).toBe('none')
  })

  test('the role of the machine is asked for once, and only when the owner says so', async () => {
    await using metadata = await ObjectServer.start()
    const until = new Date(Date.now() + 3_600_000).toISOString()
    metadata.answer(({ key, method, headers }) => {
      if (key === 'latest/api/token') return method === 'PUT' ? new Response('T') : new Response(null, { status: 405 })
      if (headers['x-aws-ec2-metadata-token'] !== 'T') return new Response(null, { status: 401 })
      if (key === 'latest/meta-data/iam/security-credentials/') return new Response('my role')
      return Response.json({ AccessKeyId: 'ROLEKEY', SecretAccessKey: 's', Token: 't', Expiration: until })
    })
    const remote = remoteStores({ metadata: { amazon: metadata.url, google: metadata.url } })
    const store = await remote.open(S3, 'role', { isTrusted: true })
    await Promise.all([store.get('folder/b'), store.get('a.bin'), store.get('a.bin')])
    expect(
      server.asked.every(
        ({ headers }) => headers['authorization']?.includes('Credential=ROLEKEY/') && headers['x-amz-security-token'] === 't',
      ),
    ).toBe(true)
    expect(metadata.asked.map(({ key }) => key.split('/').at(-1))).toEqual(['token', '', 'my role'])
    await (await remote.open(S3, undefined, { isTrusted: true })).get('a.bin')
    expect(server.asked.at(-1)!.headers['authorization']).toBeUndefined()
  })
})

describe('Google', () => {
  test('a signed request is exchanged for a token, which all objects share', async () => {
    const given = withTokens()
    const store = await gs({}, account())
    await Promise.all([store.get('a.bin'), store.get('folder/b'), store.list!('folder')])
    expect(given.length).toBe(1)
    expect(server.asked.filter(({ key }) => key !== 'token').map(({ headers }) => headers['authorization'])).toEqual(
      Array(3).fill('Bearer token-1'),
    )
    const form = new URLSearchParams(given[0]!.body)
    const [head, claims, signature] = form.get('assertion')!.split('.')
    expect(createVerify('RSA-SHA256').update(`${head}.${claims}`).verify(publicKey, signature!, 'base64url')).toBe(true)
    const said = JSON.parse(Buffer.from(claims!, 'base64url').toString())
    expect(said).toMatchObject({ iss: `a${accounts}@x.iam.gserviceaccount.com`, aud: `${server.url}/token` })
    expect(said.exp - said.iat).toBe(3600)
  })

  test('the key may lie in a file, inline with \\n written out, or be named by GOOGLE_APPLICATION_CREDENTIALS', async () => {
    const path = join(emptyFolder(), 'key.json')
    for (const way of ['file', 'inline', 'environment']) {
      const given = withTokens()
      const own = { ...account(), ...(way === 'inline' && { private_key: pem.replaceAll('\n', '\\n') }) }
      writeFileSync(path, JSON.stringify(own))
      const environment = way === 'environment' ? { GOOGLE_APPLICATION_CREDENTIALS: path } : {}
      const store = await gs({ environment }, { file: path, inline: own, environment: undefined }[way])
      expect([(await store.get('folder/b'))?.length, given.length]).toEqual([3, 1])
    }
  })

  test('what gcloud leaves behind: a refresh token', async () => {
    const given = withTokens()
    const login = { type: 'authorized_user', client_id: 'c', client_secret: 's', refresh_token: 'r', token_uri: `${server.url}/token` }
    await (await gs({}, login)).get('a.bin')
    expect(Object.fromEntries(new URLSearchParams(given[0]!.body))).toEqual({
      grant_type: 'refresh_token',
      client_id: 'c',
      client_secret: 's',
      refresh_token: 'r',
    })
  })

  test('a token that is refused is replaced once', async () => {
    const given = withTokens()
    const store = await gs({}, account())
    server.fault({ status: 401, times: 1, when: ({ key }) => key !== 'token' })
    expect((await store.get('folder/b'))?.length).toBe(3)
    expect(given.length).toBe(2)
  })

  test('credentials that are not accepted: said, not kept, not repeated', async () => {
    const store = await gs({}, account())
    server.fault({ status: 400, body: '{"error":"invalid_grant"}', when: ({ key }) => key === 'token' })
    const error = await store.get('a.bin').catch((reason) => reason)
    expect(error).toBeInstanceOf(UpstreamError)
    expect(error.message).toContain('not accepted')
    server.heal()
    withTokens()
    expect((await store.get('folder/b'))?.length).toBe(3)
  })

  test('the machine’s own account', async () => {
    await using metadata = await ObjectServer.start()
    metadata.answer(({ headers }) =>
      headers['metadata-flavor'] === 'Google' ? Response.json({ access_token: 'mine', expires_in: 3000 }) : undefined,
    )
    const store = await gs({ metadata: { amazon: metadata.url, google: metadata.url } }, 'role')
    await store.get('a.bin')
    expect(server.asked[0]!.headers['authorization']).toBe('Bearer mine')
  })
})

describe('web servers', () => {
  test.each([
    [{ username: 'u', password: 'p:w' }, `Basic ${btoa('u:p:w')}`],
    [{ token: 't' }, 'Bearer t'],
    [{ headers: { Authorization: 'Token x' } }, 'Token x'],
    [undefined, undefined],
  ])('%p is sent as %p', async (credentials, header) => {
    await (await openTrusted(`${server.url}/bucket-1/a b`, {}, credentials)).get('a.bin')
    expect(server.asked[0]!.headers['authorization']).toBe(header as string)
  })

  test('user and password of the URL; a query goes with every key; neither is in its name', async () => {
    const store = await openTrusted(`http://us:pw@127.0.0.1:${server.port}/bucket-1/a b?sig=s%2Fx`)
    await store.get('folder/b')
    expect(server.asked[0]).toMatchObject({ key: 'bucket-1/a b/folder/b', headers: { authorization: `Basic ${btoa('us:pw')}` } })
    expect(server.asked[0]!.query.get('sig')).toBe('s/x')
    expect(store.url).toBe(`${server.url}/bucket-1/a%20b`)
  })

  test('of the file of credentials the longest beginning counts, for nothing beside it', async () => {
    const credentialsFile = join(emptyFolder(), 'c.json')
    writeFileSync(credentialsFile, JSON.stringify({ [server.url]: { token: 'all' }, [`${server.url}/bucket-1/`]: { token: 'one' } }))
    const sent = async (path: string) => {
      await (await openTrusted(`${server.url}/${path}`, { credentialsFile })).get('x')
      return server.asked.at(-1)!.headers['authorization']
    }
    expect([await sent('bucket-1/a'), await sent('bucket-12'), await sent('')]).toEqual(['Bearer one', 'Bearer all', 'Bearer all'])
  })
})

describe('credentials that cannot be used are refused by what is wrong with them, never with what they are', () => {
  const SECRET = 'do-not-tell-anybody'
  test.each([
    ['s3://b/x', { accessKeyId: SECRET }],
    ['s3://b/x', { secretAccessKey: SECRET, accessKeyId: 7 }],
    ['s3://b/x', { username: 'u', password: SECRET }],
    ['gs://b/x', { accessKeyId: 'a', secretAccessKey: SECRET }],
    ['gs://b/x', { type: 'service_account', private_key: SECRET }],
    ['https://h/x', { headers: { Authorization: `${SECRET}\n` } }],
    ['https://h/x', { headers: { Host: SECRET } }],
    ['https://h/x', { [SECRET]: SECRET }],
    ['https://h/x', 7],
  ])('%s with %p', async (source, credentials) => {
    const error = await openTrusted(source, {}, credentials).catch((reason) => reason)
    expect(error).toBeInstanceOf(Unusable)
    expect(error.message).not.toContain(SECRET)
  })

  test('a private key that is none', async () => {
    const error = await (await gs({}, { ...account(), private_key: SECRET })).get('a.bin').catch((reason) => reason)
    expect(error).toBeInstanceOf(Unusable)
    expect(error.message).not.toContain(SECRET)
  })
})

test('no message of any failure holds a secret', async () => {
  const secrets = ['pa55word', 'sIgnature', KEYS.secretAccessKey, KEYS.sessionToken, 'BEGIN PRIVATE KEY', 'token-1']
  withTokens()
  const stores = [
    await openTrusted(`http://us:pa55word@127.0.0.1:${server.port}/bucket-1?sig=sIgnature`),
    await openTrusted(S3, {}, KEYS),
    await gs({}, account()),
  ]
  const said: string[] = stores.map(({ url }) => url)
  for (const fault of [
    { status: 401 },
    { status: 403 },
    { status: 418 },
    { status: 500, headers: { 'Retry-After': '999' } },
    { ignoreRange: true },
    { contentRange: () => 'x' },
    { claimGzip: true },
  ] as const) {
    for (const store of stores) {
      server.faults.length = 0
      server.fault({ ...fault, when: ({ key }) => key !== 'token' })
      const range = { start: 0, length: 4 }
      for (const work of [
        () => store.get('a b/a.bin'),
        () => store.get('a.bin', range),
        () => store.stat('a.bin'),
        () => store.open('a.bin'),
      ])
        said.push(await Promise.resolve(work()).then(String, (error) => `${error.stack} ${JSON.stringify(error)}`))
    }
  }
  for (const secret of secrets) expect(said.filter((text) => text.includes(secret))).toEqual([])
})
