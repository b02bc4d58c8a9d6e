/** From anything thrown to what a client may see. Bodies and statuses: protocol.md 0.2. */
import { DataError, Unusable } from '../volume/errors.ts'

/** An answer other than the one asked for, in words for the client. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number
  readonly body: string | undefined

  /** `body`: sent as it is, as JSON, instead of the usual messages. */
  constructor(status: number, message: string, body?: string) {
    super(message)
    this.status = status
    this.body = body
  }
}

/** Access denied: 403 with a plain text, which makes a webKnossos page fetch a new token (protocol.md 0.2). */
export class Forbidden extends HttpError {
  constructor(message: string) {
    super(403, message)
  }
}

/** webKnossos's error body: the text, and the causes in an object of their own. */
export function errorBody(text: string, chain?: string): string {
  const messages: Record<string, string>[] = [{ error: text }]
  if (chain) messages.push({ chain: `[Server Time ${new Date().toISOString()}] ${chain}` })
  return JSON.stringify({ messages })
}

export function errorResponse(error: unknown, headers: Record<string, string>): Response {
  if (error instanceof Forbidden)
    return new Response(error.message, { status: 403, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' } })
  const json = { ...headers, 'Content-Type': 'application/json' }
  if (error instanceof HttpError) {
    const again = error.status === 429 ? { 'Retry-After': '1' } : {}
    return new Response(error.body ?? errorBody(error.message), { status: error.status, headers: { ...json, ...again } })
  }
  if (error instanceof DataError) return new Response(errorBody(error.publicText), { status: error.status, headers: json })
  // a page of a file that cannot be decoded is found when it is first read
  if (error instanceof Unusable)
    return new Response(errorBody('The stored data of this region is not supported.'), { status: 422, headers: json })
  return new Response(errorBody('The server failed to answer; its log says why.'), { status: 500, headers: json })
}

interface Problem {
  readonly path: string
  readonly message: string
}

/** Play's report of a body that does not validate: object path → what is wrong there. */
export function invalidBody(problems: Iterable<Problem>): HttpError {
  const report: Record<string, { msg: string[]; args: never[] }[]> = {}
  for (const { path, message } of problems) {
    const place = `obj${path.replace(/\/(\d+)(?=\/|$)/g, '[$1]').replaceAll('/', '.')}`
    ;(report[place] ??= []).push({ msg: [message], args: [] })
    if (Object.keys(report).length >= 20) break
  }
  return new HttpError(400, 'The body of the request does not validate.', JSON.stringify(report))
}
