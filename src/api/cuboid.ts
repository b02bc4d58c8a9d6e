/** Any box of voxels in one answer, zero where nothing is stored (protocol.md 2.3). */

import { LARGE_BYTES } from '../cache/answers.ts'
import { boxAt, toMag } from '../volume/box.ts'
import { type Layer, type Mag, wireBytes } from '../volume/chunked-array.ts'
import { cutout } from '../volume/cutout.ts'
import { messageOf } from '../volume/errors.ts'
import { packFourBit } from '../volume/four-bit.ts'
import { Pace } from '../volume/pace.ts'
import { floorDivide, product, type Vec3 } from '../volume/vec.ts'
import type { Context } from './context.ts'
import { startDeadline } from './deadline.ts'
import { HttpError } from './errors.ts'
import { Busy } from './gate.ts'
import { voxelHeaders } from './headers.ts'
import { voxelResponse, voxelStream } from './voxel-response.ts'

export const MAX_EDGE = 512
/** Up to this size the whole cuboid is read before the status is sent; beyond, damage found later can only end the answer early. */
const WHOLE_BYTES = 32 * 1024 * 1024
/** Even, so that half bytes never pair across slabs. */
const SLAB_DEPTH = 32
/** Where slabs are so thin that a deeper one is still small. */
const DEEP_SLAB_DEPTH = 64

export interface CuboidRequest {
  readonly mag: Mag
  /** Mag-1 voxels. */
  readonly position: Vec3
  /** The mag's voxels. */
  readonly size: Vec3
  readonly halfByte: boolean
  /** The data lie on another server. */
  readonly isRemote?: boolean
  /** False where the layer has nothing at the coordinates asked for: zeros. */
  readonly isThere?: boolean
}

/** Throws `HttpError` 400 for a size that is not served, and what reading throws. */
export async function readCuboid(
  layer: Layer,
  { mag, position, size, halfByte, isRemote = false, isThere = true }: CuboidRequest,
  where: string,
  context: Context,
  signal?: AbortSignal,
): Promise<Response> {
  if (!size.every((edge) => edge >= 1 && edge <= MAX_EDGE)) {
    throw new HttpError(400, `A cuboid of ${size.join('×')} voxels; each side must be between 1 and ${MAX_EDGE}.`)
  }
  const start = floorDivide(position, mag.factor)
  const clip = toMag(layer.boundingBox, mag.factor)
  const voxel = wireBytes(layer)
  const bytes = product(size) * voxel
  const planeBytes = size[0] * size[1] * voxel
  // what is held until the client has read it counts as large
  const slabDepth = planeBytes * SLAB_DEPTH > LARGE_BYTES ? SLAB_DEPTH : DEEP_SLAB_DEPTH
  const depth = bytes <= WHOLE_BYTES ? size[2] : Math.min(slabDepth, size[2])
  const slabBytes = planeBytes * depth
  // what is larger waits for other cuboids as large, and so leaves time for what is small
  const isLarge = bytes > LARGE_BYTES
  const isPatient = isRemote || mag.isComputed === true
  context.gate.enter()
  const line = isLarge ? context.gate.patience(signal) : undefined
  let isLate = false
  let buffer: Uint8Array
  try {
    const taken = context.answers.take(slabBytes, line?.signal)
    isLate = taken instanceof Promise
    buffer = await taken
  } catch (error) {
    line?.clear()
    context.gate.leave()
    throw error
  }
  const leave = () => {
    context.answers.giveBack(buffer)
    context.gate.leave()
  }
  const pace = new Pace()

  const readSlab = async (z: number, inLine = signal): Promise<Uint8Array> => {
    const slab: Vec3 = [size[0], size[1], Math.min(depth, size[2] - z)]
    const target = buffer.subarray(0, product(slab) * voxel)
    if (!isThere) {
      line?.clear()
      target.fill(0)
      return halfByte ? target.subarray(0, packFourBit(target, target, 0)) : target
    }
    const read = async () => {
      line?.clear()
      const deadline = mag.isComputed ? startDeadline(signal) : undefined
      try {
        const options = { chunks: context.chunks, pace, signal: deadline?.signal ?? signal }
        const found = cutout(mag, boxAt([start[0], start[1], start[2] + z], slab), clip, target, options)
        isLate ||= found instanceof Promise
        await found
      } finally {
        deadline?.clear()
      }
    }
    if (isLarge) await context.gate.slab(read, isPatient, inLine)
    else await read()
    return halfByte ? target.subarray(0, packFourBit(target, target, 0)) : target
  }

  let first: Uint8Array
  try {
    first = await readSlab(0, line?.signal ?? signal)
  } catch (error) {
    line?.clear()
    leave()
    if (!signal?.aborted && !(error instanceof Busy))
      context.log.trouble(where, `${where}: cuboid at ${start.join(', ')} of mag ${mag.factor.join('-')}: ${messageOf(error)}`)
    throw error
  }
  if (depth >= size[2]) {
    context.gate.leave()
    return voxelResponse(first, buffer, context.answers, [], [], isLate)
  }
  let z = 0
  const next = async (): Promise<Uint8Array | undefined> => {
    if (z >= size[2]) return undefined
    try {
      const slab = z === 0 ? first : await readSlab(z)
      z += depth
      return slab
    } catch (error) {
      if (!signal?.aborted)
        context.log.trouble(where, `${where}: cuboid broken off at z ${start[2] + z} of mag ${mag.factor.join('-')}: ${messageOf(error)}`)
      throw error
    }
  }
  return voxelStream(voxelHeaders([], []), next, leave)
}
