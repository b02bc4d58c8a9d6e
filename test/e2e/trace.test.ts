/** Recording what the executable does, and the page that shows it. `SCREENSHOT=file.png` keeps a picture of the flame graph. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { Browser, CHROMIUM } from '../support/chromium.ts'
import { GOLDEN } from '../support/golden.ts'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string }
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
  readonly startTime: number
  readonly endTime: number
}

const WITH_TOKEN = { headers: { 'X-Auth-Token': 'geheim' } }
const names = ({ nodes }: Profile) => nodes.map(({ callFrame }) => callFrame.functionName)

let server: RunningBinary
beforeAll(async () => {
  const data = emptyFolder()
  mkdirSync(join(data, 'lab'))
  for (const name of readdirSync(join(GOLDEN, 'data/tiff')))
    cpSync(join(GOLDEN, 'data/tiff', name), join(data, 'lab', name), { recursive: true })
  cpSync(join(GOLDEN, 'data/precomputed/jxl'), join(data, 'lab/jxl'), { recursive: true })
  cpSync(join(GOLDEN, 'data/wkw/uint16_lz4'), join(data, 'lab/wkw'), { recursive: true })
  server = await RunningBinary.start(['--data', data, '--admin-token', 'geheim', '--cache', '0'])
  await server.list()
})
afterAll(async () => {
  await server?.stop()
})

/** Keeps it busy until `work` is over: thumbnails of everything, with nothing cached. */
async function whileBusy<T>(work: Promise<T>): Promise<T> {
  let isOver = false
  const done = work.finally(() => (isOver = true))
  const datasets = (await server.list()).filter(({ status }) => status === 'ok')
  for (let n = 0; !isOver; n++) {
    const { id, layers } = datasets[n % datasets.length]!
    const layer = layers[0]!.name
    await Promise.all(
      [1, 2, 3].map((z) => server.get(`/data/datasets/${id}/layers/${layer}/data?x=0&y=0&z=${z}&width=256&height=256&depth=32&mag=1`)),
    ).then((answers) => Promise.all(answers.map((answer) => answer.arrayBuffer())))
  }
  return done
}

test('needs the admin token, a Host of ours, and a time that is bounded', async () => {
  expect((await server.get('/data/triggers/trace?seconds=1')).status).toBe(403)
  expect((await server.get('/data/triggers/trace?seconds=1&token=other')).status).toBe(403)
  const strange = { headers: { ...WITH_TOKEN.headers, Host: 'evil.example' } }
  expect((await server.get('/data/triggers/trace?seconds=1', strange)).status).toBe(403)
  for (const seconds of ['0', '51', '1e9', '-1', '0.5', 'x'])
    expect([seconds, (await server.get(`/data/triggers/trace?seconds=${seconds}`, WITH_TOKEN)).status]).toEqual([seconds, 400])
  expect((await server.get('/trace')).status).toBe(403)
})

test('a recording is a .cpuprofile that names our functions; one is made at a time', async () => {
  const first = server.get('/data/v5/triggers/trace?seconds=2', { ...WITH_TOKEN, method: 'POST' })
  await Bun.sleep(300)
  const second = await server.get('/data/triggers/trace?seconds=1', WITH_TOKEN)
  expect(second.status).toBe(409)
  const answer = await whileBusy(first)
  expect([answer.status, answer.headers.get('Content-Disposition')]).toEqual([200, 'attachment; filename="wkconnect.cpuprofile"'])
  const profile = (await answer.json()) as Profile
  const ids = new Set(profile.nodes.map(({ id }) => id))
  expect(profile.samples.length).toBeGreaterThan(50)
  expect(profile.samples.length).toBe(profile.timeDeltas.length)
  expect(profile.samples.every((id) => ids.has(id))).toBe(true)
  expect(profile.endTime - profile.startTime).toBeGreaterThan(1_800_000)
  expect(names(profile)).toContain('readParts')
  // and when it is over the next one may begin
  expect((await server.get('/data/triggers/trace?seconds=1', WITH_TOKEN)).status).toBe(200)
})

test('decoding threads are recorded, too', async () => {
  const jxl = (await server.list()).find(({ name }) => name === 'jxl')!
  const read = () =>
    server
      .get(`/data/datasets/${jxl.id}/layers/${jxl.layers[0]!.name}/data?x=0&y=0&z=0&width=64&height=64&depth=64&mag=1`)
      .then((answer) => answer.arrayBuffer())
  // JPEG XL is always decoded in a thread, which is started by the first one
  await read()
  let isOver = false
  const recording = server.get('/data/triggers/trace?seconds=1&threads=all', WITH_TOKEN).finally(() => (isOver = true))
  while (!isOver) await read()
  const { threads } = (await (await recording).json()) as { threads: { name: string; profile: Profile }[] }
  expect(threads[0]!.name).toBe('serving')
  const decoding = threads.filter(({ name }) => name.startsWith('decoding'))
  expect(decoding.length).toBeGreaterThan(0)
  expect(decoding.flatMap(({ profile }) => names(profile))).toContain('decode')
})

test.skipIf(process.platform !== 'linux')('all serving threads are recorded', async () => {
  await using both = await RunningBinary.start(['--data', emptyFolder(), '--sample', '--threads', '2', '--admin-token', 'secret'])
  await both.logged(/Serving thread 1 listens/)
  let isOver = false
  const recording = both
    .get('/data/triggers/trace?seconds=1&threads=all', { headers: { 'X-Auth-Token': 'secret' } })
    .finally(() => (isOver = true))
  const path = '/data/datasets/sample_organization/cells/layers/color/data?x=0&y=0&z=0&width=128&height=128&depth=64&mag=1'
  const ask = async () => (await both.get(path, { headers: { Connection: 'close' } })).bytes()
  while (!isOver) await Promise.all([ask(), ask(), ask(), ask()])
  const { threads } = (await (await recording).json()) as { threads: { name: string; profile: Profile }[] }
  expect(threads.map(({ name }) => name).filter((name) => name.startsWith('serving'))).toEqual(['serving', 'serving, thread 1'])
  // not cutParts, which is gone from the stack when it has called readParts last
  for (const name of ['serving', 'serving, thread 1'])
    expect([name, names(threads.find((one) => one.name === name)!.profile).includes('readParts')]).toEqual([name, true])
})

test('nothing can be recorded before the script of the page listens', async () => {
  expect(await (await server.get('/trace', WITH_TOKEN)).text()).toContain('<button disabled>Record</button>')
})

test('health is answered while it records', async () => {
  const recording = server.get('/data/triggers/trace?seconds=1', WITH_TOKEN)
  await Bun.sleep(200)
  expect(await (await server.get('/data/health')).text()).toBe('Ok')
  expect((await recording).status).toBe(200)
})

describe.skipIf(!CHROMIUM)('the page in Chromium (skipped where there is none: Debian has it as chromium)', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await Browser.start()
  })
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]()
  })

  const drawn = `(() => {
    const canvas = document.querySelector('canvas')
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    const colors = new Set()
    for (let i = 0; i < data.length; i += 4) if (data[i] > data[i + 2] + 30) colors.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2])
    return colors.size
  })()`

  test('asks to sign in first, records, and draws a flame graph of the recording in both views', async () => {
    await browser.open(`${server.url}/trace`)
    await browser.evaluate(`document.querySelector('input[name=token]').value = 'geheim'; document.querySelector('form').submit()`)
    await browser.until(
      () => browser.evaluate(`!!document.querySelector('canvas') && !document.querySelector('form button').disabled`),
      'no page',
    )
    // what was asked for before signing in is a complaint of its own
    const before = browser.complaints().length
    await browser.evaluate(`document.querySelector('[name=seconds]').value = 2; document.querySelector('form button').click()`)
    await whileBusy(browser.until(() => browser.evaluate(`document.body.dataset.shown === 'summed serving'`), 'nothing is shown'))
    expect(await browser.evaluate<number>(drawn)).toBeGreaterThan(5)
    expect(await browser.evaluate<number>(`document.querySelector('canvas').width`)).toBeGreaterThan(900)
    expect(await browser.evaluate<string>(`document.querySelector('#words').textContent`)).toMatch(
      /^serving: busy for \d\.\d\d s, \d+ samples/,
    )
    const file = await browser.evaluate<Profile>(`fetch(document.querySelector('a').href).then((r) => r.json()).catch(() => null)`)
    // the policy lets the page itself not read it, the link is for the reader
    expect(file).toBeNull()
    expect(await browser.evaluate<string>(`document.querySelector('a').download`)).toBe('wkconnect serving.cpuprofile')
    if (process.env['SCREENSHOT']) writeFileSync(process.env['SCREENSHOT'], await browser.screenshot())
    await browser.evaluate(`document.querySelector('[value=time]').click()`)
    await browser.until(() => browser.evaluate(`document.body.dataset.shown === 'time serving'`), 'nothing is shown in time')
    expect(await browser.evaluate<number>(drawn)).toBeGreaterThan(5)
    if (process.env['SCREENSHOT']) writeFileSync(`${process.env['SCREENSHOT']}.time.png`, await browser.screenshot())
    expect(browser.requests().filter((url) => !url.startsWith(server.url) && !url.startsWith('data:') && !url.startsWith('blob:'))).toEqual(
      [],
    )
    expect(
      browser
        .complaints()
        .slice(before)
        .filter((text) => !text.includes('blob:') && !text.includes('willReadFrequently')),
    ).toEqual([])
  })
})
