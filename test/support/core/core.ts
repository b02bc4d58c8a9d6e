/** A webKnossos core of any era for datastores to talk to; how strict it is: bodies.ts, what it keeps: rows.ts. */
import { randomBytes } from 'node:crypto'
import { accessProblems, dataSourceProblems, statusProblems } from './bodies.ts'
import { type Row, Rows } from './rows.ts'

/** Era → API version; 0 where core states none. */
export const ERAS = { C1: 0, C2: 0, T1: 8, v9: 9, v10: 10, v11: 11, v12: 12, v13: 13, v14: 14, v15: 15, v16: 16 } as const
export type Era = keyof typeof ERAS

export interface Asked {
  readonly method: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  readonly body: unknown
  readonly status: number
  readonly token: string | undefined
}

export interface CoreOptions {
  /** Speaks https with it. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly organizations?: readonly string[]
  readonly key?: string
}

export const DATASTORE = 'connect'
export const KEY = 'a-very-secret-key'
const DENIED = 'No read access on dataset'

const json = (value: unknown, status = 200) =>
  new Response(JSON.stringify(value), { status, headers: { 'Content-Type': 'application/json' } })
const refuse = (status: number, error: string) => json({ messages: [{ error }] }, status)

export class TestCore implements AsyncDisposable {
  era: Era
  readonly rows: Rows
  key: string
  rpcToken = randomBytes(16).toString('hex')
  /** Of the datastore, as its last status report gave it. */
  datastoreUrl: string | undefined
  publicUrl = 'http://127.0.0.1:1'
  /** Rows made by the route for datastores. */
  readonly registered: unknown[] = []
  readonly datastores = [DATASTORE]
  readonly asked: Asked[] = []
  /** The first version that wraps the data sources of a report of everything. */
  wrapsSince = 15
  /** Before every answer. */
  lagMs = 0
  /** Answers everything so while set. */
  failing: number | undefined
  /** token → datasets (`organization/name`, or `*`) it may read. */
  readonly readers = new Map<string, Set<string>>()
  readonly admins = new Set<string>()
  readonly callbacks: number[] = []
  #server: ReturnType<typeof Bun.serve>
  readonly #port: number
  readonly #tls: CoreOptions['tls']

  constructor(era: Era, { organizations = ['sample_organization'], key = KEY, tls }: CoreOptions = {}) {
    this.era = era
    this.#tls = tls
    this.key = key
    this.rows = new Rows(organizations)
    this.#server = this.#listen(0)
    this.#port = this.#server.port!
  }

  get url(): string {
    return `${this.#tls ? 'https://localhost' : 'http://127.0.0.1'}:${this.#port}`
  }

  get api(): number {
    return ERAS[this.era]
  }

  /** Flags with which a datastore finds it. */
  get flags(): string[] {
    return ['--core', this.url, '--datastore-name', DATASTORE, '--datastore-key', this.key]
  }

  grant(token: string, ...datasets: string[]): void {
    this.readers.set(token, new Set(datasets))
  }

  async stop(): Promise<void> {
    await this.#server.stop(true)
  }

  /** Comes back with another RPC token, and as another version if asked. */
  start(era: Era = this.era): void {
    this.era = era
    this.rpcToken = randomBytes(16).toString('hex')
    this.#server = this.#listen(this.#port)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  to(method: string, path: RegExp): Asked[] {
    return this.asked.filter((one) => one.method === method && path.test(one.path))
  }

  get bulk(): Asked[] {
    return this.to('PUT', /\/datasources$/)
  }

  get single(): Asked[] {
    return this.to('PUT', /\/datasource$/)
  }

  /** Waits until it is so; what is asked for is in the error. */
  async until(what: string, isSo: () => boolean, timeoutMs = 8000): Promise<void> {
    for (const until = Date.now() + timeoutMs; Date.now() < until; await Bun.sleep(10)) if (isSo()) return
    const last = this.asked.slice(-8).map(({ method, path, status }) => `${method} ${path} ${status}`)
    throw new Error(`${what} did not happen; asked last: ${last.join(', ')}`)
  }

  #listen(port: number) {
    return Bun.serve({
      port,
      hostname: '127.0.0.1',
      idleTimeout: 60,
      ...(this.#tls ? { tls: this.#tls } : {}),
      fetch: (request) => this.#answer(request),
    })
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url)
    const query = Object.fromEntries(url.searchParams)
    const text = await request.text()
    if (this.lagMs > 0) await Bun.sleep(this.lagMs)
    let body: unknown
    try {
      body = text === '' ? undefined : JSON.parse(text)
    } catch {
      body = text
    }
    const path = url.pathname.replace(/^\/api\/v\d+\//, '/api/')
    const token = query['token'] ?? request.headers.get('x-auth-token') ?? undefined
    const response = this.failing ? refuse(this.failing, 'out of order') : await this.#route(request.method, path, query, body, token)
    this.asked.push({ method: request.method, path: url.pathname, query, body, status: response.status, token })
    return response
  }

  async #route(method: string, path: string, query: Record<string, string>, body: unknown, token: string | undefined): Promise<Response> {
    if (path === '/api/buildinfo') return json(this.#buildInfo())
    if (path === '/api/datastores' && method === 'GET')
      return json(this.datastores.map((name) => ({ name, url: this.publicUrl, allowsUpload: false })))
    if (path === '/api/datastores' && method === 'POST') {
      if (!token || !this.admins.has(token)) return refuse(403, 'Access denied')
      this.registered.push(body)
      return json(body)
    }
    if (path === '/api/user')
      return token && (this.admins.has(token) || this.readers.has(token)) ? json(this.#user(token)) : refuse(401, 'no user')
    if (path === '/api/datasets') return this.#datasets(query, token)
    const [, dataset] = /^\/api\/datasets\/(.+)$/.exec(path) ?? []
    if (dataset !== undefined) return this.#dataset(dataset.split('/').map(decodeURIComponent), query['sharingToken'] ?? token)
    const [, name, route = ''] = /^\/api\/datastores\/([^/]+)\/(.*)$/.exec(path) ?? []
    if (name === undefined) return refuse(404, 'no such route')
    if (!this.datastores.includes(name) || query['key'] !== this.key)
      return json({ granted: false, msg: 'invalid datastore name or key' }, 403)
    return this.#datastoreRoute(method, route, query, body)
  }

  async #datastoreRoute(method: string, route: string, query: Record<string, string>, body: unknown): Promise<Response> {
    const [, id] = /^datasources\/([0-9a-f]{24})$/.exec(route) ?? []
    switch (`${method} ${id === undefined ? route : 'datasources/:id'}`) {
      case 'PATCH status': {
        const problems = statusProblems(body)
        if (problems.length > 0) return refuse(400, problems.join('; '))
        this.datastoreUrl = (body as { url: string }).url
        return new Response('')
      }
      case 'PUT datasource':
        return this.#take([body], false)
      case 'PUT datasources':
        return this.#takeAll(body)
      case 'POST validateUserAccess':
        return this.#access(body, query['token'] ?? '')
      case 'GET findDatasetId': {
        if (this.api < 10) return refuse(404, 'no such route')
        const row = this.rows.byName(query['organizationId'] ?? '', query['datasetDirectoryName'] ?? '')
        return row ? json(row.id) : refuse(404, 'Dataset not found')
      }
      case 'GET datasources/:id': {
        const row = this.api < 10 ? undefined : this.rows.byId(id!)
        return row ? json(row.dataSource) : refuse(404, 'Dataset not found')
      }
    }
    return refuse(404, 'no such route')
  }

  async #takeAll(body: unknown): Promise<Response> {
    if (!Array.isArray(body)) return refuse(400, 'obj: no array')
    const isWrapped = this.api >= this.wrapsSince
    const sources: unknown[] = isWrapped ? body.map((one) => (one as { dataSource?: unknown }).dataSource) : body
    return this.#take(sources, true)
  }

  async #take(sources: readonly unknown[], isAll: boolean): Promise<Response> {
    const problems = sources.flatMap((source) => dataSourceProblems(source, this.api))
    if (problems.length > 0) return refuse(400, problems.slice(0, 5).join('; '))
    const all = sources as Record<string, unknown>[]
    for (const source of all) {
      const changed = this.rows.take(source, DATASTORE)
      if (changed && this.api >= 10 && !(await this.#callBack(changed))) return refuse(400, 'callback failed')
    }
    if (isAll) this.rows.deactivateOthers(all, DATASTORE)
    return new Response('')
  }

  /** While the report is still open. */
  async #callBack({ id }: Row): Promise<boolean> {
    if (this.datastoreUrl === undefined) return true
    const answer = await fetch(`${this.datastoreUrl}/data/datasets/${id}?token=${this.rpcToken}`, {
      method: 'DELETE',
      signal: AbortSignal.timeout(5000),
    }).catch(() => undefined)
    this.callbacks.push(answer?.status ?? 0)
    return answer?.status === 200
  }

  #access(body: unknown, token: string): Response {
    const problems = accessProblems(body, this.api)
    if (problems.length > 0) return refuse(400, problems.join('; '))
    const { resourceId, resourceType, mode } = body as {
      resourceId?: string | { team: string; name: string }
      resourceType: string
      mode: string
    }
    const answer = (granted: boolean) => json(granted ? { granted } : { granted, msg: DENIED })
    if (token === this.rpcToken) return answer(true)
    if (resourceType === 'webknossos') return answer(false)
    if (mode === 'administrate') return answer(this.admins.has(token))
    const row =
      typeof resourceId === 'string' ? this.rows.byId(resourceId) : resourceId && this.rows.byName(resourceId.team, resourceId.name)
    if (mode === 'write') return this.admins.has(token) ? answer(true) : refuse(400, 'no user')
    return answer(row !== undefined && this.#mayRead(row, token))
  }

  #mayRead({ organization, name, isPublic }: Row, token: string): boolean {
    const readable = this.readers.get(token)
    return isPublic || readable?.has('*') === true || readable?.has(`${organization}/${name}`) === true
  }

  /** Those that may be read, in short. */
  #datasets({ organizationId, searchQuery }: Record<string, string>, token = ''): Response {
    const rows = this.rows.all().filter((row) => this.#mayRead(row, token) || this.admins.has(token))
    const found = rows.filter(
      ({ organization, name }) =>
        (organizationId === undefined || organization === organizationId) && (searchQuery === undefined || name.includes(searchQuery)),
    )
    return json(found.map(({ id, name, organization: owningOrganization }) => ({ id, name, owningOrganization, tags: [] })))
  }

  #dataset([first = '', second]: readonly string[], token: string | undefined): Response {
    const row = second === undefined ? this.rows.byId(first) : this.rows.byName(first, second)
    if (!row || !(this.#mayRead(row, token ?? '') || this.admins.has(token ?? ''))) return refuse(404, 'Dataset not found')
    const { id, organization, name, dataSource, isPublic, allowedTeams } = row
    const dataStore = { name: row.dataStore, url: this.publicUrl, allowsUpload: false }
    const more = { folderId: '5'.repeat(24), tags: [], directoryName: name, created: 1, owningOrganization: organization }
    return json({ id, name, organization, dataSource, dataStore, isPublic, allowedTeams, ...more })
  }

  #user(token: string) {
    const [organization = ''] = this.rows.organizations
    const name = { firstName: 'A', lastName: 'Reader', email: 'a@example.org' }
    const isAdmin = this.admins.has(token)
    const more = { created: 1, lastActivity: 1, isAnonymous: false, isEditable: true, experiences: {}, novelUserExperienceInfos: {} }
    return { id: '7'.repeat(24), ...name, organization, isAdmin, isDatasetManager: isAdmin, isActive: true, teams: [], ...more }
  }

  #buildInfo() {
    const { api } = this
    const webknossos = {
      name: 'webknossos',
      version: this.era,
      commitHash: 'c0ffee',
      datastoreApiVersion: this.era === 'C1' ? '1.0' : '2.0',
    }
    if (api === 0) return { webknossos }
    const httpApiVersioning = { currentApiVersion: api, oldestSupportedApiVersion: api >= 10 ? 10 : 5 }
    return { webknossos, schemaVersion: 100 + api, httpApiVersioning, localDataStoreEnabled: false, localTracingStoreEnabled: true }
  }
}
