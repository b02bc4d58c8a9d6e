import { type Answers, LARGE_BYTES } from '../cache/answers.ts'
import { Pace } from '../volume/pace.ts'
import { voxelHeaders } from './headers.ts'
import { lateResponse } from './late-response.ts'

/** Larger answers are handed over in pieces, because a `Response` copies all the bytes it is given. */
const PIECE_BYTES = 1024 * 1024

/**
 * An answer of the bytes at the beginning of `buffer`, which is given back as soon as they are copied or sent; without, they are copied
 * before this returns. `isLate`: the event loop has gone round since the request came.
 */
export function voxelResponse(
  bytes: Uint8Array,
  buffer: Uint8Array | undefined,
  answers: Answers,
  empty: readonly number[],
  failed: readonly number[],
  isLate = false,
): Response {
  const headers = voxelHeaders(empty, failed)
  if (!buffer) {
    return isLate ? lateResponse(bytes.slice(), { headers }) : new Response(bytes as Uint8Array<ArrayBuffer>, { headers })
  }
  if (bytes.length > LARGE_BYTES) {
    let next: Uint8Array | undefined = bytes
    const once = async () => {
      const all = next
      next = undefined
      return all
    }
    return voxelStream(headers, once, () => answers.giveBack(buffer))
  }
  if (isLate) return lateResponse(bytes, { headers }, () => answers.giveBack(buffer))
  const response = new Response(bytes as Uint8Array<ArrayBuffer>, { headers })
  answers.giveBack(buffer)
  return response
}

/**
 * Voxels made while they are sent. `nextSlab` gives the next bytes, undefined at the end; they may be overwritten at the next call.
 * `done` is called once, however it ends. When `nextSlab` fails the status has been sent, and all that is left to say so is to break
 * the connection off.
 */
export function voxelStream(headers: Headers, nextSlab: () => Promise<Uint8Array | undefined>, done: () => void): Response {
  const pace = new Pace()
  let slab: Uint8Array | undefined
  let at = 0
  let busy = false
  let gone = false
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        busy = true
        try {
          if (!slab || at >= slab.length) {
            slab = await nextSlab()
            at = 0
          }
          // the reader asks for the next piece as soon as it has one: without a turn nobody else would be served in between
          await pace.turn()
          if (!gone && slab) {
            // not a copy: the server asks for more only when it has taken this piece over
            controller.enqueue(slab.subarray(at, at + PIECE_BYTES))
            at += PIECE_BYTES
          } else {
            done()
            if (!gone) controller.close()
          }
        } catch (error) {
          done()
          if (!gone) controller.error(error)
        } finally {
          busy = false
        }
      },
      cancel() {
        gone = true
        // while a slab is being read its memory is still written to; the pull that waits for it ends it then
        if (!busy) done()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, { headers })
}
