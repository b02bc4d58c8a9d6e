/** The page for people, in a real browser where there is one. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { Browser, CHROMIUM } from '../support/chromium.ts'
import { GOLDEN } from '../support/golden.ts'
import { writeTinyTiff } from '../support/tiny-tiff.ts'

const data = emptyFolder()
let server: RunningBinary

beforeAll(async () => {
  for (const name of ['rgb', 'ome', 'strips_uint16', 'lzma', 'sparse', 'strips_float32'])
    cpSync(join(GOLDEN, 'data/tiff', name), join(data, 'lab', name), { recursive: true })
  cpSync(join(GOLDEN, 'data/wkw/no_properties'), join(data, 'lab', 'labels <b>&"bold"'), { recursive: true })
  server = await RunningBinary.start(['--data', data])
  await server.list()
})
afterAll(() => server.stop())

const idOf = async (name: string) => (await server.list()).find((one) => one.name === name)!.id

/** Width, height, samples and pixels of a PNG with unfiltered rows, as ours are. */
function decodePng(bytes: Uint8Array) {
  const png = Buffer.from(bytes)
  expect(png.subarray(1, 4).toString()).toBe('PNG')
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  const samples = png[25] === 2 ? 3 : 1
  const rows = inflateSync(png.subarray(41, 41 + png.readUInt32BE(33)))
  const pixels = Buffer.concat(
    Array.from({ length: height }, (_, y) => rows.subarray(y * (width * samples + 1) + 1, (y + 1) * (width * samples + 1))),
  )
  return { width, height, samples, pixels }
}

const picture = async (name: string, layer: string, query = '') => {
  const response = await server.get(`/picture/${await idOf(name)}/${encodeURIComponent(layer)}${query}`)
  expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'image/png'])
  return decodePng(await response.bytes())
}

describe('pictures', () => {
  test('16 bits are stretched between their percentiles, not black', async () => {
    const { width, height, samples, pixels } = await picture('strips_uint16', 'color')
    expect([width, height, samples]).toEqual([90, 75, 1])
    expect(new Set(pixels).size).toBeGreaterThan(10)
    expect(Math.max(...pixels)).toBe(255)
  })

  test.each(['strips_float32', 'sparse'])('%s has contrast, too', async (name) => {
    expect(new Set((await picture(name, 'color')).pixels).size).toBeGreaterThan(5)
  })

  test('RGB keeps its colours', async () => {
    const { samples, pixels } = await picture('rgb', 'color')
    const raw = await server.get('/data/datasets/lab/rgb/layers/color/data?x=0&y=0&z=0&width=90&height=75&depth=1&mag=1')
    expect([samples, Buffer.from(await raw.arrayBuffer()).equals(pixels)]).toEqual([3, true])
  })

  test('segments have colours, far ones for near ids, the same each time', async () => {
    const { samples, pixels } = await picture('labels <b>&"bold"', 'segmentation')
    expect([samples, new Set(pixels).size > 20]).toEqual([3, true])
  })

  test('another z is another slice, beyond the layer the last one', async () => {
    const slices = await Promise.all([0, 2, 4, 99].map(async (z) => (await picture('ome', 'color_DAPI', `?z=${z}`)).pixels.toString('hex')))
    expect(new Set(slices).size).toBe(3)
    expect(slices[3]).toBe(slices[2]!)
  })

  test('a large plane is drawn small', async () => {
    writeTinyTiff(join(data, 'lab/large/color.tif'), 3000, 1000, 7)
    await server.get('/data/triggers/checkInboxBlocking', { method: 'POST' })
    expect(await picture('large', 'color')).toMatchObject({ width: 512, height: 170 })
  })

  test('an unknown layer is 404', async () => {
    expect((await server.get(`/picture/${await idOf('rgb')}/nothing`)).status).toBe(404)
  })
})

describe('the page', () => {
  test('says what there is, where sizes come from, and for what cannot be opened the reason and the fix', async () => {
    const page = await (await server.get('/')).text()
    expect(page).toContain('100 × 100 × 300 nm')
    expect(page).toContain('guessed: nothing in the file says')
    expect(page).toMatch(/compression is LZMA[^<]*<\/p><p class="fix">Convert it: vips tiffsave/)
    expect(page).not.toContain('<b>&"bold"')
    expect(page).toContain('labels &lt;b&gt;&amp;&quot;bold&quot;')
  })

  test('loads nothing from anywhere else and may not be framed', async () => {
    const response = await server.get('/')
    const page = await response.text()
    // what a person may click on is not loaded
    const loaded = page.replace(/<a [^>]*target="_blank"[^>]*>/g, '')
    expect(loaded).not.toMatch(/(?:src|href)="(?:https?:)?\/\//)
    expect(page).toMatch(/href="https:\/\/neuroglancer-demo\.appspot\.com\/#!%7B[^"]*" target="_blank" rel="noopener">open in neuroglancer/)
    expect(response.headers.get('Content-Security-Policy')).toMatch(/default-src 'none'.*frame-ancestors 'none'/)
  })

  test('without JavaScript a form shows another slice', async () => {
    const id = await idOf('ome')
    const page = await (await server.get(`/?dataset=${id}&layer=color_GFP&z=4`)).text()
    expect(page).toContain(`/picture/${id}/color_GFP?z=4"`)
    expect(page).toContain(`/picture/${id}/color_DAPI?z=2"`)
  })

  test('shows 50 datasets at a time', async () => {
    const many = emptyFolder()
    mkdirSync(join(many, 'lab'))
    for (let n = 0; n < 60; n++) writeTinyTiff(join(many, 'lab', `d${String(n).padStart(2, '0')}`, 'color.tif'))
    await using other = await RunningBinary.start(['--data', many])
    const counts = await Promise.all(
      ['/', '/?page=2', '/?page=99'].map(async (path) => (await (await other.get(path)).text()).split('<section').length - 1),
    )
    expect(counts).toEqual([50, 10, 10])
  })

  test('without datasets it says what one is', async () => {
    await using other = await RunningBinary.start(['--data', emptyFolder()])
    expect(await (await other.get('/')).text()).toContain('No datasets found')
  })

  test.skipIf(!CHROMIUM)('in Chromium every picture is drawn and the slider changes it (skipped where there is no Chromium)', async () => {
    await using browser = await Browser.start()
    await browser.open(`${server.url}/`)
    await browser.untilTrue('document.images.length > 5')
    await browser.evaluate("for (const image of document.images) image.loading = 'eager'")
    await browser.untilTrue('[...document.images].every((image) => image.complete && image.naturalWidth > 0)')
    expect(await browser.evaluate<number>('document.querySelectorAll("section").length')).toBe((await server.list()).length)
    const before = await browser.evaluate<string>(`document.querySelector('img[src*="color_DAPI"]').src`)
    await browser.evaluate(`{
      const slider = document.querySelector('input[data-picture*="color_DAPI"]')
      slider.value = '4'
      slider.dispatchEvent(new Event('input'))
    }`)
    await browser.untilTrue(`document.querySelector('img[src*="color_DAPI"]').src.endsWith('?z=4')`)
    expect(before).toEndWith('?z=2')
    await browser.untilTrue(`document.querySelector('img[src*="color_DAPI"]').complete`)
  })

  test.skipIf(!CHROMIUM)(
    'a button copies the lines of Python, with the address the reader sees (skipped where there is no Chromium)',
    async () => {
      // the page is asked for under another name than the one the server gave itself
      await using browser = await Browser.start()
      await browser.open(server.url.replace('127.0.0.1', 'localhost'))
      await browser.untilTrue(`document.querySelector('details button[data-origin]')?.hidden === false`)
      await browser.evaluate(`{
      navigator.clipboard.writeText = async (text) => { window.copied = text }
      document.querySelector('details button[data-origin]').click()
    }`)
      await browser.untilTrue(`window.copied && document.querySelector('details button[data-origin]').textContent === 'Copied'`)
      const [first, second, third, ...more] = (await browser.evaluate<string>('window.copied')).split('\n')
      expect([first, more]).toEqual(['import numpy as np, urllib.request', []])
      expect(second).toContain(`"${server.url.replace('127.0.0.1', 'localhost')}/data/datasets/`)
      await browser.evaluate(`document.querySelector('.doors button').click()`)
      await browser.untilTrue(`window.copied.includes('/data/zarr/')`)
      expect(await browser.evaluate<string>('window.copied')).toMatch(/^http:\/\/localhost:\d+\/data\/zarr\/[0-9a-f]{24}$/)
      await browser.evaluate(`{
        const details = document.querySelector('.addresses')
        details.open = true
        details.querySelectorAll('button')[1].click()
      }`)
      await browser.untilTrue(`window.copied.includes('/data/zarr-planes/')`)
      expect(await browser.evaluate<string>('window.copied')).toMatch(/^http:\/\/localhost:\d+\/data\/zarr-planes\/[0-9a-f]{24}\/\w+$/)
      expect(third).toMatch(/^voxels = np\.frombuffer\(data, np\.\w+\)\.reshape\(\([\d, ]+\), order="F"\)$/)
    },
  )
})

describe('--require-token', () => {
  const start = () => RunningBinary.start(['--data', data, '--require-token', '--admin-token', 'open sesame'])

  test('nothing is shown or served without the token', async () => {
    await using closed = await start()
    const page = await closed.get('/')
    expect([page.status, await page.text()]).toEqual([403, expect.stringMatching(/<input type="password"/)])
    for (const path of [
      '/data/datasets',
      '/data/datasets/lab/rgb',
      '/data/datasets/lab/rgb/layers/color/data?x=0&y=0&z=0&width=1&height=1&depth=1&mag=1',
      '/picture/0/x',
      '/data/datasets/lab/rgb/readInboxDataSource',
      ...['thumbnail.jpg?width=1&height=1', 'thumbnail.json?width=1&height=1', 'histogram', 'findData', 'meshes', 'hasSegmentIndex'].map(
        (route) => `/data/v9/datasets/lab/rgb/layers/color/${route}`,
      ),
      '/data/datasets/lab/rgb/layers/color/mag1/x0/y0/z0/bucket.raw?cubeSize=8',
    ])
      expect([path, (await closed.get(path)).status]).toEqual([path, 403])
    expect((await closed.buckets('lab/rgb', 'color', [])).status).toBe(403)
    expect((await closed.get('/data/health')).status).toBe(200)
  })

  test('as a parameter or header it opens, a wrong one does not', async () => {
    await using closed = await start()
    expect((await closed.get('/data/datasets?token=open%20sesame')).status).toBe(200)
    expect((await closed.get('/data/datasets', { headers: { 'X-Auth-Token': 'open sesame' } })).status).toBe(200)
    expect((await closed.get('/data/datasets?token=open%20sesamf')).status).toBe(403)
  })

  test('the link of the log signs in once, the form with the token any time', async () => {
    await using closed = await start()
    const link = /signs in once: (http\S+)/.exec(await closed.logged(/signs in once/))![1]!
    const first = await fetch(link, { redirect: 'manual' })
    const cookie = first.headers.get('Set-Cookie')!.split(';')[0]!
    expect([first.status, first.headers.get('Location'), first.headers.get('Set-Cookie')]).toEqual([
      303,
      '/',
      expect.stringMatching(/HttpOnly; SameSite=Strict/),
    ])
    expect((await closed.get('/', { headers: { Cookie: cookie } })).status).toBe(200)
    expect((await fetch(link, { redirect: 'manual' })).status).toBe(403)
    const form = await closed.get('/sign-in', { method: 'POST', body: new URLSearchParams({ token: 'open sesame' }), redirect: 'manual' })
    expect(form.status).toBe(303)
    const wrong = await closed.get('/sign-in', { method: 'POST', body: new URLSearchParams({ token: 'no' }), redirect: 'manual' })
    expect(wrong.status).toBe(403)
    const text = await closed.get('/sign-in', { method: 'POST', body: 'token=open%20sesame', redirect: 'manual' })
    expect([text.status, text.headers.get('Set-Cookie')]).toEqual([415, null])
  })
})
