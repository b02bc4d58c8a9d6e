/**
 * Who may do what without a webKnossos server: everybody reads unless a token is asked for; adding, changing and removing datasets
 * need the admin token. Routes that change something look at the Host header before anything else: a page of another site may make a
 * browser send requests here under a name of its own (DNS rebinding), but not under ours.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { Forbidden, HttpError } from './errors.ts'

/** `first` alone is an id, `first` and `second` are organization and name. */
export interface DatasetParams {
  readonly first: string
  readonly second?: string
}

export interface AccessOptions {
  readonly adminToken: string
  readonly requireToken: boolean
  /** Names this server is called by, beside localhost and addresses. */
  readonly hosts: readonly string[]
  /** Signs sessions: what one thread has signed another takes. Of this thread alone where it is not given. */
  readonly secret?: string | undefined
  /** Uses up a link that another thread may have given out; false for what is none. */
  readonly useLink?: ((link: string) => Promise<boolean>) | undefined
}

const COOKIE = 'wkconnect'

export const newSecret = (): string => randomBytes(32).toString('hex')

export class Access {
  readonly #adminToken: string
  readonly #requireToken: boolean
  readonly #hosts: ReadonlySet<string>
  readonly #secret: string
  readonly #askLink: AccessOptions['useLink']
  readonly #links = new Set<string>()

  constructor({ adminToken, requireToken, hosts, secret, useLink }: AccessOptions) {
    this.#secret = secret ?? newSecret()
    this.#askLink = useLink
    this.#adminToken = adminToken
    this.#requireToken = requireToken
    this.#hosts = new Set(['localhost', hostname().toLowerCase(), ...hosts.map((host) => host.toLowerCase())])
  }

  /** Nobody is asked for a token, so an address alone opens a dataset in another program. */
  get isOpen(): boolean {
    return !this.#requireToken
  }

  mayRead(request: Request): boolean {
    return !this.#requireToken || this.isAdmin(request)
  }

  /** Whether the voxels of one dataset may be read. Throws what `checkRead` throws; a promise where somebody has to be asked. */
  checkDataset(request: Request, _dataset: DatasetParams): MaybePromise<void> {
    this.checkRead(request)
  }

  /** Whether the pictures of a dataset may be seen on the page: by its owner, and by who may read. */
  checkPicture(request: Request, dataset: DatasetParams): MaybePromise<void> {
    return this.isAdmin(request) ? undefined : this.checkDataset(request, dataset)
  }

  /** Whether caches of a dataset may be dropped. */
  checkInvalidation(request: Request, _dataset: DatasetParams): MaybePromise<void> {
    this.checkHost(request)
  }

  /** Whether folders may be looked through and datasets opened anew. */
  checkAdministration(request: Request, _organization: string | undefined): MaybePromise<void> {
    this.checkHost(request)
  }

  /** Whether datasets of these organizations may be added. */
  checkAdding(request: Request, _organizations: readonly (string | undefined)[]): MaybePromise<void> {
    this.checkHost(request)
    this.checkAdmin(request)
  }

  /** Whether descriptions of datasets may be changed: by webKnossos itself, where there is one. */
  checkEditing(request: Request): MaybePromise<void> {
    this.checkHost(request)
    this.checkAdmin(request)
  }

  /** Which dataset an id belongs to that the catalogue does not know. */
  async nameOf(_id: string): Promise<{ readonly organization: string; readonly name: string } | undefined> {
    return undefined
  }

  /** The other way round, of a dataset only core knows. */
  async idOf(_name: { readonly organization: string; readonly name: string }): Promise<string | undefined> {
    return undefined
  }

  /** What is known about an id may no longer hold. */
  forget(_id: string): void {}

  /** For what belongs to no dataset. Throws 403. */
  checkRead(request: Request): void {
    if (!this.mayRead(request))
      throw new Forbidden('Token may be expired, consider reloading. Access forbidden: this server asks for a token.')
  }

  /** For routes that change something. Throws 403 for a Host that is not ours. */
  checkHost(request: Request): void {
    const host = request.headers.get('host') ?? ''
    const name = host
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase()
    if (isIP(name) === 0 && !this.#hosts.has(name)) throw new HttpError(403, `This server is not called ${JSON.stringify(name)}.`)
  }

  /** Throws 403 without the admin token. Check the Host before. */
  checkAdmin(request: Request): void {
    if (!this.isAdmin(request)) {
      throw new Forbidden('Access forbidden: this needs the admin token, which --admin-token sets or the log showed at start.')
    }
  }

  /** A part of a URL that signs in once. */
  newLink(): string {
    const link = randomBytes(16).toString('hex')
    this.#links.add(link)
    return link
  }

  /** Whether it is a link that has not been used; it is now. */
  useLink(link: string): boolean {
    return this.#links.delete(link)
  }

  /** The cookie for a link that has not been used yet, or for the admin token; undefined for anything else. */
  async signIn(linkOrToken: string): Promise<string | undefined> {
    if (!this.#isToken(linkOrToken) && !(await (this.#askLink?.(linkOrToken) ?? this.useLink(linkOrToken)))) return undefined
    const name = randomBytes(16).toString('hex')
    const session = name + this.#sign(name)
    return `${COOKIE}=${session}; HttpOnly; SameSite=Strict; Path=/`
  }

  /** Whether it comes with the admin token, or from somebody signed in with it. */
  isAdmin(request: Request): boolean {
    const token = new URL(request.url).searchParams.get('token') ?? request.headers.get('x-auth-token')
    if (token) return this.#isToken(token)
    const session = /(?:^|;\s*)wkconnect=([0-9a-f]{96})/.exec(request.headers.get('cookie') ?? '')?.[1]
    if (session === undefined) return false
    return timingSafeEqual(Buffer.from(session.slice(32)), Buffer.from(this.#sign(session.slice(0, 32))))
  }

  #sign(name: string): string {
    return createHmac('sha256', this.#secret).update(name).digest('hex')
  }

  #isToken(token: string): boolean {
    const given = Buffer.from(token)
    const right = Buffer.from(this.#adminToken)
    return given.length === right.length && timingSafeEqual(given, right)
  }
}
