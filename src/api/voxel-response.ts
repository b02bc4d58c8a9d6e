import type { Buffers } from '../cache/buffers.ts'
import { voxelHeaders } from './headers.ts'

/** Larger answers are handed over in pieces, because a `Response` copies all the bytes it is given. */
const PIECE_BYTES = 1024 * 1024
const WHOLE_BYTES = 4 * PIECE_BYTES

/** An answer of the bytes at the beginning of `buffer`, which is given back as soon as they are copied or sent. */
export function voxelResponse(bytes: Uint8Array, buffer: Uint8Array, answers: Buffers, empty: readonly number[], failed: readonly number[]): Response {
  const headers = voxelHeaders(empty, failed)
  if (bytes.length <= WHOLE_BYTES) {
    const response = new Response(bytes as Uint8Array<ArrayBuffer>, { headers })
    answers.giveBack(buffer)
    return response
  }
  let at = 0
  const body = pieces(
    async () => {
      const piece = bytes.slice(at, at + PIECE_BYTES)
      at += piece.length
      return piece.length > 0 ? piece : undefined
    },
    () => answers.giveBack(buffer),
  )
  return new Response(body, { headers: withLength(headers, bytes.length) })
}

/** Voxels made while they are sent. `next` gives the next piece, undefined at the end; `done` is called once, however it ends. */
export function voxelStream(length: number, next: () => Promise<Uint8Array | undefined>, done: () => void): Response {
  return new Response(pieces(next, done), { headers: withLength(voxelHeaders([], []), length) })
}

function withLength(headers: Headers, length: number): Headers {
  const all = new Headers(headers)
  all.set('Content-Length', String(length))
  return all
}

function pieces(next: () => Promise<Uint8Array | undefined>, done: () => void): ReadableStream<Uint8Array> {
  let ended = false
  const end = () => {
    if (!ended) done()
    ended = true
  }
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const piece = await next()
        if (piece) controller.enqueue(piece)
        else {
          end()
          controller.close()
        }
      } catch (error) {
        // the status has been sent: all that is left to say so is to break the connection off before the promised length
        end()
        controller.error(error)
      }
    },
    cancel: end,
  })
}
