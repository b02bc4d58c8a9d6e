/** Reads the buckets of one request: each is there, empty or failed, and none takes the others along. */
import { type Static, Type } from '@sinclair/typebox'
import { LARGE_BYTES } from '../cache/answers.ts'
import { type Box, boxAt, intersect, isEmpty, isInside, toMag } from '../volume/box.ts'
import { type Layer, type Mag, magOf, wireBytes } from '../volume/chunked-array.ts'
import { layerAt } from '../volume/coordinates.ts'
import { cutout, heldBox } from '../volume/cutout.ts'
import { messageOf } from '../volume/errors.ts'
import { packFourBit } from '../volume/four-bit.ts'
import { chain, type MaybePromise } from '../volume/maybe-promise.ts'
import { Pace } from '../volume/pace.ts'
import { floorDivide, type Vec3 } from '../volume/vec.ts'
import type { Context } from './context.ts'
import { startDeadline } from './deadline.ts'
import { HttpError, invalidBody } from './errors.ts'
import { hasLeft } from './request-signal.ts'

export const Position = Type.Tuple([Type.Integer(), Type.Integer(), Type.Integer()])

const Coordinate = Type.Object({
  name: Type.String(),
  value: Type.Integer(),
  /** More than 1 asks for several at once, which is not served. */
  length: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
})
/** A place on the axes beside x, y, z. */
export const Coordinates = Type.Union([Type.Array(Coordinate, { maxItems: 16 }), Type.Null()])
export const asksForSeveral = (coordinates: Static<typeof Coordinates> | undefined): boolean =>
  coordinates?.some(({ length }) => (length ?? 1) !== 1) ?? false

/** One bucket as any era asks for it: `mag` or the older `zoomStep`; keys we do not know are passed over. */
export const BucketRequest = Type.Object({
  position: Position,
  mag: Type.Optional(Type.Union([Position, Type.Integer(), Type.Null()])),
  zoomStep: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
  cubeSize: Type.Optional(Type.Integer()),
  fourBit: Type.Optional(Type.Union([Type.Boolean(), Type.Null()])),
  additionalCoordinates: Type.Optional(Coordinates),
})
export type BucketRequest = Static<typeof BucketRequest>
export const BucketRequests = Type.Array(BucketRequest)

export const MAX_BUCKETS = 10_000
export const MAX_ANSWER_BYTES = 512 * 1024 * 1024
const MAX_CUBE_SIZE = 256
/** Buckets of one request that are read at the same time, where reading takes time. */
const PARALLEL_BUCKETS = 64

export interface BucketAnswer {
  /** What is there, in the order asked for, at the beginning of `buffer` where there is one. */
  readonly bytes: Uint8Array
  readonly empty: readonly number[]
  readonly failed: readonly number[]
  /** To be given back to `Context.answers` when the bytes are sent; without, they are the cache's, and to be copied at once. */
  readonly buffer: Uint8Array | undefined
}

type Outcome = 'data' | 'empty' | 'failed'

interface Planned {
  readonly index: number
  readonly mag: Mag
  readonly box: Box
  readonly clip: Box
  readonly fourBit: boolean
  readonly start: number
  readonly end: number
}

/**
 * `where` names dataset and layer for the log. Throws `HttpError` 413 for what is too much to answer at once. What is not read when `signal`
 * fires has failed; its reason is thrown when the client has left.
 */
export function readBuckets(
  layer: Layer,
  requests: readonly BucketRequest[],
  where: () => string,
  context: Context,
  signal?: AbortSignal,
): MaybePromise<BucketAnswer> {
  if (requests.length > MAX_BUCKETS)
    throw new HttpError(413, `${requests.length} buckets in one request; at most ${MAX_BUCKETS} are answered.`)
  const outcome: Outcome[] = new Array(requests.length).fill('empty')
  const { planned, bytes } = plan(layer, requests, outcome)
  if (bytes > MAX_ANSWER_BYTES)
    throw new HttpError(413, `The answer would have ${bytes} bytes; at most ${MAX_ANSWER_BYTES} are sent at once. Ask for fewer buckets.`)
  if (planned.length === 1 && bytes <= LARGE_BYTES) {
    const held = heldBucket(planned[0]!, outcome, context)
    if (held) return held
  }
  const pace = new Pace()
  const line = bytes > LARGE_BYTES ? context.gate.patience(signal) : undefined
  const taken = context.answers.take(Math.max(1, bytes), line?.signal)
  if (taken instanceof Promise) taken.catch(() => {}).then(() => line?.clear())
  else line?.clear()
  return chain(taken, (buffer) => {
    const options = { chunks: context.chunks, pace, signal }
    // stored mags are read without: a signal for every chunk would cost more than it saves
    const deadline = planned.some(({ mag }) => mag.isComputed) ? startDeadline(signal) : undefined
    const patient = { ...options, signal: deadline?.signal ?? signal }
    const fail = ({ index, mag, box }: Planned, error: unknown): void => {
      outcome[index] = 'failed'
      if (hasLeft(signal)) return
      context.log.trouble(where(), `${where()}: bucket at ${box.min.join(', ')} of mag ${mag.factor.join('-')}: ${messageOf(error)}`)
    }
    const readOne = (bucket: Planned): MaybePromise<void> => {
      const { index, mag, box, clip, start, end } = bucket
      try {
        const found = cutout(mag, box, clip, buffer.subarray(start, end), mag.isComputed ? patient : options)
        if (found instanceof Promise)
          return found.then(
            (is) => void (is && (outcome[index] = 'data')),
            (error) => fail(bucket, error),
          )
        if (found) outcome[index] = 'data'
      } catch (error) {
        fail(bucket, error)
      }
    }
    const finish = () => {
      deadline?.clear()
      if (hasLeft(signal)) {
        context.answers.giveBack(buffer)
        throw signal!.reason
      }
      return pack(planned, outcome, buffer)
    }
    for (let n = 0; n < planned.length; n++) {
      const read = readOne(planned[n]!)
      if (read instanceof Promise || pace.due()) return readRest(planned, n + 1, read, readOne, pace, signal).then(finish)
    }
    return finish()
  })
}

function plan(layer: Layer, requests: readonly BucketRequest[], outcome: Outcome[]): { planned: Planned[]; bytes: number } {
  const voxel = wireBytes(layer)
  const planned: Planned[] = []
  // the buckets of a request are of one mag, nearly always
  let clipped: Mag | undefined
  let clip = layer.boundingBox
  let start = 0
  for (let index = 0; index < requests.length; index++) {
    const { position, mag: asked, zoomStep, cubeSize = 32, fourBit, additionalCoordinates } = requests[index]!
    if (cubeSize < 1 || cubeSize > MAX_CUBE_SIZE || (additionalCoordinates && asksForSeveral(additionalCoordinates))) {
      outcome[index] = 'failed'
      continue
    }
    if (typeof asked !== 'number' && !asked && typeof zoomStep !== 'number')
      throw invalidBody([{ path: `/${index}/mag`, message: 'Expected mag or zoomStep' }])
    // most layers have three axes only, and then nothing is looked up
    const there = additionalCoordinates ? layerAt(layer, additionalCoordinates) : layer
    const mag = there && findMag(there, asked, zoomStep)
    if (!mag) continue
    const box = boxAt(floorDivide(position as Vec3, mag.factor), [cubeSize, cubeSize, cubeSize])
    if (mag !== clipped) {
      clip = toMag(layer.boundingBox, mag.factor)
      clipped = mag
    }
    if (!isInside(box, clip) && isEmpty(intersect(box, clip))) continue
    const end = start + cubeSize ** 3 * voxel
    planned.push({ index, mag, box, clip, fourBit: fourBit === true, start, end })
    start = end
  }
  return { planned, bytes: start }
}

function findMag(layer: Layer, asked: BucketRequest['mag'], zoomStep: BucketRequest['zoomStep']): Mag | undefined {
  if (typeof asked === 'number') return magOf(layer, [asked, asked, asked])
  if (asked) return magOf(layer, asked as Vec3)
  return magOfZoomStep(layer, zoomStep ?? 0)
}

/** The mag whose largest component is 2^zoomStep, as clients of before 2022 ask. */
export const magOfZoomStep = (layer: Layer, zoomStep: number): Mag | undefined =>
  layer.mags.find(({ factor }) => Math.max(...factor) === 2 ** zoomStep)

async function readRest(
  planned: readonly Planned[],
  next: number,
  first: MaybePromise<void>,
  readOne: (bucket: Planned) => MaybePromise<void>,
  pace: Pace,
  signal: AbortSignal | undefined,
): Promise<void> {
  let pending: MaybePromise<void>[] = [first]
  for (let n = next; n < planned.length; n++) {
    if (pending.length >= PARALLEL_BUCKETS) {
      await Promise.all(pending)
      pending = []
    }
    if (pace.due()) await pace.turn()
    if (hasLeft(signal)) break
    const read = readOne(planned[n]!)
    if (read instanceof Promise) pending.push(read)
  }
  await Promise.all(pending)
}

/** A bucket by itself, which many viewers ask for, is sent out of the cache. */
function heldBucket({ mag, box, clip, index, fourBit }: Planned, outcome: Outcome[], { chunks }: Context): BucketAnswer | undefined {
  const bytes = fourBit ? undefined : heldBox(mag, box, clip, chunks)
  if (!bytes) return undefined
  outcome[index] = 'data'
  return { bytes, ...sorted(outcome), buffer: undefined }
}

/** Moves what is there together and sorts the rest into empty and failed. */
function pack(planned: readonly Planned[], outcome: readonly Outcome[], buffer: Uint8Array): BucketAnswer {
  let at = 0
  for (const { index, start, end, fourBit } of planned) {
    if (outcome[index] !== 'data') continue
    if (fourBit) at += packFourBit(buffer.subarray(start, end), buffer, at)
    else {
      if (at !== start) buffer.copyWithin(at, start, end)
      at += end - start
    }
  }
  return { bytes: buffer.subarray(0, at), ...sorted(outcome), buffer }
}

function sorted(outcome: readonly Outcome[]): Pick<BucketAnswer, 'empty' | 'failed'> {
  const empty: number[] = []
  const failed: number[] = []
  for (let index = 0; index < outcome.length; index++) {
    if (outcome[index] === 'empty') empty.push(index)
    else if (outcome[index] === 'failed') failed.push(index)
  }
  return { empty, failed }
}
