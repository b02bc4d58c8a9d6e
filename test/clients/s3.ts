/** A real S3 that checks signatures: our requests against moto, of which botocore says what a signature has to be. */

import { join } from 'node:path'
import { RemoteStores } from '../../src/stores/remote.ts'
import { STORED } from '../conformance/store.ts'
import { pythonPath } from './client.ts'

interface Server {
  readonly url: string
  readonly id: string
  readonly secret: string
  readonly version: string
}

export async function run() {
  const objects = Object.fromEntries(Object.entries(STORED).map(([key, bytes]) => [`a b/${key}`, Buffer.from(bytes).toString('base64')]))
  const child = Bun.spawn([pythonPath(), join(import.meta.dir, 's3_server.py')], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  try {
    child.stdin.write(`${JSON.stringify(objects)}\n`)
    child.stdin.flush()
    const server = await firstLine(child.stdout, () => new Response(child.stderr).text())
    const checks = await compare(server)
    return [
      {
        client: 'S3 of moto, which checks signatures',
        version: server.version,
        opened: 'path style, a bucket with a dot, signed',
        compared: `${checks} objects, ranges and lists, all equal; wrong keys and no keys refused`,
        asked: 'GET, HEAD, ListObjectsV2',
      },
    ]
  } finally {
    child.stdin.end()
    child.kill()
    await child.exited
  }
}

async function compare({ url, id, secret }: Server): Promise<number> {
  const remote = new RemoteStores({ environment: {}, allowRemote: [], guardsStrangers: false })
  const keys = { accessKeyId: id, secretAccessKey: secret, region: 'eu-central-1' }
  const open = (bucket: string, credentials: unknown) =>
    remote.open(`s3+http://${new URL(url).host}/${bucket}/a b`, credentials, { isTrusted: true })
  const same = (what: string, a: unknown, b: unknown) => {
    if (!Bun.deepEquals(a, b))
      throw new Error(`${what}: ${JSON.stringify(a)?.slice(0, 200)} instead of ${JSON.stringify(b)?.slice(0, 200)}`)
    checks++
  }
  let checks = 0
  for (const bucket of ['lab-data', 'lab.data']) {
    const store = await open(bucket, keys)
    for (const [key, bytes] of Object.entries(STORED)) {
      same(`${bucket} ${key}`, await store.get(key), bytes)
      same(`${bucket} size of ${key}`, (await store.stat(key))?.size, bytes.length)
      same(`${bucket} range of ${key}`, await store.get(key, { start: 1, length: 2 }), bytes.slice(1, 3))
      same(`${bucket} end of ${key}`, await store.get(key, { start: -2, length: 2 }), bytes.slice(-2))
      const target = new Uint8Array(bytes.length)
      await (await store.open(key))!.read(target, 0)
      same(`${bucket} opened ${key}`, target, bytes)
    }
    same(`${bucket} missing`, await store.get('nothing'), undefined)
    const names = async (prefix: string) => (await store.list!(prefix)).map(({ name, isFolder }) => `${name}${isFolder ? '/' : ''}`).sort()
    same(`${bucket} list`, await names(''), ['a.bin', 'folder/', 'name with blanks & ümlaut %20 #1'])
    same(`${bucket} list of a folder`, await names('folder'), ['b', 'deeper/'])
    same(`${bucket} list of nothing`, await names('nothing'), [])
  }
  for (const [what, wrong] of [
    ['no keys', 'anonymous'],
    ['a wrong secret', { ...keys, secretAccessKey: `${secret}x` }],
    ['an unknown key', { ...keys, accessKeyId: 'AKIAUNKNOWN' }],
  ] as const) {
    const error = await (await open('lab-data', wrong)).get('a.bin').catch((reason) => reason)
    same(`${what} refused`, error instanceof Error && /credentials/.test(error.message), true)
  }
  return checks
}

async function firstLine(stream: ReadableStream<Uint8Array>, trouble: () => Promise<string>): Promise<Server> {
  let text = ''
  for await (const part of stream) {
    text += new TextDecoder().decode(part)
    if (text.includes('\n')) return JSON.parse(text)
  }
  throw new Error(`s3_server.py ended: ${(await trouble()).slice(-2000)}`)
}
