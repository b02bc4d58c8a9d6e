/** A network file system that behaves badly: silent, slow, or with files that change under a reader. */
import { describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, readFileSync, renameSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeWkwMag } from '../../src/sample/write-wkw.ts'
import { emptyFolder, indicesOf, RunningBinary } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

const bucket = (x: number) => ({ position: [x, 0, 0], mag: [1, 1, 1], cubeSize: 32, fourBit: false })

/** A folder shown through FUSE by a program that can be stopped: what is asked of it then hangs until it goes on. */
async function mount(source: string, point: string) {
  mkdirSync(point, { recursive: true })
  const daemon = Bun.spawn(['bindfs', '-f', source, point], { stdio: ['ignore', 'ignore', 'ignore'] })
  for (let n = 0; n < 100 && !isMounted(point); n++) await Bun.sleep(20)
  return {
    freeze: () => daemon.kill('SIGSTOP'),
    unmount: () => Bun.spawnSync(['fusermount3', '-uz', point]),
    thaw: () => daemon.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      daemon.kill('SIGCONT')
      Bun.spawnSync(['fusermount3', '-uz', point])
      daemon.kill()
      await daemon.exited
    },
  }
}
const isMounted = (point: string) => readFileSync('/proc/self/mounts', 'utf8').includes(` ${point} `)

const hasFuse = (): boolean => {
  if (process.platform !== 'linux' || !Bun.which('bindfs') || !Bun.which('fusermount3')) return false
  const [source, point] = [emptyFolder(), emptyFolder()]
  const tried = Bun.spawnSync(['bindfs', source, point], { stdio: ['ignore', 'ignore', 'ignore'] })
  Bun.spawnSync(['fusermount3', '-uz', point], { stdio: ['ignore', 'ignore', 'ignore'] })
  return tried.exitCode === 0
}

describe.skipIf(!hasFuse())('a mount that hangs (skipped where bindfs cannot mount)', () => {
  test('costs its own dataset a time-out and nobody else anything, and comes back', async () => {
    const [data, source] = [emptyFolder(), emptyFolder()]
    for (let n = 0; n < 4; n++) cpSync(join(GOLDEN, 'data/wkw/block16_file4'), join(data, 'lab', `good${n}`), { recursive: true })
    cpSync(join(GOLDEN, 'data/wkw/block16_file4'), source, { recursive: true })
    await using disk = await mount(source, join(data, 'lab/hung'))
    // no cache: every bucket is read
    await using server = await RunningBinary.start(['--data', data, '--cache', '0'])
    const read = async (name: string) => indicesOf(await server.buckets(`lab/${name}`, 'color', [bucket(0)])).failed
    expect([await read('hung'), await read('good0')]).toEqual([[], []])
    disk.freeze()
    const hanging = Array.from({ length: 20 }, () => read('hung'))
    for (let n = 0; n < 100; n++) expect(await read(`good${n % 4}`)).toEqual([])
    // a look meanwhile takes nothing away
    await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
    expect((await server.list()).map(({ status }) => status)).toEqual(new Array(5).fill('ok'))
    expect(await Promise.all(hanging)).toEqual(new Array(20).fill([0]))
    await server.logged(/hung has not answered since 2/)
    // and from now on its callers do not wait
    const start = performance.now()
    expect(await read('hung')).toEqual([0])
    expect(performance.now() - start).toBeLessThan(4000)
    disk.thaw()
    for (let n = 0; n < 100 && (await read('hung')).length > 0; n++) await Bun.sleep(50)
    expect(await read('hung')).toEqual([])
  }, 60_000)

  test('at start is listed with the reason, the others are served, and it is opened when it answers', async () => {
    const [data, source] = [emptyFolder(), emptyFolder()]
    cpSync(join(GOLDEN, 'data/wkw/rgb'), join(data, 'lab/good'), { recursive: true })
    cpSync(join(GOLDEN, 'data/wkw/rgb'), source, { recursive: true })
    await using disk = await mount(source, join(data, 'lab/hung'))
    disk.freeze()
    await using server = await RunningBinary.start(['--data', data])
    expect((await server.get('/data/health')).status).toBe(200)
    const states = Object.fromEntries((await server.list()).map(({ name, status, reason }) => [name, [status, reason]]))
    expect(states).toEqual({ good: ['ok', undefined], hung: ['unusable', expect.stringContaining('has not answered')] })
    disk.thaw()
    for (let n = 0; n < 100; n++) {
      await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
      if ((await server.list()).every(({ status }) => status === 'ok')) return
      await Bun.sleep(100)
    }
    throw new Error('it was not opened')
  }, 60_000)
})

describe.skipIf(!hasFuse())('disks mounted in the data folder (skipped where bindfs cannot mount)', () => {
  test('one of five that hangs from the start: all others are served at once', async () => {
    const data = emptyFolder()
    const sources = Array.from({ length: 5 }, () => emptyFolder())
    for (const source of sources) cpSync(join(GOLDEN, 'data/wkw/block16_file4'), join(source, 'cells'), { recursive: true })
    await using disks = new AsyncDisposableStack()
    const mounts = []
    for (const [n, source] of sources.entries()) mounts.push(disks.use(await mount(source, join(data, `nas${n}`))))
    mounts[4]!.freeze()
    await using server = await RunningBinary.start(['--data', data, '--cache', '0'])
    const start = performance.now()
    expect((await server.get('/data/health')).status).toBe(200)
    expect(performance.now() - start).toBeLessThan(3000)
    const list = await server.list()
    expect(list.map(({ organization, status }) => [organization, status])).toEqual([0, 1, 2, 3].map((n) => [`nas${n}`, 'ok']))
    await server.logged(/nas4 cannot be read: .* has not answered/)
    for (let n = 0; n < 40; n++) expect(indicesOf(await server.buckets(`nas${n % 4}/cells`, 'color', [bucket(0)])).failed).toEqual([])
    mounts[4]!.thaw()
    for (let n = 0; n < 200; n++) {
      await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
      if ((await server.list()).some(({ organization, status }) => organization === 'nas4' && status === 'ok')) return
      await Bun.sleep(100)
    }
    throw new Error('it was not opened')
  }, 60_000)

  test.each(['nas', 'nas/cells', 'nas/cells/color'])(
    '%s unmounted: its dataset stays, and fails instead of being black',
    async (below) => {
      const [data, source] = [emptyFolder(), emptyFolder()]
      const from = below.split('/').slice(1).join('/')
      cpSync(join(GOLDEN, 'data/wkw/block16_file4'), join(source, 'cells'), { recursive: true })
      cpSync(join(GOLDEN, 'data/wkw/rgb'), join(data, 'lab/rgb'), { recursive: true })
      if (from === 'cells/color') {
        mkdirSync(join(data, below), { recursive: true })
        const properties = join(source, 'cells/datasource-properties.json')
        cpSync(properties, join(data, 'nas/cells/datasource-properties.json'))
      }
      await using disk = await mount(join(source, from), join(data, below))
      await using server = await RunningBinary.start(['--data', data, '--cache', '0'])
      const read = async (x: number) => indicesOf(await server.buckets('nas/cells', 'color', [bucket(x)]))
      expect((await server.list()).map(({ status }) => status)).toEqual(['ok', 'ok'])
      expect((await server.get('/data/datasets')).status).toBe(200)
      disk.unmount()
      await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
      expect((await server.list()).map(({ organization, name }) => `${organization}/${name}`).sort()).toEqual(['lab/rgb', 'nas/cells'])
      expect(await read(0)).toMatchObject({ empty: [], failed: [0] })
    },
    60_000,
  )
})

describe('a file that changes under a reader', () => {
  const EDGE = 128
  const volume = (value: number) => new Uint8Array(EDGE ** 3).fill(value)
  const CUBE = '1/z0/y0/x0.wkw'

  async function served(change: (layer: string) => void | Promise<void>) {
    const data = emptyFolder()
    const layer = join(data, 'lab/cells/color')
    await writeWkwMag(join(layer, '1'), volume(1), [EDGE, EDGE, EDGE])
    const server = await RunningBinary.start(['--data', data])
    await server.list()
    const ask = async () => {
      const response = await server.buckets('lab/cells', 'color', [{ ...bucket(0), cubeSize: EDGE }])
      return { failed: indicesOf(response).failed.length > 0, values: [...new Set(await response.bytes())] }
    }
    // half of it is in the cache when the file changes
    await server.buckets('lab/cells', 'color', [bucket(0), bucket(32)])
    await change(layer)
    return { server, ask }
  }

  test.each([
    [
      'replaced',
      async (layer: string) => {
        await writeWkwMag(join(layer, '../../../new'), volume(2), [EDGE, EDGE, EDGE])
        renameSync(join(layer, '../../../new/z0/y0/x0.wkw'), join(layer, CUBE))
      },
      2,
    ],
    [
      'written in place',
      async (layer: string) => {
        await writeWkwMag(join(layer, '../../../new'), volume(2), [EDGE, EDGE, EDGE])
        writeFileSync(join(layer, CUBE), readFileSync(join(layer, '../../../new/z0/y0/x0.wkw')))
      },
      2,
    ],
  ])(
    '%s: all old, a failure, or all new, and soon all new',
    async (_, change, last) => {
      const { server, ask } = await served(change)
      await using _server = server
      for (const until = Date.now() + 8000; Date.now() < until; await Bun.sleep(50)) {
        const { failed, values } = await ask()
        if (!failed) expect(values.length).toBe(1)
        if (values[0] === last) return
      }
      throw new Error('the new file was never read')
    },
    20_000,
  )

  test('truncated: a failure, never zeros', async () => {
    const { server, ask } = await served((layer) => truncateSync(join(layer, CUBE), 2000))
    await using _server = server
    for (let n = 0; n < 10; n++) {
      expect(await ask()).toEqual({ failed: true, values: [] })
      await Bun.sleep(20)
    }
  })
})
