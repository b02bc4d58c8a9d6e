/** Thumbnails and histograms of a local dataset, from the request to the last byte, warm; and the encoder beside two others. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import jpegJs from 'jpeg-js'
import { JpegEncoder } from '../codecs/jpeg-encoder.ts'
import { benchData } from './data.ts'
import { compare, median, spread, table } from './measure.ts'
import { startServer } from './server.ts'

export const title = 'Thumbnails'
const ROUNDS = 30
const EDGE = 400

const asked = [
  ['400² uint8, today’s parameters', 'vol/layers/color/thumbnail.jpg?width=400&height=400&mag=1-1-1&x=50&y=60&z=70'],
  ['400² uint32 segmentation', 'seg/layers/segmentation/thumbnail.jpg?width=400&height=400&mag=1-1-1&x=50&y=60&z=70'],
  ['400² uint8, parameters of 2022', 'vol/layers/color/thumbnail.jpg?width=400&height=400'],
  ['histogram, uint8', 'vol/layers/color/histogram'],
  ['findData, uint32', 'seg/layers/segmentation/findData'],
] as const

export async function run(): Promise<string> {
  const data = await benchData()
  await using server = await startServer(['--data', data])
  await (await fetch(`${server.url}/data/datasets`)).arrayBuffer()
  const rows: (string | number)[][] = []
  for (const [name, path] of asked) {
    const times: number[] = []
    for (let n = -5; n < ROUNDS; n++) {
      const start = performance.now()
      const response = await fetch(`${server.url}/data/datasets/bench/${path}`)
      const bytes = await response.arrayBuffer()
      if (!response.ok) throw new Error(`${path}: ${response.status} ${new TextDecoder().decode(bytes)}`)
      if (n >= 0) times.push(performance.now() - start)
    }
    rows.push([name, median(times), spread(times)])
  }
  return `Bar: a thumbnail within 50 ms.\n\n${table(['what', 'ms', 'from – to'], rows)}\n\n${await encoders()}`
}

/** The picture of a texture, as RGB. */
async function encoders(): Promise<string> {
  const pixels = Uint8Array.from({ length: EDGE * EDGE * 3 }, (_, n) => {
    const [x, y] = [Math.floor(n / 3) % EDGE, Math.floor(n / 3 / EDGE)]
    return 128 + 90 * Math.sin(x / 20) * Math.cos(y / 17) + ((n * 7919) % 13)
  })
  const rgba = Uint8Array.from({ length: EDGE * EDGE * 4 }, (_, n) => (n % 4 === 3 ? 255 : pixels[(n >> 2) * 3 + (n % 4)]!))
  const require = createRequire(import.meta.url)
  const loadTurbo = require('@cornerstonejs/codec-libjpeg-turbo-8bit/wasmjs')
  const turbo = await loadTurbo({ wasmBinary: readFileSync(require.resolve('@cornerstonejs/codec-libjpeg-turbo-8bit/wasm')) })
  const encoder = new turbo.JPEGEncoder()
  const times = await compare({
    ours: () => {
      const jpeg = new JpegEncoder({ width: EDGE, height: EDGE, samples: 3 })
      jpeg.add(pixels)
      return jpeg.finish()
    },
    turbo: () => {
      encoder.getDecodedBuffer({ width: EDGE, height: EDGE, bitsPerSample: 8, componentCount: 3, isSigned: false }).set(pixels)
      encoder.setProgressive(false)
      encoder.setQuality(90)
      encoder.setSubSampling(0)
      encoder.encode()
      return encoder.getEncodedBuffer()
    },
    jpegJs: () => jpegJs.encode({ data: rgba, width: EDGE, height: EDGE }, 90),
  })
  const rows = [
    ['ours', times.ours, 1],
    ['libjpeg-turbo as WASM', times.turbo, times.turbo / times.ours],
    ['jpeg-js', times.jpegJs, times.jpegJs / times.ours],
  ]
  return table([`${EDGE}² RGB as JPEG of quality 90`, 'ms', 'ratio'], rows)
}
