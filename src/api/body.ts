import { HttpError } from './errors.ts'

export const MAX_BODY_BYTES = 1024 * 1024

/** A request's JSON, with whatever content type it came. Throws 413 before more than the limit is read, 400 where it is not JSON. */
export async function readJsonBody(request: Request): Promise<unknown> {
  const stated = Number(request.headers.get('content-length') ?? Number.NaN)
  if (stated > MAX_BODY_BYTES) throw tooLarge()
  const text = Number.isNaN(stated) ? await readBounded(request) : await request.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new HttpError(400, 'The body of the request is not valid JSON.')
  }
}

const tooLarge = () => new HttpError(413, `The body of the request is larger than ${MAX_BODY_BYTES} bytes.`)

/** A chunked body says its size only by ending. */
async function readBounded(request: Request): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of request.body ?? []) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) throw tooLarge()
    parts.push(part)
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}
