/** What whoever keeps it running relies on: readiness, health, exit codes, logs. */
import { expect, test } from 'bun:test'
import { chmodSync, cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary, runBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

function folderWithOne(): string {
  const folder = emptyFolder()
  writeTinyTiff(join(folder, 'lab/one/color.tif'))
  return folder
}

test('health is 0 while it answers and 1 when nobody does', async () => {
  const server = await RunningBinary.start(['--data', folderWithOne()])
  const port = new URL(server.url).port
  expect(await runBinary(['health', '--port', port])).toMatchObject({ code: 0, stdout: expect.stringMatching(/: ok\n/) })
  await server.stop()
  expect((await runBinary(['health', '--port', port])).code).toBe(1)
})

test('health finds a server on any free port by its port file', async () => {
  const file = join(emptyFolder(), 'port')
  const ask = () => runBinary(['health', '--port', '0', '--port-file', file])
  expect((await ask()).code).toBe(1)
  await using _ = await RunningBinary.start(['--data', folderWithOne(), '--port-file', file])
  for (let n = 0; n < 100 && !existsSync(file); n++) await Bun.sleep(10)
  expect((await ask()).code).toBe(0)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it with exit code 0', async (signal) => {
  const server = await RunningBinary.start(['--data', folderWithOne()])
  await server.logged(/1 dataset/)
  expect(await server.stop(signal)).toBe(0)
  expect(server.log).not.toMatch(/unhandled|at .*:\d+:\d+/)
})

test.skipIf(process.platform !== 'linux')('--browse opens the printed address (skipped where the opener is not xdg-open)', async () => {
  const bin = emptyFolder()
  const seen = join(bin, 'seen')
  await Bun.write(join(bin, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > ${seen}.new && mv ${seen}.new ${seen}\n`)
  chmodSync(join(bin, 'xdg-open'), 0o755)
  const env = { PATH: `${bin}:${process.env['PATH']}` }
  await using server = await RunningBinary.start(['--data', folderWithOne(), '--browse', '--require-token'], { env })
  for (let n = 0; n < 500 && !existsSync(seen); n++) await Bun.sleep(10)
  const opened = readFileSync(seen, 'utf8')
  expect(opened).toStartWith(`${server.url}/?link=`)
  expect((await fetch(opened, { redirect: 'manual' })).status).toBe(303)
})

test('on all addresses the printed one can be opened as it stands', async () => {
  await using server = await RunningBinary.start(['--data', folderWithOne(), '--host', '0.0.0.0', '--public'])
  expect(server.url).toStartWith('http://127.0.0.1:')
  expect((await server.get('/data/health')).status).toBe(200)
})

test('version --json is what it says', async () => {
  const { code, stdout } = await runBinary(['version', '--json'])
  expect([code, JSON.parse(stdout)]).toEqual([0, { version: expect.any(String), commit: expect.any(String), bun: expect.any(String) }])
})

test('--port-file has the port once it listens', async () => {
  const file = join(emptyFolder(), 'port')
  await using server = await RunningBinary.start(['--data', folderWithOne(), '--port-file', file])
  for (let n = 0; n < 100 && !existsSync(file); n++) await Bun.sleep(10)
  expect(readFileSync(file, 'utf8').trim()).toBe(new URL(server.url).port)
})

test('--log-format json is one object a line, --log-requests names each without its token', async () => {
  await using server = await RunningBinary.start(['--data', folderWithOne(), '--log-format', 'json', '--log-requests'])
  await server.get('/data/datasets?token=verysecret')
  const log = await server.logged(/GET \/data\/datasets/)
  const lines = log
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { time: string; level: string; message: string })
  expect(lines.every(({ time, level, message }) => Boolean(time && level && message))).toBe(true)
  expect(lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/GET \/data\/datasets\?token=… 200/))
  expect(lines[0]!.message).toEndWith(` listens on ${server.url}`)
  expect(log).not.toContain('verysecret')
})

test('without --log-requests a request leaves no line', async () => {
  await using server = await RunningBinary.start(['--data', folderWithOne()])
  await server.logged(/1 dataset/)
  const before = server.log
  await server.get('/data/health')
  await server.list()
  await Bun.sleep(100)
  expect(server.log).toBe(before)
})

test('SIGHUP looks again', async () => {
  const folder = folderWithOne()
  await using server = await RunningBinary.start(['--data', folder])
  await server.logged(/1 dataset/)
  cpSync(join(GOLDEN, 'data/wkw/rgb'), join(folder, 'lab/rgb'), { recursive: true })
  process.kill(server.pid, 'SIGHUP')
  await server.logged(/lab\/rgb is new/)
})

test.skipIf(process.platform !== 'linux' || !Bun.which('python3'))(
  'readiness is told to systemd (skipped without Linux and python3, which hold the socket)',
  async () => {
    const socket = join(emptyFolder(), 'notify')
    const receiver = Bun.spawn(
      [
        'python3',
        '-c',
        `import socket,sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); s.settimeout(20); print('bound', flush=True)
for _ in range(2): print(s.recv(64).decode(), flush=True)`,
        socket,
      ],
      { stdout: 'pipe' },
    )
    for (let n = 0; n < 200 && !existsSync(socket); n++) await Bun.sleep(10)
    const server = await RunningBinary.start(['--data', folderWithOne()], { env: { NOTIFY_SOCKET: socket } })
    await server.stop()
    expect(await new Response(receiver.stdout).text()).toBe('bound\nREADY=1\nSTOPPING=1\n')
  },
)

test('a core in config.json that cannot be reached is one loud line, --local none', async () => {
  const folder = folderWithOne()
  await Bun.write(
    join(folder, 'config.json'),
    JSON.stringify({ webknossos: { url: 'http://127.0.0.1:9' }, datastore: { name: 'connect', key: 'secret' } }),
  )
  await using server = await RunningBinary.start(['--data', folder])
  expect(await server.logged(/--local/)).toMatch(/http:\/\/127\.0\.0\.1:9 DOES NOT ANSWER/)
  await Bun.sleep(1500)
  expect(server.log.match(/127\.0\.0\.1:9 DOES/g)).toHaveLength(1)
  await Bun.write(join(folder, 'config.json'), JSON.stringify({ webknossos: { url: 'http://127.0.0.1:9' } }))
  await using half = await RunningBinary.start(['--data', folder])
  expect(await half.logged(/--local/)).toMatch(/127\.0\.0\.1:9 .*CANNOT BE REACHED/)
  await using quiet = await RunningBinary.start(['--data', folder, '--local'])
  await quiet.logged(/1 dataset/)
  expect(quiet.log).not.toContain('127.0.0.1:9')
})
