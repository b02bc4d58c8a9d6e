/** A folder of a web server. A query behind its URL, which often is a signature, belongs to every key. */
import type { Place } from './store.ts'
import type { HttpRequest } from './transport.ts'
import { encodePath, joinKey, shownUrl } from './url.ts'

export class HttpPlace implements Place {
  readonly url: string
  readonly #base: URL
  readonly #path: string
  readonly #headers: Readonly<Record<string, string>>

  /** `headers` are sent with every request: user and password, a token. */
  constructor(base: URL, headers: Readonly<Record<string, string>> = {}) {
    this.#base = base
    this.#path = decodePath(base.pathname).replace(/^\/+|\/+$/g, '')
    this.#headers = headers
    this.url = shownUrl(base)
  }

  urlOf(key: string): URL {
    const url = new URL(`/${encodePath(joinKey(this.#path, key))}`, this.#base)
    url.search = this.#base.search
    return url
  }

  authorize(request: HttpRequest): HttpRequest {
    return { ...request, headers: { ...this.#headers, ...request.headers } }
  }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
