/** neuroglancer and Viv in a real Chromium, another origin than the executable's: voxels compared, screenshots in .clients. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { jpeg } from '../../codecs/jpeg.ts'
import { png, pngHeader } from '../../codecs/png.ts'
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
  return [await neuroglancer(viewers.url), ...(await viv(viewers.url))]
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

/**
 * Reads all voxels and draws a plane, of the finest mag and, where all mags have all planes, of the next: each pixel has to be what
 * its voxel and the contrast of the metadata make it.
 */
async function viv(viewers: string): Promise<ClientRow[]> {
  return [
    await vivThrough(viewers, 'zarr-zyx', [0]),
    await vivThrough(viewers, 'zarr3-zyx', [0]),
    await vivThrough(viewers, 'zarr-planes', [0, 1]),
  ]
}

async function vivThrough(viewers: string, route: string, levels: readonly number[]): Promise<ClientRow> {
  await using server = await startServer(['--data', emptyFolder(), '--sample'])
  const id = (await server.list()).find(({ name }) => name === 'cells')!.id
  const layer = encodeURIComponent(`${server.url}/data/${route}/${id}/color`)
  const { color } = growCells(SIZE)
  let voxels = 0
  let pixels = 0
  let labels: string[] = []
  for (const level of levels) {
    await using browser = await Browser.start(WEBGL)
    await browser.open(`${viewers}/viv/?zarr=${layer}&z=${PLANE}&level=${level}`)
    await browser.untilTrue('window.result', TIMEOUT_MS)
    const result = await browser.evaluate<VivResult>('window.result')
    if (result.error) throw new Error(`Viv: ${result.error}`)
    if (!Buffer.from(color).equals(Buffer.from(result.all, 'hex'))) throw new Error(`Viv read other voxels through ${route}`)
    voxels += result.voxels
    labels = result.labels
    await browser.untilTrue('window.rendered > 2', TIMEOUT_MS)
    await Bun.sleep(3000)
    const [{ start, end }] = result.omero.channels.map(({ window }) => window) as [VivWindow]
    const [width, height] = [SIZE[0] >> level, SIZE[1] >> level]
    const cuboid = `x=0&y=0&z=${PLANE}&width=${width}&height=${height}&depth=1&mag=${1 << level}`
    const truth = await (await server.get(`/data/datasets/${id}/layers/color/data?${cuboid}`)).bytes()
    const shot = await browser.screenshot()
    mkdirSync(PACKAGES, { recursive: true })
    writeFileSync(join(PACKAGES, `../viv-${route}-${level}.png`), shot)
    comparePicture(shot, width, height, (n) => Math.round(255 * Math.min(1, Math.max(0, (truth[n]! - start) / (end - start)))))
    await compareThumbnail(
      server,
      shot,
      `/data/datasets/${id}/layers/color/thumbnail.jpg?mag=${1 << level}&x=0&y=0&z=${PLANE}&width=${width}&height=${height}&intensityMin=${start}&intensityMax=${end}`,
    )
    pixels += width * height
  }
  return {
    client: 'Viv in Chromium',
    version: versionOf('@vivjs/loaders'),
    opened: `layer color of cells through ${route}, axes ${labels.join('')}`,
    compared: `${voxels.toLocaleString('en')} voxels and ${pixels.toLocaleString('en')} pixels of its pictures, all equal`,
    asked: await asked(server),
  }
}

interface VivWindow {
  readonly start: number
  readonly end: number
}

interface VivResult {
  readonly error?: string
  readonly labels: string[]
  readonly voxels: number
  /** Hexadecimal. */
  readonly all: string
  readonly omero: { readonly channels: readonly { readonly window: VivWindow }[] }
}

/** The upper left corner of a screenshot, grey. */
function corner(shot: Uint8Array, width: number, height: number): Uint8Array {
  const header = pngHeader(shot)
  const all = new Uint8Array(header.width * header.height * header.samples)
  png.decode(shot, all)
  return Uint8Array.from({ length: width * height }, (_, n) => all[((n % width) + header.width * Math.floor(n / width)) * header.samples]!)
}

function comparePicture(shot: Uint8Array, width: number, height: number, expected: (n: number) => number): void {
  const drawn = corner(shot, width, height)
  // rounding is the graphics card's
  const wrong = drawn.reduce((count, value, n) => count + (Math.abs(value - expected(n)) > 1 ? 1 : 0), 0)
  if (wrong > 0) throw new Error(`${wrong} of ${drawn.length} pixels of Viv's picture are others`)
}

/** Our picture of the same plane is a JPEG: not to the bit. */
async function compareThumbnail(server: RunningBinary, shot: Uint8Array, path: string): Promise<void> {
  const bytes = await (await server.get(path)).bytes()
  const query = new URLSearchParams(path.split('?')[1])
  const [width, height] = [Number(query.get('width')), Number(query.get('height'))]
  const rgb = new Uint8Array(3 * width * height)
  jpeg.decode(bytes, rgb, { components: 3 })
  const mean = corner(shot, width, height).reduce((sum, value, n) => sum + Math.abs(value - rgb[3 * n]!), 0) / (width * height)
  if (mean > 4) throw new Error(`Viv's picture differs from the thumbnail by ${mean.toFixed(1)} on average`)
}

async function keep(name: string, browser: Browser): Promise<void> {
  mkdirSync(PACKAGES, { recursive: true })
  writeFileSync(join(PACKAGES, `../${name}.png`), await browser.screenshot())
}
