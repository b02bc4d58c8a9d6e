/** A bucket of Amazon's S3 or of anything that speaks like it: its URLs, its signatures, its region. */
import { Unusable } from '../../volume/errors.ts'
import { listBucket } from '../bucket-list.ts'
import type { Place } from '../http/store.ts'
import type { HttpAnswer, HttpRequest } from '../http/transport.ts'
import { encodePath, joinKey } from '../http/url.ts'
import type { KeySource } from './keys.ts'
import { signS3 } from './sign.ts'

export interface S3Options {
  readonly bucket: string
  readonly prefix: string
  /** Amazon's own where undefined. */
  readonly endpoint?: URL | undefined
  /** Where the bucket stands: in the path, or as the first part of the host's name. Amazon: the latter, unless it holds a dot. */
  readonly style?: 'path' | 'virtual' | undefined
  readonly region?: string | undefined
  /** Anonymous where undefined. */
  readonly keys?: KeySource | undefined
}

const DEFAULT_REGION = 'us-east-1'

export class S3Place implements Place {
  readonly url: string
  readonly #options: S3Options
  #region: string | undefined

  constructor(options: S3Options) {
    const { bucket, prefix, endpoint } = options
    this.#options = options
    this.#region = options.region
    const path = prefix === '' ? bucket : `${bucket}/${prefix}`
    this.url = endpoint ? `s3+${endpoint.origin}/${path}` : `s3://${path}`
  }

  urlOf(key: string): URL {
    return new URL(encodePath(joinKey(this.#options.prefix, key)), this.#base())
  }

  async authorize(request: HttpRequest): Promise<HttpRequest> {
    const url = this.#moved(request.url)
    const keys = await this.#options.keys?.get()
    if (!keys) return { ...request, url }
    const { method = 'GET', headers } = request
    return { ...request, url, headers: signS3({ url, method, headers }, keys, this.#region ?? DEFAULT_REGION) }
  }

  /** A bucket of another region says which. */
  refused({ headers }: HttpAnswer): boolean {
    const region = headers.get('x-amz-bucket-region')
    if (!region || !/^[a-z0-9-]{1,32}$/.test(region) || region === (this.#region ?? DEFAULT_REGION)) return false
    this.#region = region
    return true
  }

  list: NonNullable<Place['list']> = async (prefix, send) => {
    const { prefix: own } = this.#options
    return listBucket(this.#base(), joinKey(own, prefix), async (url) => send({ url, maxBytes: 16 * 1024 * 1024 }))
  }

  /** The bucket, with a slash at the end. */
  #base(): URL {
    const { bucket, endpoint, style } = this.#options
    const host = endpoint ?? new URL(this.#region ? `https://s3.${this.#region}.amazonaws.com` : 'https://s3.amazonaws.com')
    const isVirtual = style ? style === 'virtual' : !endpoint && !bucket.includes('.')
    if (!isVirtual) return new URL(`${bucket}/`, host)
    const base = new URL(host)
    base.hostname = `${bucket}.${host.hostname}`
    if (!base.hostname.startsWith(`${bucket.toLowerCase()}.`)) throw new Unusable(`the bucket ${bucket} cannot stand in the name of a host`)
    return base
  }

  /** A URL made before the region was known. */
  #moved(url: URL): URL {
    if (this.#options.endpoint || !this.#region) return url
    const moved = new URL(url)
    moved.hostname = this.#base().hostname
    return moved
  }
}
