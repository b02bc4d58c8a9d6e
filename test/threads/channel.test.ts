import { afterEach, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Access } from '../../src/api/access.ts'
import type { Control } from '../../src/api/context.ts'
import { Forbidden, HttpError } from '../../src/api/errors.ts'
import { createControl } from '../../src/commands/control.ts'
import { createParts } from '../../src/commands/parts.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { Contrasts } from '../../src/datasets/contrasts.ts'
import { CannotWrite } from '../../src/datasets/write.ts'
import { createLog } from '../../src/log.ts'
import { Registry } from '../../src/metrics/registry.ts'
import { Channel, remote } from '../../src/threads/channel.ts'
import { CorruptChunk, Deadline, Unusable, UpstreamError } from '../../src/volume/errors.ts'
import { CoreUnreachable, KeyRefused } from '../../src/webknossos/client.ts'
import { emptyFolder } from '../support/binary.ts'
import { GOLDEN } from '../support/golden.ts'

// starting threads takes its time on a busy machine
setDefaultTimeout(30_000)

const open: MessageChannel[] = []
afterEach(() => {
  for (const { port1, port2 } of open.splice(0)) {
    port1.close()
    port2.close()
  }
})

/** What the other end of a channel sees of an object. */
function across<T extends object>(methods: T): { far: T; channel: Channel } {
  const pair = new MessageChannel()
  open.push(pair)
  new Channel(pair.port1, methods)
  const channel = new Channel(pair.port2, {})
  return { far: remote<T>(channel), channel }
}

const errors = [
  new CannotWrite('the file is broken'),
  new HttpError(409, 'busy', '{"a":1}'),
  new Forbidden('no'),
  new CorruptChunk({ dataset: 'lab/set', chunk: '0,0,0', cause: 'short' }),
  new UpstreamError({ cause: 'no answer' }),
  new Deadline({ cause: 'late' }),
  new Unusable('leads away', '/etc'),
  new CoreUnreachable('is silent'),
  new KeyRefused('refuses'),
]

test.each(errors.map((error) => [error.constructor.name, error] as const))('%s arrives as what it was', async (_, error) => {
  const { far } = across({ fail: async () => Promise.reject(error) })
  const arrived = await far.fail().then(
    () => undefined,
    (caught) => caught,
  )
  expect(arrived.constructor).toBe(error.constructor)
  expect({ ...arrived, message: arrived.message }).toEqual({ ...error, message: error.message })
})

test('what cannot be cloned is an error of that call alone; so is a method that is not there', async () => {
  const { far } = across({ bad: async () => () => 1, good: async () => 2 })
  expect(far.bad()).rejects.toThrow()
  expect((far as unknown as Control).look()).rejects.toThrow('there is no look')
  expect(await far.good()).toBe(2)
})

test('calls to a thread that is gone fail, those under way and those to come', async () => {
  const { far, channel } = across({ hang: () => new Promise(() => {}) })
  const hanging = far.hang().catch((error) => error)
  channel.close(new UpstreamError({ cause: 'gone' }))
  expect(await hanging).toBeInstanceOf(UpstreamError)
  expect(far.hang()).rejects.toBeInstanceOf(UpstreamError)
})

describe('Control from another thread', () => {
  async function farControl(data: string) {
    const config = resolveConfig(['--data', data, '--cache-dir', 'none'], {})
    const parts = await createParts(
      config,
      {},
      createLog('text', () => {}),
    )
    const access = new Access({ adminToken: 'x', requireToken: true, hosts: [] })
    const dropped: unknown[] = []
    const everyThread = async (...question: unknown[]) => {
      dropped.push(question)
      return []
    }
    const control = createControl(
      parts,
      data,
      undefined,
      access,
      new Contrasts({ file: undefined, measure: async () => undefined }),
      {
        publish: async () => {},
        record: async () => [],
        everyThread,
      },
      async () => new Registry().snapshot(),
    )
    await parts.catalogue.start()
    return { control: across(control).far, parts, access, dropped }
  }

  test('lists, reloads, invalidates and shows what there is', async () => {
    const data = emptyFolder()
    cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), join(data, 'lab/cells'), { recursive: true })
    const { control, parts, dropped } = await farControl(data)
    const listed = (await control.list()).find(({ name }) => name === 'cells')!
    expect([listed.status, listed.layers.length]).toEqual(['ok', 1])
    const before = parts.catalogue.byId(listed.id)!.versionedId
    expect([await control.reload(listed.id), await control.reload('nobody')]).toEqual([true, false])
    const { versionedId } = parts.catalogue.byId(listed.id)!
    expect(versionedId).not.toBe(before)
    await control.invalidate(listed.id)
    expect(dropped).toEqual([
      ['forget', listed.id],
      ['drop', versionedId],
    ])
    const page = await control.page({ version: '9.8.7', base: '/base', page: 1, origin: 'http://here', neuroglancer: '' })
    expect([page.includes('cells'), page.includes('9.8.7')]).toEqual([true, true])
    expect(await control.core()).toBeUndefined()
  })

  test('adds and says why not; a list that is broken is CannotWrite', async () => {
    const data = emptyFolder()
    const { control } = await farControl(data)
    const problems = await control.add({ wkw: { lab: { none: { path: 'nowhere' } } } })
    expect(problems.map(({ dataset }) => dataset)).toEqual(['lab/none'])
    cpSync(join(GOLDEN, 'data/wkw/uint8_raw'), join(data, 'elsewhere/x/cells'), { recursive: true })
    writeFileSync(join(data, 'datasets.json'), '{ broken')
    const entries = { wkw: { lab: { cells: { path: join(data, 'elsewhere/x/cells') } } } }
    expect(await control.add(entries).catch((error) => error)).toBeInstanceOf(CannotWrite)
    writeFileSync(join(data, 'datasets.json'), '{}')
    expect(await control.add(entries)).toEqual([])
  })

  test('a link is used up once', async () => {
    const { control, access } = await farControl(emptyFolder())
    const link = access.newLink()
    expect([await control.useLink(link), await control.useLink(link), await control.useLink('x')]).toEqual([true, false, false])
  })
})
