/** TIFFs and WKW folders on a web server: the same voxels as from a disk, with few requests, and honest about what goes wrong. */
import { afterAll, beforeAll, beforeEach, describe, expect, spyOn, test } from 'bun:test'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { tiledFiles } from '../../bench/tiled.ts'
import { mergeFiles, sortEntries } from '../../src/datasets/entries.ts'
import { mergeEntries } from '../../src/datasets/merge.ts'
import { openDataset, type Resources } from '../../src/datasets/open.ts'
import { FileHandles } from '../../src/stores/handles.ts'
import type { Readable } from '../../src/stores/store.ts'
import type { Dataset } from '../../src/volume/chunked-array.ts'
import { Unusable, UpstreamError } from '../../src/volume/errors.ts'
import { GOLDEN, readable, sha256 } from '../support/golden.ts'
import type { ObjectServer } from '../support/object-server.ts'
import { makeResources, readBox } from '../support/open.ts'
import { serveFolder } from '../support/serve-folder.ts'

let resources: Resources
let server: ObjectServer
beforeAll(async () => {
  resources = await makeResources()
  server = await serveFolder(GOLDEN)
})
afterAll(async () => {
  resources.pool.close()
  await server[Symbol.asyncDispose]()
})
beforeEach(() => void server.heal())

let opened = 0
async function openEntry(backend: 'wkw' | 'tiff', config: Record<string, unknown>): Promise<Dataset> {
  const entries = sortEntries({ [backend]: { lab: { remote: config } } })
  const { datasets } = await mergeEntries([], entries, '/nowhere', new FileHandles())
  const { descriptor, reason } = datasets[0]!
  if (!descriptor) throw new Unusable(reason ?? '')
  return openDataset(`lab/remote@r${++opened}`, 'remote', structuredClone(descriptor), resources, () => {})
}

const isFile = (path: string) => statSync(join(GOLDEN, path)).isFile()
/** The only TIFF of a case, as a URL path. */
const tiffOf = (path: string): string | undefined => {
  if (isFile(path)) return path
  const files = readdirSync(join(GOLDEN, path)).filter((name) => /\.tiff?$/i.test(name))
  return files.length === 1 ? `${path}/${files[0]}` : undefined
}
const tiffs = readable.filter(({ path }) => path.includes('tif') && tiffOf(path)).map((one) => [one.dataset, one] as const)
const wkws = readable.filter(({ path }) => !isFile(path) && readdirSync(join(GOLDEN, path)).includes('datasource-properties.json'))

describe('TIFF', () => {
  test('there are some', () => expect(tiffs.length).toBeGreaterThan(10))

  test.each(tiffs)('%s', async (_, { path, layers }) => {
    const dataset = await openEntry('tiff', { path: `${server.url}/${encodeURI(tiffOf(path)!)}` })
    for (const { name, mag, topLeft, size, sha256: expected } of layers) {
      const layer = dataset.layers.find((one) => one.name === name)!
      expect([name, sha256(await readBox(layer, mag, topLeft, size))]).toEqual([name, expected])
    }
  })

  test('user, password and a query open it, and are not in its descriptor’s folder', async () => {
    const [, { path }] = tiffs[0]!
    server.answer(({ headers, query }) =>
      headers['authorization'] === `Basic ${btoa('u:p')}` && query.get('sig') === 's' ? undefined : new Response(null, { status: 401 }),
    )
    const url = `http://u:p@127.0.0.1:${server.port}/${encodeURI(tiffOf(path)!)}?sig=s`
    expect((await openEntry('tiff', { path: url })).layers.length).toBeGreaterThan(0)
    server.answer(() => undefined)
    const { datasets } = await mergeEntries([], sortEntries({ tiff: { lab: { x: { path: url } } } }), '/nowhere', new FileHandles())
    expect(`${datasets[0]!.descriptor!.folder} ${datasets[0]!.rule} ${datasets[0]!.fingerprint}`).not.toMatch(/u:p|sig=/)
  })

  test.each([
    ['nothing there', { status: 404 }, 'not there'],
    ['no range requests', { ignoreRange: true }, 'range'],
    ['a page of HTML', { body: '<html>Please log in</html>' }, 'not a TIFF'],
    ['a refusal', { status: 403 }, 'credentials'],
    ['a damaged server', { status: 501 }, 'status 501'],
  ] as const)('%s is said', async (_, fault, words) => {
    const largest = tiffs
      .map(([, { path }]) => tiffOf(path)!)
      .sort((a, b) => statSync(join(GOLDEN, b)).size - statSync(join(GOLDEN, a)).size)[0]!
    server.objects.set('big.tif', new Uint8Array(Buffer.concat([server.objects.get(largest)!, new Uint8Array(100_000)])))
    server.fault(fault)
    expect((await openEntry('tiff', { path: `${server.url}/big.tif` }).catch((error) => error)).message).toContain(words)
  })
})

test('opening a TIFF of 2 MB, whose tables lie in front, costs a request, and a tile of it few more', async () => {
  for (const [name, path] of await tiledFiles()) server.objects.set(`${name}.tif`, new Uint8Array(readFileSync(path)))
  const dataset = await openEntry('tiff', { path: `${server.url}/none.tif` })
  expect(server.asked.length).toBeLessThanOrEqual(2)
  server.asked.length = 0
  server.bytesSent = 0
  await readBox(dataset.layers[0]!, [1, 1, 1], [512, 512, 0], [256, 256, 1])
  expect(server.asked.length).toBeLessThanOrEqual(3)
  expect(server.bytesSent).toBeLessThan(256 * 1024)
})

describe('WKW', () => {
  test.each(wkws.map((one) => [one.dataset, one] as const))('%s', async (_, { path, layers }) => {
    const dataset = await openEntry('wkw', { path: `${server.url}/${encodeURI(path)}` })
    for (const { name, mag, topLeft, size, sha256: expected } of layers) {
      const layer = dataset.layers.find((one) => one.name === name)!
      expect([name, sha256(await readBox(layer, mag, topLeft, size))]).toEqual([name, expected])
    }
  })

  test('a chunk that cannot be read fails, and can be read when the fault is over', async () => {
    const { path, layers } = wkws[0]!
    const dataset = await openEntry('wkw', { path: `${server.url}/${path}` })
    const { name, mag, topLeft, size, sha256: expected } = layers[0]!
    const layer = dataset.layers.find((one) => one.name === name)!
    server.fault({ status: 501, when: ({ key }) => /x\d+\.wkw$/.test(key) })
    expect(await readBox(layer, mag, topLeft, size).catch((error) => error)).toBeInstanceOf(UpstreamError)
    server.heal()
    expect(sha256(await readBox(layer, mag, topLeft, size))).toBe(expected)
  })
})

describe('an object that is replaced', () => {
  const url = () => `${server.url}/swapped.tif`
  const path = tiffOf(tiffs[0]![1].path)!
  const open = async () => {
    server.objects.set('swapped.tif', server.objects.get(path)!)
    const { datasets } = await mergeEntries([], sortEntries({ tiff: { lab: { remote: { path: url() } } } }), '/nowhere', new FileHandles())
    const id = `lab/remote@s${++opened}`
    const dataset = await openDataset(id, 'remote', datasets[0]!.descriptor!, resources, () => {})
    const { topLeft, size, mag } = tiffs[0]![1].layers[0]!
    await readBox(dataset.layers[0]!, mag, topLeft, size)
    server.objects.set('swapped.tif', new Uint8Array(Buffer.concat([server.objects.get(path)!, Uint8Array.of(1)])))
    return id
  }

  test('is noticed by looking again: another ETag', async () => {
    const id = await open()
    const file = [...resources.tables.entries()].find(([key]) => key.startsWith(`${id}/`))![1] as { file: Readable }
    expect(await file.file.isCurrent()).toBe(true)
    const later = performance.now() + 60_000
    const clock = spyOn(performance, 'now').mockImplementation(() => later)
    expect(await file.file.isCurrent()).toBe(false)
    clock.mockRestore()
  })
})

describe('entries of strangers', () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how datasets.json names variables
  const stranger = { path: 'https://evil.test/$SECRET/${SECRET}/x.tif', addedOverHttp: true }
  test('variables of the environment stay as they are', () => {
    const { usable } = sortEntries({ tiff: { lab: { a: stranger, b: { path: '$SECRET' } } } }, { SECRET: 'hidden' })
    expect(usable.map(({ path }) => path)).toEqual([stranger.path, 'hidden'])
  })

  test('do not take over what the owner wrote beside them', () => {
    const owner = { tiff: { lab: { a: { path: 'https://good.test/x.tif', credentials: { token: 'hidden' } } } } }
    expect(mergeFiles([owner, { tiff: { lab: { a: stranger } } }])).toEqual({ tiff: { lab: { a: stranger } } })
  })

  test('may not reach this machine', async () => {
    const open = openEntry('tiff', { path: `${server.url}/x.tif`, addedOverHttp: true })
    expect((await open.catch((error) => error)).message).toContain('--allow-remote')
    expect(server.asked.length).toBe(0)
  })
})
