/** Who may do what when a webKnossos server decides (protocol.md 1.3). What it granted a moment ago costs one look into a map. */
import type { CatalogueEntry, Datasets } from '../datasets/catalogue.ts'
import type { Log } from '../log.ts'
import { messageOf } from '../volume/errors.ts'
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { type DatasetIds, type DatasetName, isId } from '../webknossos/ids.ts'
import type { DatasetQuestion } from '../webknossos/questions.ts'
import type { Answer, FindQuestion, Rights } from '../webknossos/rights.ts'
import { type CoreVersion, knowsIds, type VersionOfCore } from '../webknossos/version.ts'
import { Access, type AccessOptions, type DatasetParams } from './access.ts'
import { Forbidden, HttpError } from './errors.ts'

export interface CoreAccessOptions extends Omit<AccessOptions, 'requireToken'> {
  readonly rights: Rights
  readonly ids: DatasetIds
  readonly version: VersionOfCore
  readonly catalogue: Datasets
  readonly log: Log
}

export class CoreAccess extends Access {
  readonly #options: CoreAccessOptions
  /** Until when, by URL. */
  readonly #granted = new Map<string, number>()

  constructor(options: CoreAccessOptions) {
    // the page and the list show all datasets, whoever may read them: they are for the owner of this server
    super({ ...options, requireToken: true })
    this.#options = options
  }

  /** The same URL with its token comes again and again: what was granted to it is known without taking it apart. */
  override checkDataset(request: Request, params: DatasetParams): MaybePromise<void> {
    const { url } = request
    const until = this.#granted.get(url)
    if (until !== undefined && performance.now() < until) return undefined
    return this.#checkDataset(request, params, 'read', url)
  }

  override checkInvalidation(request: Request, params: DatasetParams): MaybePromise<void> {
    return this.#checkDataset(request, params, 'write')
  }

  override checkAdministration(request: Request, organization: string | undefined): MaybePromise<void> {
    return this.#check(request, `administrate ${organization ?? ''}`, () => ({
      question: { mode: 'administrate', organization },
      isKnown: true,
    }))
  }

  override checkAdding(request: Request, organizations: readonly (string | undefined)[]): MaybePromise<void> {
    return Promise.all(organizations.map((organization) => this.checkAdministration(request, organization))).then(() => {})
  }

  override checkEditing(request: Request): MaybePromise<void> {
    return this.#check(request, 'core', () => ({ question: { mode: 'core' }, isKnown: true }))
  }

  override async nameOf(id: string): Promise<DatasetName | undefined> {
    const { ids, version } = this.#options
    return isId(id) && knowsIds(await version.current()) ? ids.nameOf(id) : undefined
  }

  override async idOf(name: DatasetName): Promise<string | undefined> {
    const { ids, version } = this.#options
    return knowsIds(await version.current()) ? ids.idOf(name) : undefined
  }

  override forget(id: string): void {
    this.#options.ids.forget(id)
  }

  #checkDataset(request: Request, params: DatasetParams, mode: DatasetQuestion['mode'], url?: string): MaybePromise<void> {
    const { first, second } = params
    // with its length, for a name may have a slash in it
    const what = second === undefined ? `${mode} ${first}` : `${mode} ${first.length} ${first}/${second}`
    return this.#check(request, what, (version) => this.#question(params, mode, version), url)
  }

  #check(request: Request, what: string, find: FindQuestion, url?: string): MaybePromise<void> {
    const { rights, log } = this.#options
    const token = tokenOf(request) ?? ''
    const key = rights.keyOf(token, what)
    const held = rights.held(key)
    if (held) {
      decide(held.answer)
      if (url !== undefined && ONLY_A_TOKEN.test(url)) this.#remember(url, held.until)
      return undefined
    }
    return rights.ask(key, token, find).then(decide, (error) => {
      log.trouble('rights', `core could not be asked about rights: it ${messageOf(error)}`)
      throw new HttpError(400, 'Failed to check data access, token may be expired, consider reloading.')
    })
  }

  #remember(url: string, until: number): void {
    if (this.#granted.size >= MAX_URLS) this.#granted.delete(this.#granted.keys().next().value!)
    this.#granted.set(url, until)
  }

  /** Today's core is asked by id and older ones by name, whichever the request has. */
  async #question(
    { first, second }: DatasetParams,
    mode: DatasetQuestion['mode'],
    version: CoreVersion,
  ): Promise<Awaited<ReturnType<FindQuestion>>> {
    const { ids, catalogue } = this.#options
    const byIds = knowsIds(version)
    if (second !== undefined) {
      const name = { organization: first, name: second }
      if (!byIds) return { question: { mode, name }, isKnown: true }
      const id = await ids.idOf(name)
      return { question: { mode, id }, isKnown: id !== undefined }
    }
    const entry: CatalogueEntry | undefined = catalogue.byId(first)
    if (!byIds) return { question: { mode, name: entry }, isKnown: entry !== undefined }
    // an id of our own means the dataset core knows by another
    const id = entry && entry.id !== first ? await ids.idOf(entry) : isId(first) ? first : undefined
    return { question: { mode, id }, isKnown: id !== undefined }
  }
}

function decide({ granted, message }: Answer): void {
  if (granted) return
  throw new Forbidden(
    message
      ? `Token may be expired, consider reloading. Access forbidden: ${message}`
      : 'Token may be expired, consider reloading. Token authentication failed.',
  )
}

const MAX_URLS = 5000
/** URLs that say all about the right to them, and come again: the token is not in a header, nothing else is in the query. */
const ONLY_A_TOKEN = /^[^?]{1,300}\?token=[^&#]{0,200}$/

const QUERY_TOKEN = /[?&]token=([^&#]*)/

/** Of the query first; an empty one there is nobody's and not a missing one. */
export function tokenOf(request: Request): string | undefined {
  const given = QUERY_TOKEN.exec(request.url)?.[1]
  if (given === undefined) return request.headers.get('x-auth-token') ?? undefined
  if (!/[%+]/.test(given)) return given
  try {
    return decodeURIComponent(given.replaceAll('+', ' '))
  } catch {
    return given
  }
}
