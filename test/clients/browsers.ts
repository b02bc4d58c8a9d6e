/** neuroglancer and Viv in a real Chromium, another origin than the executable's: voxels compared, screenshots in .clients. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { growCells } from '../../src/sample/cells.ts'
import { emptyFolder, type RunningBinary } from '../support/binary.ts'
import { Browser, CHROMIUM } from '../support/chromium.ts'
import { PACKAGES, serveViewers, versionOf } from './browser/serve.ts'
import { asked, type ClientRow, startServer } from './client.ts'

const SIZE = [192, 192, 96] as const
/** The z that the link opens at. */
const PLANE = 48
const WEBGL = ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist']
const TIMEOUT_MS = 90_000

export async function run(): Promise<ClientRow[]> {
  if (!CHROMIUM) throw new Error('Chromium is not installed')
  await using viewers = await serveViewers()
  return [await neuroglancer(viewers.url), await viv(viewers.url)]
}

/** By the link of our page, as its reader goes. It is asked for its value at every voxel of the plane it shows. */
async function neuroglancer(viewers: string): Promise<ClientRow> {
  await using server = await startServer(['--data', emptyFolder(), '--sample', '--neuroglancer', `${viewers}/neuroglancer/`])
  const page = await (await server.get('/')).text()
  const id = (await server.list()).find(({ name }) => name === 'cells')!.id
  const link = [...page.matchAll(/href="([^"]+\/neuroglancer\/#![^"]+)"/g)].map(([, href]) => href!).find((href) => href.includes(id))
  if (!link) throw new Error('the page has no link to neuroglancer')
  await using browser = await Browser.start(WEBGL)
  await browser.open(link)
  await browser.untilTrue('window.viewer && viewer.layerManager.managedLayers.length === 2', TIMEOUT_MS)
  await browser.untilTrue('viewer.layerManager.managedLayers.every((layer) => layer.isReady())', TIMEOUT_MS)
  await browser.untilTrue('viewer.isReady()', TIMEOUT_MS)
  await Bun.sleep(1000)
  const { color, segmentation } = growCells(SIZE)
  let compared = 0
  for (const [n, truth] of [color, segmentation].entries()) {
    // what it would show under the mouse, at every position of the plane it shows
    const values = await browser.evaluate<(string | null)[]>(`(() => {
      const { layer } = viewer.layerManager.managedLayers[${n}]
      const nothingPicked = { pickedRenderLayer: null, pickedValue: 0n, pickedOffset: 0, pickedAnnotationLayer: undefined }
      const out = []
      for (let y = 0; y < ${SIZE[1]}; y++) for (let x = 0; x < ${SIZE[0]}; x++) {
        const value = layer.getValueAt(new Float32Array([x, y, ${PLANE}]), nothingPicked)
        out.push(value == null ? null : String(value.value ?? value.key ?? value))
      }
      return out
    })()`)
    if (!Array.isArray(values)) throw new Error('neuroglancer did not say its values')
    let at = 0
    for (let y = 0; y < SIZE[1]; y++)
      for (let x = 0; x < SIZE[0]; x++) {
        const value = values[at++]
        const expected = String(truth[x + SIZE[0] * (y + SIZE[1] * PLANE)])
        if (value !== expected) throw new Error(`neuroglancer has ${value} at ${x}, ${y}, ${PLANE} of layer ${n}, not ${expected}`)
        compared++
      }
  }
  await keep('neuroglancer', browser)
  return {
    client: 'neuroglancer in Chromium',
    version: versionOf('neuroglancer'),
    opened: 'both layers of cells, by the link of the page',
    compared: `${compared.toLocaleString('en')} voxels of the plane it shows, all equal`,
    asked: await asked(server),
  }
}

async function viv(viewers: string): Promise<ClientRow> {
  await using server = await startServer(['--data', emptyFolder(), '--sample'])
  await using browser = await Browser.start(WEBGL)
  await browser.open(`${viewers}/viv/?zarr=${encodeURIComponent(await layerUrl(server))}`)
  await browser.untilTrue('window.result', TIMEOUT_MS)
  const result = await browser.evaluate<{ error?: string; labels: string[]; voxels: number; all: string }>('window.result')
  if (result.error) throw new Error(`Viv: ${result.error}`)
  const { color } = growCells(SIZE)
  const planes = Buffer.alloc(color.length)
  let at = 0
  for (let x = 0; x < SIZE[0]; x++)
    for (let z = 0; z < SIZE[2]; z++) for (let y = 0; y < SIZE[1]; y++) planes[at++] = color[x + SIZE[0] * (y + SIZE[1] * z)]!
  if (!planes.equals(Buffer.from(result.all, 'hex'))) throw new Error('Viv read other voxels')
  await browser.untilTrue('window.rendered > 2', TIMEOUT_MS)
  await Bun.sleep(3000)
  await keep('viv', browser)
  return {
    client: 'Viv in Chromium',
    version: versionOf('@vivjs/loaders'),
    opened: `layer color of cells, labels ${result.labels.join('')}`,
    compared: `${result.voxels.toLocaleString('en')} voxels, all equal; it draws their columns as rows`,
    asked: await asked(server),
  }
}

async function layerUrl(server: RunningBinary): Promise<string> {
  const id = (await server.list()).find(({ name }) => name === 'cells')!.id
  return `${server.url}/data/zarr/${id}/color`
}

async function keep(name: string, browser: Browser): Promise<void> {
  mkdirSync(PACKAGES, { recursive: true })
  writeFileSync(join(PACKAGES, `../${name}.png`), await browser.screenshot())
}
