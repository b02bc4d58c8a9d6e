/** Two serving threads in one executable: whichever answers, the answer is the same, and what changes is seen by both at once. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { canMakeCertificates, makeCertificate } from '../support/certificate.ts'
import { GOLDEN, readable, sha256 } from '../support/golden.ts'

// starting threads takes its time on a busy machine
setDefaultTimeout(30_000)

const TOKEN = 'threads-token'
/** The kernel picks a thread by the ports of a connection: so many connections miss one of two once in 2^39 times. */
const MANY = 40

/** Threads share a port by SO_REUSEPORT as Linux has it; elsewhere there is one thread, and these are skipped. */
const isPossible = process.platform === 'linux'

/** Each request over a connection of its own. */
const ask = (server: RunningBinary, path: string, init: RequestInit & { tls?: object } = {}) =>
  server.get(path, { ...init, headers: { Connection: 'close', ...(init.headers as Record<string, string>) } })

async function askMany<T>(
  server: RunningBinary,
  path: string,
  read: (response: Response) => T | Promise<T>,
  init?: RequestInit,
): Promise<Set<T>> {
  const answers = new Set<T>()
  for (let n = 0; n < MANY; n++) answers.add(await read(await ask(server, path, init)))
  return answers
}

const status = async (response: Response): Promise<number> => {
  await response.bytes()
  return response.status
}
const digest = async (response: Response): Promise<string> => `${response.status} ${sha256(await response.bytes())}`

const start = async (args: readonly string[]): Promise<RunningBinary> => {
  const server = await RunningBinary.start([...args, '--threads', '2', '--admin-token', TOKEN, '--cache', '32MB'])
  await server.logged(/Serving thread 1 listens/)
  return server
}

const cuboid = (
  dataset: string,
  size: readonly number[],
  topLeft: readonly number[] = [0, 0, 0],
  mag: readonly number[] = [1, 1, 1],
  layer = 'color',
) => {
  const [x, y, z] = topLeft.map((edge, d) => edge * mag[d]!)
  return `/data/datasets/${dataset}/layers/${layer}/data?x=${x}&y=${y}&z=${z}&width=${size[0]}&height=${size[1]}&depth=${size[2]}&mag=${mag.join('-')}`
}

describe.skipIf(!isPossible)('golden data', () => {
  let server: RunningBinary
  beforeAll(async () => {
    const others = ['hms-dbmi+viv', 'libvips+libvips', 'scalableminds+webknossos-libs'].map((name) => join(GOLDEN, 'third-party', name))
    server = await start([join(GOLDEN, 'data'), ...others, '--state', emptyFolder(), '--log-requests'])
  })
  afterAll(() => server.stop())

  test('both threads answer every case with what the reference reader reads', async () => {
    await server.list()
    for (const { organization, dataset, layers } of readable) {
      for (const { name, mag, topLeft, size, sha256: expected } of layers) {
        const path = cuboid(`${organization}/${dataset}`, size, topLeft, mag, name)
        for (let n = 0; n < 8; n++) expect([path, await digest(await ask(server, path))]).toEqual([path, `200 ${expected}`])
      }
    }
    await Bun.sleep(100)
    const requests = server.log.split('\n').filter((line) => /\/layers\/.* 200/.test(line))
    const other = requests.filter((line) => line.endsWith('(thread 1)'))
    expect([other.length > requests.length / 4, other.length < (requests.length * 3) / 4]).toEqual([true, true])
  }, 180_000)

  test('the list and a data source are the same from both', async () => {
    expect((await askMany(server, '/data/datasets', digest)).size).toBe(1)
    expect((await askMany(server, '/data/datasets/tiff/tiles_cut', digest)).size).toBe(1)
  })
})

describe.skipIf(!isPossible)('what changes', () => {
  const admin = { headers: { 'X-Auth-Token': TOKEN }, method: 'POST' }
  const at = (data: string, name: string) => join(data, 'lab', name)
  const lookAgain = (server: RunningBinary) => server.get('/data/triggers/checkInboxBlocking', admin)

  test('is seen by both when the request that told of it is answered', async () => {
    const data = emptyFolder()
    await using server = await start(['--data', data])
    const path = cuboid('lab/one', [19, 23, 17], [3, 5, 9])
    expect(await askMany(server, path, status)).toEqual(new Set([404]))
    cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), at(data, 'one'), { recursive: true })
    await lookAgain(server)
    const before = await askMany(server, path, digest)
    expect([...before]).toEqual([`200 ${readable.find((one) => one.dataset === 'uint8_raw')!.layers[0]!.sha256}`])

    const file = join(at(data, 'one'), 'color/1/z0/y0/x0.wkw')
    const bytes = readFileSync(file)
    bytes.subarray(16).fill(7)
    rmSync(file)
    writeFileSync(file, bytes)
    expect(await status(await server.get('/data/triggers/reload/lab/one', admin))).toBe(200)
    const after = await askMany(server, path, digest)
    expect([after.size, [...after][0] === [...before][0]]).toEqual([1, false])

    rmSync(at(data, 'one'), { recursive: true })
    await lookAgain(server)
    expect(await askMany(server, path, status)).toEqual(new Set([404]))
  })

  test('DELETE drops what both have cached', async () => {
    const data = emptyFolder()
    cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), at(data, 'one'), { recursive: true })
    await using server = await start(['--data', data])
    await server.list()
    const path = cuboid('lab/one', [19, 23, 17], [3, 5, 9])
    const before = [...(await askMany(server, path, digest))]
    const file = join(at(data, 'one'), 'color/1/z0/y0/x0.wkw')
    const bytes = readFileSync(file)
    bytes.subarray(16).fill(9)
    writeFileSync(file, bytes)
    expect(await status(await server.get('/data/datasets/lab/one', { method: 'DELETE' }))).toBe(200)
    const after = [...(await askMany(server, path, digest))]
    expect([before.length, after.length, after[0] === before[0]]).toEqual([1, 1, false])
  })

  test('a dataset added over either thread is there for both; what cannot be added is told alike', async () => {
    const data = emptyFolder()
    await using server = await start(['--data', data])
    const bad = {
      method: 'POST',
      headers: { 'X-Auth-Token': TOKEN, 'Content-Type': 'application/json' },
      body: '{"nonsense": {"lab": {}}}',
    }
    expect((await askMany(server, '/data/datasets', digest, bad)).size).toBe(1)
    for (let n = 0; n < 6; n++) {
      cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), join(data, `elsewhere-${n}`, 'x', 'set'), { recursive: true })
      const body = JSON.stringify({ wkw: { lab: { [`set${n}`]: { path: join(data, `elsewhere-${n}`, 'x', 'set') } } } })
      const response = await ask(server, '/data/datasets', { ...bad, body })
      expect([response.status, await response.text()]).toEqual([200, ''])
      expect(await askMany(server, cuboid(`lab/set${n}`, [4, 4, 4], [3, 5, 9]), status)).toEqual(new Set([200]))
    }
  })
})

describe.skipIf(!isPossible)('signing in', () => {
  test('a link works once, and its session with both threads; the token works with both, a made-up session with none', async () => {
    await using server = await start(['--data', emptyFolder(), '--require-token'])
    const link = /(\/\?link=\w+)/.exec(await server.logged(/signs in once/))![1]!
    const first = await ask(server, link, { redirect: 'manual' })
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!
    expect(first.status).toBe(303)
    expect(await askMany(server, link, status, { redirect: 'manual' })).toEqual(new Set([403]))
    expect(await askMany(server, '/', status, { headers: { Cookie: cookie } })).toEqual(new Set([200]))
    expect(await askMany(server, `/data/datasets?token=${TOKEN}`, status)).toEqual(new Set([200]))
    const forged = `${cookie.slice(0, -1)}${cookie.endsWith('0') ? '1' : '0'}`
    expect(await askMany(server, '/', status, { headers: { Cookie: forged } })).toEqual(new Set([403]))
  })
})

describe.skipIf(!isPossible || !canMakeCertificates)('https', () => {
  test('is spoken by both', async () => {
    const { certFile, keyFile } = await makeCertificate('lab')
    await using server = await start(['--data', emptyFolder(), '--tls-cert', certFile, '--tls-key', keyFile, '--log-requests'])
    for (let n = 0; n < MANY; n++) expect(await status(await ask(server, '/data/health', { tls: { rejectUnauthorized: false } }))).toBe(200)
    await server.logged(/health 200\n/)
    await server.logged(/health 200 \(thread 1\)/)
  })
})

describe.skipIf(!isPossible)('the port', () => {
  test('of a running server is not shared with a second one', async () => {
    await using server = await start(['--data', emptyFolder()])
    const { port } = new URL(server.url)
    const second = RunningBinary.start(['--data', emptyFolder(), '--port', port, '--threads', '2'])
    expect(await second.catch((error) => String(error))).toMatch(/in use by another program/)
  })

  test('every request under way is answered when it is told to stop', async () => {
    await using server = await start(['--data', join(GOLDEN, 'data'), '--state', emptyFolder()])
    await server.list()
    const path = cuboid('tiff/tiles_cut', [500, 100, 1])
    const answers = Array.from({ length: 20 }, () => ask(server, path).then(status))
    await answers[0]
    await Bun.sleep(300)
    expect(await server.stop()).toBe(0)
    expect(new Set(await Promise.all(answers))).toEqual(new Set([200]))
  })
})

describe.skipIf(!isPossible)('the processes beside the main one', () => {
  const children = (pid: number): number[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  const isThere = (pid: number): boolean => {
    try {
      process.kill(pid, 0)
      return true
    } catch {
      return false
    }
  }
  const gone = async (pids: readonly number[]): Promise<void> => {
    for (const end = Date.now() + 10_000; pids.some(isThere); await Bun.sleep(20))
      if (Date.now() > end) throw new Error(`${pids} are still there`)
  }

  test('end with it, also when it is killed', async () => {
    const server = await start(['--data', emptyFolder()])
    const pids = children(server.pid)
    expect(pids).toHaveLength(1)
    await server.stop('SIGKILL')
    await gone(pids)
    const { port } = new URL(server.url)
    await using next = await RunningBinary.start(['--data', emptyFolder(), '--port', port, '--threads', '2'])
    expect((await next.get('/data/health')).status).toBe(200)
  })

  test('leave signals to it, and are replaced when they are killed', async () => {
    const server = await start(['--data', emptyFolder(), '--log-requests'])
    const [pid] = children(server.pid)
    process.kill(pid!, 'SIGTERM')
    process.kill(pid!, 'SIGINT')
    await Bun.sleep(200)
    expect(isThere(pid!)).toBe(true)
    process.kill(pid!, 'SIGKILL')
    await server.logged(/serving thread 1 is replaced: it was ended by signal SIGKILL/)
    await server.logged(/Serving thread 1 listens[\s\S]*Serving thread 1 listens/)
    const pids = children(server.pid)
    expect([pids.length, pids.includes(pid!)]).toEqual([1, false])
    await askMany(server, '/data/health', status)
    await server.logged(/health 200 \(thread 1\)/)
    expect(await server.stop()).toBe(0)
    await gone(pids)
  })
})
