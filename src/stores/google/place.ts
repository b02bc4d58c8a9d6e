/** A bucket of Google Cloud Storage, through its XML interface. */
import { UpstreamError } from '../../volume/errors.ts'
import { listBucket } from '../bucket-list.ts'
import type { Place } from '../http/store.ts'
import type { HttpAnswer, HttpRequest } from '../http/transport.ts'
import { encodePath, joinKey } from '../http/url.ts'
import type { TokenSource } from './token.ts'

export interface GooglePlaceOptions {
  readonly bucket: string
  readonly prefix: string
  /** Anonymous where undefined. */
  readonly token?: TokenSource | undefined
  readonly endpoint?: URL | undefined
}

const ENDPOINT = new URL('https://storage.googleapis.com/')

export class GooglePlace implements Place {
  readonly url: string
  readonly #options: GooglePlaceOptions

  constructor(options: GooglePlaceOptions) {
    const { bucket, prefix } = options
    this.#options = options
    this.url = `gs://${prefix === '' ? bucket : `${bucket}/${prefix}`}`
  }

  urlOf(key: string): URL {
    return new URL(encodePath(joinKey(this.#options.prefix, key)), this.#base())
  }

  async authorize(request: HttpRequest): Promise<HttpRequest> {
    const { token } = this.#options
    return token ? { ...request, headers: { ...request.headers, Authorization: `Bearer ${await token.get()}` } } : request
  }

  /** A token may be called back before its time. */
  refused({ status }: HttpAnswer): boolean {
    if (status !== 401 || !this.#options.token) return false
    this.#options.token.forget()
    return true
  }

  list: NonNullable<Place['list']> = async (prefix, send) =>
    // the list of a Google bucket calls the rest of a long one by the same name as S3 does
    listBucket(this.#base(), joinKey(this.#options.prefix, prefix), async (url) => {
      const answer = await send(await this.authorize({ url, maxBytes: 16 * 1024 * 1024 }))
      if (answer.status === 401) throw new UpstreamError({ file: this.url, cause: 'status 401: it may not be listed' })
      return answer
    })

  #base(): URL {
    return new URL(`${this.#options.bucket}/`, this.#options.endpoint ?? ENDPOINT)
  }
}
