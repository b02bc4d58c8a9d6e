/** Of answers whose client left before anything was asked of them. */
const abandoned = new FinalizationRegistry<() => void>((done) => done())

/**
 * An answer that is ready only after the event loop went round since its request came: the runtime sends each piece of each header by
 * itself, forty system calls for one bucket, and the body in pieces of 16 KiB. A direct stream goes out in two. It has no Content-Length.
 * `bytes` are read until `done` is called, which is before the end: what the network does not take at once is copied.
 */
export function lateResponse(bytes: Uint8Array, init: ResponseInit, done: () => void = () => {}): Response {
  const stream = new ReadableStream({
    type: 'direct',
    pull(controller) {
      abandoned.unregister(bytes)
      controller.write(bytes as Uint8Array<ArrayBuffer>)
      controller.end()
      done()
    },
  })
  abandoned.register(stream, done, bytes)
  return new Response(stream, init)
}
