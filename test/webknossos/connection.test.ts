/** The loop behind the reports: what goes out again and again, through an outage, and with a key core refuses. */
import { afterEach, beforeEach, expect, test } from 'bun:test'
import { createLog } from '../../src/log.ts'
import { CoreClient } from '../../src/webknossos/client.ts'
import { Connection } from '../../src/webknossos/connection.ts'
import { DatasetIds } from '../../src/webknossos/ids.ts'
import { VersionOfCore } from '../../src/webknossos/version.ts'
import { keyOf, type Report } from '../../src/webknossos/wire.ts'
import { DATASTORE, KEY, TestCore } from '../support/core/core.ts'

const STATUS_MS = 50
const ORGANIZATION = 'sample_organization'
const report = (name: string): Report => ({
  organization: ORGANIZATION,
  name,
  dataSource: { id: { team: ORGANIZATION, name }, status: 'There is nothing to see.' },
})

let core: TestCore
let reports: Report[]
let connection: Connection
let lines: string[]

beforeEach(() => {
  core = new TestCore('v15')
  reports = [report('one'), report('two')]
  lines = []
  connection = connect(KEY)
})
afterEach(async () => {
  connection.stop()
  await core.stop()
})

function connect(key: string): Connection {
  const client = new CoreClient({ url: core.url, datastore: DATASTORE, key })
  return new Connection({
    client,
    version: new VersionOfCore(client),
    ids: new DatasetIds(client),
    log: createLog('text', (line) => lines.push(line)),
    ownUrl: () => 'http://127.0.0.1:1',
    known: () => ({ reports, keys: new Set(reports.map(keyOf)), isSettled: true, isComplete: true }),
    statusMs: STATUS_MS,
    lastRetryMs: STATUS_MS,
  })
}

const statuses = () => core.to('PATCH', /\/status$/).length
const taken = () => core.bulk.filter(({ status }) => status === 200).length

test('the status is said again and again, what did not change is reported once', async () => {
  connection.start()
  await core.until('five statuses', () => statuses() >= 5)
  expect(taken()).toBe(1)
  expect(core.single).toHaveLength(0)
})

test('what is gone is told to core in a report of everything', async () => {
  connection.start()
  await core.until('the first report', () => taken() === 1)
  reports = [report('one')]
  connection.changed()
  await core.until('the second report', () => taken() === 2)
  expect(JSON.stringify(core.bulk.at(-1)?.body)).not.toContain('"two"')
})

test('changes while core is away become one report when it is back', async () => {
  connection.start()
  await core.until('the first report', () => taken() === 1)
  await core.stop()
  for (let n = 0; n < 100; n++) {
    reports = [...reports, report(`new-${n}`)]
    connection.changed()
    await Bun.sleep(2)
  }
  while (connection.state().state !== 'unreachable') await Bun.sleep(10)
  core.start()
  await core.until('the report after the outage', () => taken() === 2)
  const before = statuses()
  await core.until('three more statuses', () => statuses() >= before + 3)
  expect(taken()).toBe(2)
  expect(core.single).toHaveLength(0)
  expect(core.bulk.at(-1)?.body).toHaveLength(102)
  expect(lines.filter((line) => line.includes('DOES NOT ANSWER'))).toHaveLength(1)
})

test('a core that comes back is told everything again, once, though nothing changed', async () => {
  connection.start()
  await core.until('the first report', () => taken() === 1)
  await core.stop()
  while (connection.state().state !== 'unreachable') await Bun.sleep(10)
  core.start()
  await core.until('the report after the outage', () => taken() === 2)
  const before = statuses()
  await core.until('three more statuses', () => statuses() >= before + 3)
  expect(taken()).toBe(2)
  expect(core.bulk.at(-1)?.body).toHaveLength(2)
})

test('a wrong key is said once, with the fix and without the key', async () => {
  connection = connect('not-the-right-key')
  connection.start()
  await core.until('four refusals', () => core.to('PATCH', /\/status$/).filter(({ status }) => status === 403).length >= 4)
  const said = lines.filter((line) => line.includes('REFUSES'))
  expect(said).toHaveLength(1)
  expect(said[0]).toContain('wkconnect doctor')
  expect(`${lines.join()}${JSON.stringify(connection.state())}`).not.toContain('not-the-right-key')
})
