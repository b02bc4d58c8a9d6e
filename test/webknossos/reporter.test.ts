/** What goes into reports, and which report goes out when. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { createLog } from '../../src/log.ts'
import { CoreClient } from '../../src/webknossos/client.ts'
import { type Known, Reporter } from '../../src/webknossos/reporter.ts'
import { parseBuildInfo } from '../../src/webknossos/version.ts'
import { keyOf, type Report, reportText } from '../../src/webknossos/wire.ts'
import { DATASTORE, ERAS, type Era, KEY, TestCore } from '../support/core/core.ts'

const ORGANIZATION = 'sample_organization'
const versionOf = (era: Era) => ({ api: ERAS[era], oldest: 0, release: era })

const layer = (name: string, more: object = {}) => ({
  name,
  category: 'color',
  elementClass: 'uint8',
  dataFormat: 'wkw',
  boundingBox: { topLeft: [0, 0, 0], width: 8, height: 8, depth: 8 },
  mags: [{ mag: [1, 1, 1], path: `./${name}/1` }],
  wkwResolutions: [{ resolution: [1, 1, 1], cubeLength: 1024 }],
  ...more,
})
const report = (name: string, more: object = {}): Report => ({
  organization: ORGANIZATION,
  name,
  dataSource: { id: { team: ORGANIZATION, name }, dataLayers: [layer('color')], scale: [1, 1, 1], ...more },
})
const broken = (name: string, status: string): Report => ({
  organization: ORGANIZATION,
  name,
  dataSource: { id: { team: ORGANIZATION, name }, status },
})
const known = (reports: readonly Report[], more: Partial<Known> = {}): Known => ({
  reports,
  keys: new Set(reports.map(keyOf)),
  isSettled: true,
  isComplete: true,
  ...more,
})

let core: TestCore
let reporter: Reporter
const lines: string[] = []

beforeEach(() => {
  core = new TestCore('v15')
  lines.length = 0
  const client = new CoreClient({ url: core.url, datastore: DATASTORE, key: KEY })
  reporter = new Reporter(
    client,
    createLog('text', (line) => lines.push(line)),
  )
})
afterEach(() => core.stop())

const send = (all: Known) => reporter.report(all, versionOf(core.era))
const calls = () => [core.bulk.filter(({ status }) => status === 200).length, core.single.length]

describe('the text of a report', () => {
  test('a usable one has no status, whatever its files say', () => {
    const text = reportText(report('x', { status: 'fine', statusOpt: null, dataLayers: [layer('a')] }), versionOf('v15'))
    expect(Object.keys(JSON.parse(text))).not.toContain('status')
  })

  test('an unusable one is {id, status}, cut to what core takes', () => {
    const json = JSON.parse(reportText(broken('x', 'because '.repeat(500)), versionOf('C2')))
    expect([Object.keys(json), json.status.length]).toEqual([['id', 'status'], 1024])
  })

  test.each([
    ['C2', 5n, 5],
    ['v14', 2n ** 60n, Number.MAX_SAFE_INTEGER],
    ['v15', 2n ** 60n, { customJsonEncoding: 'bigint', value: '1152921504606846976' }],
    ['v15', 5n, 5],
  ] as const)('%s: the largest segment id %p', (era, id, expected) => {
    const text = reportText(report('x', { dataLayers: [layer('s', { largestSegmentId: id })] }), versionOf(era))
    expect(JSON.parse(text).dataLayers[0].largestSegmentId).toEqual(expected)
  })
})

test.each([...Object.keys(ERAS).map((era) => [era, 15] as const), ['v12', 10], ['v15', 99]] as [Era, number][])(
  '%s that wraps from version %p on takes the report of everything; the form it takes is remembered',
  async (era, wrapsSince) => {
    core.era = era
    core.wrapsSince = wrapsSince
    await send(known([report('a'), broken('b', 'no')]))
    expect(core.rows.all().map(({ name, isUsable }) => [name, isUsable])).toEqual([
      ['a', true],
      ['b', false],
    ])
    await send(known([report('a')]))
    expect(core.bulk.map(({ status }) => status)).toEqual(wrapsSince === 15 ? [200, 200] : [400, 200, 200])
    expect(core.rows.byName(ORGANIZATION, 'b')?.dataSource['status']).toBe('No longer available on datastore.')
  },
)

test('ten thousand datasets are one call', async () => {
  await send(known(Array.from({ length: 10_000 }, (_, n) => report(`d${n}`))))
  expect([core.rows.all().length, ...calls()]).toEqual([10_000, 1, 0])
})

test('what could not be read completely is never a report of everything', async () => {
  const one = report('one')
  await send(known([one, report('two')]))
  await send(known([one], { isComplete: false }))
  await send(known([], { isComplete: false }))
  await send(known([one], { isSettled: false, keys: new Set([keyOf(one), 'x/opening']) }))
  expect([core.rows.byName(ORGANIZATION, 'two')?.isUsable, ...calls()]).toEqual([true, 1, 0])
})

test('nothing at all is never a report of everything, also at start', async () => {
  await send(known([]))
  expect(core.asked).toEqual([])
})

test('one that core refuses keeps no other from it, and is not tried again until it changes', async () => {
  const odd = report('odd', { dataLayers: [layer('x', { elementClass: 'float16' })] })
  await send(known([report('a'), odd, report('b')]))
  expect(core.rows.all().map(({ name, isUsable }) => [name, isUsable])).toEqual(
    expect.arrayContaining([
      ['a', true],
      ['b', true],
      ['odd', false],
    ]),
  )
  expect(reporter.refused.get(keyOf(odd))).toMatch(/float16/)
  expect(lines.join()).toMatch(/odd: core refuses its description: status 400.*float16/)
  const before = core.asked.length
  await send(known([report('a'), odd, report('b')]))
  expect(core.asked.length).toBe(before)
  reporter.retryRefused()
  await send(known([report('a'), odd, report('b')]))
  expect(core.asked.length).toBe(before + 1)
  await send(known([report('a'), report('odd'), report('b')]))
  expect([core.rows.byName(ORGANIZATION, 'odd')?.isUsable, reporter.refused.size]).toEqual([true, 0])
})

test('a core that fails in between is told again, and after an outage everything', async () => {
  core.failing = 502
  await expect(send(known([report('a')]))).rejects.toThrow('502')
  core.failing = undefined
  await send(known([report('a')]))
  expect(calls()).toEqual([1, 0])
  await send(known([report('a')]))
  expect(calls()).toEqual([1, 0])
  core.rows.remove(core.rows.byName(ORGANIZATION, 'a')!)
  reporter.forget()
  await send(known([report('a')]))
  expect([core.rows.byName(ORGANIZATION, 'a')?.isUsable, ...calls()]).toEqual([true, 2, 0])
})

test.each([
  [{ webknossos: { version: '22.05' } }, 0],
  [{ webknossos: {}, httpApiVersioning: { currentApiVersion: 9, oldestSupportedApiVersion: 5 } }, 9],
  [{ webknossos: {}, httpApiVersioning: { currentApiVersion: 15, oldestSupportedApiVersion: 10 }, schemaVersion: 140 }, 15],
  [{ webknossosDatastore: {} }, undefined],
  ['<html>', undefined],
])('the build info %j is of version %p', (json, api) => {
  expect(parseBuildInfo(json)?.api).toBe(api)
})
