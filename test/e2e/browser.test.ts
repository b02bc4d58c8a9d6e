/** The page as a person sees it: a real Chromium on the executable. `SCREENSHOT=file.png` keeps the picture. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { emptyFolder, RunningBinary } from '../support/binary.ts'
import { Browser, CHROMIUM } from '../support/chromium.ts'
import { GOLDEN } from '../support/golden.ts'

/** Mean and spread of the pixels a picture was drawn with. */
const LOOK = `(async (image) => {
  await image.decode()
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight)
  const context = canvas.getContext('2d')
  context.drawImage(image, 0, 0)
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height)
  let sum = 0, squares = 0, n = data.length / 4
  for (let i = 0; i < data.length; i += 4) { sum += data[i]; squares += data[i] ** 2 }
  return { width: canvas.width, mean: sum / n, deviation: Math.sqrt(squares / n - (sum / n) ** 2) }
})`

describe.skipIf(!CHROMIUM)('the page in Chromium (skipped where there is none: Debian has it as chromium)', () => {
  let server: RunningBinary
  let browser: Browser
  beforeAll(async () => {
    const data = emptyFolder()
    mkdirSync(join(data, 'lab'))
    for (const name of ['uint16_lz4', 'rgb', 'no_properties'])
      cpSync(join(GOLDEN, 'data/wkw', name), join(data, 'lab', name), { recursive: true })
    for (const name of ['stack', 'ome']) cpSync(join(GOLDEN, 'data/tiff', name), join(data, 'lab', name), { recursive: true })
    mkdirSync(join(data, 'lab/broken'))
    writeFileSync(join(data, 'lab/broken/datasource-properties.json'), '{')
    server = await RunningBinary.start(['--data', data])
    browser = await Browser.start()
    await browser.open(server.url)
  })
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]()
    await server?.stop()
  })

  test('shows a picture of every layer, none of them black', async () => {
    await browser.evaluate(`for (const image of document.images) image.loading = 'eager'`)
    await browser.until(
      () => browser.evaluate(`[...document.images].every((i) => i.complete && i.naturalWidth > 0)`),
      'a picture is missing',
    )
    const looks = await browser.evaluate<{ mean: number; deviation: number }[]>(`Promise.all([...document.images].map(${LOOK}))`)
    expect(looks.length).toBeGreaterThanOrEqual(6)
    for (const { mean, deviation } of looks) {
      expect(mean).toBeGreaterThan(10)
      expect(deviation).toBeGreaterThan(5)
    }
    if (process.env['SCREENSHOT']) writeFileSync(process.env['SCREENSHOT'], await browser.screenshot())
  })

  test('says of what cannot be opened why, and what to do', async () => {
    const words = await browser.evaluate<string>(`document.querySelector('section.unusable').innerText`)
    expect(words).toMatch(/broken/)
    expect(words).toMatch(/not valid JSON/)
    expect(words).toMatch(/Repair the file/)
  })

  test('the slider shows another slice', async () => {
    const moved = await browser.evaluate<string>(`(async () => {
      const slider = document.querySelector('input[data-picture]')
      const picture = slider.closest('.layer').querySelector('img')
      slider.value = slider.min
      slider.dispatchEvent(new Event('input'))
      await new Promise((done) => picture.addEventListener('load', done, { once: true }))
      return picture.src + ' ' + slider.form.querySelector('output').value + ' ' + slider.min
    })()`)
    expect(moved).toMatch(/\?z=(\d+) \1 \1$/)
  })

  test('asks nobody else for anything, and nothing complains', async () => {
    expect(browser.requests().filter((url) => !url.startsWith(server.url) && !url.startsWith('data:'))).toEqual([])
    expect(browser.complaints()).toEqual([])
  })

  test('works without JavaScript', async () => {
    await browser.send('Emulation.setScriptExecutionDisabled', { value: true })
    await browser.open(`${server.url}/?z=0`)
    const { root } = (await browser.send('DOM.getDocument')) as { root: { nodeId: number } }
    const { nodeIds } = (await browser.send('DOM.querySelectorAll', { nodeId: root.nodeId, selector: 'noscript button' })) as {
      nodeIds: number[]
    }
    expect(nodeIds.length).toBeGreaterThan(0)
    await browser.send('Emulation.setScriptExecutionDisabled', { value: false })
  })
})

test.skipIf(!CHROMIUM)('signing in by the box and by the link, in Chromium (skipped where there is none)', async () => {
  // intensities are measured and kept: not among the golden data
  const flags = ['--state', emptyFolder(), '--require-token', '--admin-token', 'open sesame']
  await using server = await RunningBinary.start([join(GOLDEN, 'data/wkw/rgb'), ...flags])
  const link = /signs in once: (\S+)/.exec(await server.logged(/signs in once/))![1]!
  for (const enter of ['box', 'link']) {
    await using browser = await Browser.start()
    await browser.open(server.url)
    expect(await browser.evaluate<number>('document.images.length + document.querySelectorAll("section").length')).toBe(0)
    if (enter === 'link') await browser.open(link)
    else {
      await browser.evaluate(`document.querySelector('[name=token]').value = 'wrong'; document.querySelector('form button').click()`)
      await browser.untilTrue(`document.querySelector('p.reason')`)
      await browser.evaluate(`document.querySelector('[name=token]').value = 'open sesame'; document.querySelector('form button').click()`)
    }
    await browser.untilTrue('document.images.length > 0 && [...document.images].every((i) => i.complete && i.naturalWidth > 0)')
    // what signed in is in no address that is left in the history
    expect(await browser.evaluate<string>('location.pathname + location.search')).toBe('/')
  }
})
