/** One Zarr chunk: a bucket, or one channel of it, on the grid that begins at the mag's origin, always of full size (protocol.md 6.2). */
import { boxAt, intersect, isEmpty, toMag } from '../volume/box.ts'
import { type Layer, type Mag, magOf } from '../volume/chunked-array.ts'
import { layerAt } from '../volume/coordinates.ts'
import { cutout, heldBox } from '../volume/cutout.ts'
import { sampleBytes } from '../volume/data-type.ts'
import { messageOf } from '../volume/errors.ts'
import { chain, type MaybePromise, recover } from '../volume/maybe-promise.ts'
import { Pace } from '../volume/pace.ts'
import { CHUNK_EDGE, channelsPerChunk } from '../zarr/array.ts'
import type { AxisOrder } from '../zarr/axis-order.ts'
import { parseChunkKey } from '../zarr/key.ts'
import type { Context } from './context.ts'
import { hasLeft } from './request-signal.ts'

interface ZarrChunk {
  readonly layer: Layer
  readonly mag: Mag
  /** How many planes of the array each plane of the mag is. */
  readonly each: number
  readonly order: AxisOrder
  readonly key: string
}

/**
 * What `answer` makes of the chunk's bytes, which it has to copy. Undefined where nothing is stored, which every client reads as the
 * fill value, and for keys that mean no chunk of this array. Throws what reading throws. `where` names dataset and layer for the log.
 */
export function readZarrChunk<T>(
  { layer, mag, each, order, key }: ZarrChunk,
  where: () => string,
  { answers, chunks, log }: Context,
  answer: (bytes: Uint8Array) => T,
  signal?: AbortSignal,
): MaybePromise<T | undefined> {
  const place = parseChunkKey(key, layer, order)
  if (!place) return undefined
  const fixed = layerAt(layer, place.coordinates)
  const fixedMag = fixed && (fixed === layer ? mag : magOf(fixed, mag.factor))
  if (!fixedMag) return undefined
  const channels = channelsPerChunk(layer, order)
  const source = channels === layer.channels ? fixedMag : { ...fixedMag, channel: place.channel }
  const [x, y, z] = place.index.map((index) => index * CHUNK_EDGE) as [number, number, number]
  const firstPlane = Math.floor(z / each)
  const planes = Math.ceil((z + CHUNK_EDGE) / each) - firstPlane
  const box = boxAt([x, y, firstPlane], [CHUNK_EDGE, CHUNK_EDGE, planes])
  const clip = toMag(fixed.boundingBox, mag.factor)
  if (isEmpty(intersect(box, clip))) return undefined
  const held = each === 1 ? heldBox(source, box, clip, chunks) : undefined
  if (held) return answer(held)
  const planeBytes = CHUNK_EDGE ** 2 * sampleBytes(layer.dataType) * channels
  const bytes = CHUNK_EDGE * planeBytes
  return chain(answers.take(bytes), (buffer) => {
    const target = buffer.subarray(0, bytes)
    const done = (found: boolean): T | undefined => {
      if (found && each > 1) repeatPlanes(target, planeBytes, (plane) => Math.floor((z + plane) / each) - firstPlane)
      const result = found ? answer(target) : undefined
      answers.giveBack(buffer)
      return result
    }
    return recover(
      () => chain(cutout(source, box, clip, target.subarray(0, planes * planeBytes), { chunks, pace: new Pace(), signal }), done),
      (error) => {
        answers.giveBack(buffer)
        if (!hasLeft(signal)) log.trouble(where(), `${where()}: Zarr chunk ${key} of mag ${mag.factor.join('-')}: ${messageOf(error)}`)
        throw error
      },
    )
  })
}

/** In place: no plane comes from a later one, so the last goes first. */
function repeatPlanes(chunk: Uint8Array, planeBytes: number, from: (plane: number) => number): void {
  for (let plane = CHUNK_EDGE - 1; plane > 0; plane--)
    chunk.copyWithin(plane * planeBytes, from(plane) * planeBytes, (from(plane) + 1) * planeBytes)
}
