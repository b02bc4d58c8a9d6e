/** PNG and JPEG files as slices of a z-stack: a page of one tile, the file itself. */
import { pngHeader } from '../../../codecs/png.ts'
import type { Readable } from '../../stores/store.ts'
import { Unusable } from '../../volume/errors.ts'
import type { Page } from './page.ts'
import type { Decoders, Plane } from './plane.ts'
import { MetadataWindows } from './window.ts'

export const isPicture = (key: string): boolean => /\.(png|jpe?g)$/i.test(key)

/** Headers of JPEG segments that are looked at before the image begins. */
const MAX_SEGMENTS = 1000

/** Throws `Unusable` or what the file does not begin as. */
export async function readPicture(file: Readable): Promise<Page> {
  const windows = new MetadataWindows(file)
  const head = await windows.upTo(0, 33)
  if (head.byteLength >= 2 && head.getUint16(0) === 0xffd8) return jpegPage(windows)
  const { width, height, samples, sampleBytes } = pngHeader(new Uint8Array(head.buffer, head.byteOffset, head.byteLength))
  const served = samples === 2 || samples === 4 ? samples - 1 : samples
  const pick = { conversion: 'pick-samples', options: { stored: samples, served, sampleBytes } }
  const pipeline = { codec: 'png', options: { width, height, samples, sampleBytes }, conversions: served === samples ? [] : [pick] }
  return pageOf(width, height, samples, served, sampleBytes, pipeline)
}

export const openPicture = async (file: Readable, page: Page, decoders: Decoders): Promise<Plane> => ({
  file,
  page,
  offsets: { length: 1, heldBytes: 0, at: () => 0 },
  byteCounts: { length: 1, heldBytes: 0, at: () => file.size },
  shift: 0,
  decoder: await decoders.get(page.pipeline),
})

async function jpegPage(windows: MetadataWindows): Promise<Page> {
  let transform: number | undefined
  for (let at = 2, n = 0; n < MAX_SEGMENTS; n++) {
    const view = await windows.read(at, 4)
    const marker = view.getUint16(0)
    const length = view.getUint16(2)
    if (marker < 0xff00) throw new Unusable(`${windows.file.name}: no JPEG marker at byte ${at}`)
    if (marker === 0xffff) {
      at++
      continue
    }
    if (marker === 0xffee && length >= 14) transform = (await windows.read(at + 4, 12)).getUint8(11)
    if (marker >= 0xffc0 && marker <= 0xffcf && marker !== 0xffc4 && marker !== 0xffc8 && marker !== 0xffcc) {
      const frame = await windows.read(at + 4, 6)
      const [bits, height, width, components] = [frame.getUint8(0), frame.getUint16(1), frame.getUint16(3), frame.getUint8(5)]
      if (bits !== 8 || (components !== 1 && components !== 3) || width === 0 || height === 0)
        throw new Unusable(`a JPEG of ${width}×${height} pixels, ${components} components of ${bits} bits, which is not supported`)
      const colour = components === 1 ? 'grey' : transform === 0 ? 'rgb' : 'ycbcr'
      return pageOf(width, height, components, components, 1, { codec: 'jpeg', options: { components, width, colour } })
    }
    at += 2 + length
  }
  throw new Unusable(`${windows.file.name}: a JPEG without a frame`)
}

function pageOf(width: number, height: number, samples: number, served: number, bytes: number, pipeline: Page['pipeline']): Page {
  const dataType = bytes === 2 ? 'uint16' : 'uint8'
  return {
    width,
    height,
    dataType,
    stored: { kind: 'uint', bits: bytes * 8, served: dataType, notes: [] },
    samples,
    served,
    isRgb: served === 3,
    planar: false,
    segment: { width, height },
    isTiled: true,
    rowBytes: { stored: width * samples * bytes, served: width * served * bytes },
    pipeline,
    notes: served < samples ? ['alpha left out'] : [],
  }
}
