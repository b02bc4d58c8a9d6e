/**
 * A BossDB as its own server behaves (jhuapl-boss/boss: django/bosscore, django/bossspatialdb), with Keycloak beside it. Cutouts on the grid
 * of cuboids are the bytes the reference Blosc wrote (test/golden/boss.py), others are cut out of the same volumes. That it is an honest
 * double is checked by the official client: test/clients/intern.ts.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { copyBox } from '../../src/volume/copy.ts'
import type { Vec3 } from '../../src/volume/vec.ts'
import index from '../golden/boss.json'
import { GOLDEN } from './golden.ts'

export const { frame: FRAME, channels: CHANNELS, cutouts: CUTOUTS, levels: LEVELS } = index.experiment
export const COLLECTION = 'col'
export const EXPERIMENTS: Readonly<Record<string, readonly string[]>> = { exp: ['em', 'fluo', 'cells', 'parts', 'huge'], film: ['movie'] }
export const USER = { username: 'someone', password: 'p4ss-w0rd & ümlaut' }
export const goldenFile = (file: string): Uint8Array => readFileSync(join(GOLDEN, 'data/boss', file))

type Kind = keyof typeof index.experiment.factors
type Channel = (typeof CHANNELS)['em']

export interface AskedOfBoss {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Headers
}

export class BossServer implements AsyncDisposable {
  readonly asked: AskedOfBoss[] = []
  /** What else is answered: faults. */
  fault: (asked: AskedOfBoss) => Response | undefined | Promise<Response | undefined> = () => undefined
  /** Static tokens that may read; `public` reads what is public. */
  readonly tokens = new Set<string>()
  isPublic = true
  /** How long a token of Keycloak holds. */
  tokenSeconds = 1800
  refreshSeconds = 1800
  limitBytes = 500_000_000
  /** Grants that were asked for, in order. */
  readonly grants: string[] = []
  readonly removed = new Set<string>()
  readonly status = new Map<string, string>()
  /** Experiments say which channels they have; older servers only list them. */
  namesChannels = true
  running = 0
  mostRunning = 0
  readonly #issued = new Map<string, number>()
  readonly #refresh = new Map<string, number>()
  readonly #volumes = new Map<string, Uint8Array>()
  readonly #server = Bun.serve({ port: 0, hostname: '127.0.0.1', idleTimeout: 60, fetch: (request) => this.#count(request) })

  get url(): string {
    return `http://127.0.0.1:${this.#server.port}`
  }

  get cutouts(): string[] {
    return this.asked.filter(({ path }) => path.includes('/cutout/')).map(({ path }) => path.replace(/^.*\/cutout\//, ''))
  }

  /** Tokens that were given out are no longer good. */
  revoke(): void {
    this.#issued.clear()
    this.#refresh.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop(true)
  }

  async #count(request: Request): Promise<Response> {
    this.mostRunning = Math.max(this.mostRunning, ++this.running)
    try {
      const url = new URL(request.url)
      const asked = { method: request.method, path: decodeURIComponent(url.pathname), query: url.searchParams, headers: request.headers }
      this.asked.push(asked)
      return (await this.fault(asked)) ?? (await this.#answer(asked, request))
    } finally {
      this.running--
    }
  }

  async #answer(asked: AskedOfBoss, request: Request): Promise<Response> {
    const { path } = asked
    if (path === '/auth/realms/boss/protocol/openid-connect/token') return this.#keycloak(request)
    const match = /^\/(?:v1|latest)\/(.*)$/.exec(path)
    if (!match) return page(404)
    const refusal = this.#refuse(asked.headers.get('authorization') ?? '')
    if (refusal) return refusal
    const [service, ...parts] = match[1]!.split('/')
    if (service === 'cutout') return this.#cutout(asked, match[1]!)
    // for these the slash at the end may be there or not
    if (parts.at(-1) === '') parts.pop()
    if (service === 'coord') return parts.length === 1 && parts[0] === FRAME.name ? Response.json(FRAME) : notFound(`${parts[0]}`)
    if (service === 'downsample' && parts.length === 3) return this.#downsample(parts as [string, string, string], asked.query)
    if (service === 'collection' && parts[1] === 'experiment' && parts[2]) return this.#resource(parts)
    return page(404)
  }

  async #keycloak(request: Request): Promise<Response> {
    const form = new URLSearchParams(await request.text())
    const grant = form.get('grant_type') ?? ''
    this.grants.push(grant)
    const refuse = (error: string, status: number) => Response.json({ error, error_description: `Invalid ${error}` }, { status })
    if (request.method !== 'POST' || form.get('client_id') !== 'endpoint') return refuse('invalid_client', 400)
    const isUser = form.get('username') === USER.username && form.get('password') === USER.password
    const refresh = this.#refresh.get(form.get('refresh_token') ?? '')
    if (grant === 'password' && !isUser) return refuse('invalid_grant', 401)
    if (grant === 'refresh_token' && !(refresh && refresh > Date.now())) return refuse('invalid_grant', 400)
    if (grant !== 'password' && grant !== 'refresh_token') return refuse('unsupported_grant_type', 400)
    const [access, again] = [`access-${crypto.randomUUID()}`, `refresh-${crypto.randomUUID()}`]
    this.#issued.set(access, Date.now() + this.tokenSeconds * 1000)
    this.#refresh.set(again, Date.now() + this.refreshSeconds * 1000)
    const times = { expires_in: this.tokenSeconds, refresh_expires_in: this.refreshSeconds }
    return Response.json({ access_token: access, refresh_token: again, token_type: 'bearer', 'not-before-policy': 0, ...times })
  }

  #refuse(authorization: string): Response | undefined {
    const [scheme, token = ''] = authorization.split(' ')
    const isGood =
      (scheme === 'Token' && (this.tokens.has(token) || (this.isPublic && token === 'public'))) ||
      (scheme === 'Bearer' && (this.#issued.get(token) ?? 0) > Date.now())
    // Django repeats nothing of the header; a careless proxy in front of it might
    return isGood ? undefined : Response.json({ detail: `Invalid token. ${token}` }, { status: 401 })
  }

  #resource([collection = '', , experiment = '', kind, channel]: string[]): Response {
    if (collection !== COLLECTION) return notFound(`Collection ${collection}`)
    const channels = EXPERIMENTS[experiment]?.filter((name) => !this.removed.has(name))
    if (!channels) return notFound(`Experiment ${experiment}`)
    if (kind === undefined) {
      return Response.json({
        ...(this.namesChannels && { channels }),
        name: experiment,
        description: '',
        collection,
        coord_frame: FRAME.name,
        num_hierarchy_levels: LEVELS,
        hierarchy_method: 'anisotropic',
        num_time_samples: experiment === 'film' ? 3 : 1,
        time_step: null,
        time_step_unit: '',
        creator: 'someone',
      })
    }
    if (kind === 'channel' && channel === undefined) return Response.json({ channels })
    const found = this.#channel(experiment, channel ?? '')
    return kind === 'channel' && found ? Response.json(found) : notFound(`Channel ${channel}`)
  }

  #channel(experiment: string, name: string): Channel | undefined {
    const isThere = EXPERIMENTS[experiment]?.includes(name) && !this.removed.has(name)
    const channel = CHANNELS[name as keyof typeof CHANNELS]
    return isThere ? { ...channel, downsample_status: this.status.get(name) ?? channel.downsample_status } : undefined
  }

  #downsample([collection, experiment, name]: [string, string, string], query: URLSearchParams): Response {
    const channel = collection === COLLECTION && this.#channel(experiment, name)
    if (!channel) return notFound(`Channel ${name}`)
    const factors = index.experiment.factors[isoOf(query)]
    const sizes = ['x', 'y', 'z'].map((axis) => [FRAME[`${axis}_voxel_size` as 'x_voxel_size'], FRAME[`${axis}_stop` as 'x_stop']] as const)
    const perLevel = (of: (factor: number, d: number) => number) =>
      Object.fromEntries(factors.map((factor, res) => [res, factor.map((f, d) => of(f, d))]))
    return Response.json({
      status: channel.downsample_status,
      num_hierarchy_levels: LEVELS,
      voxel_size: perLevel((factor, d) => sizes[d]![0] * factor),
      extent: perLevel((factor, d) => Math.ceil(sizes[d]![1] / factor)),
      cuboid_size: perLevel((_, d) => [512, 512, 16][d]!),
    })
  }

  #cutout({ headers, query }: AskedOfBoss, path: string): Response {
    const match = /^cutout\/([\w-]+)\/([\w-]+)\/([\w-]+)\/(\d)\/(\d+):(\d+)\/(\d+):(\d+)\/(\d+):(\d+)\/(?:(\d+):(\d+)\/)?$/.exec(path)
    if (!match) return page(404)
    const [, collection, experiment = '', name = '', res, ...numbers] = match
    const channel = collection === COLLECTION ? this.#channel(experiment, name) : undefined
    if (!channel) return notFound(`Channel ${name}`)
    const accept = headers.get('accept') ?? 'application/blosc'
    if (!/application\/blosc(?![-\w])|\*\/\*/.test(accept))
      return Response.json({ detail: 'Could not satisfy the request Accept header.' }, { status: 406 })
    const [x0 = 0, x1 = 0, y0 = 0, y1 = 0, z0 = 0, z1 = 0, t0, t1] = numbers.map((text) => (text === undefined ? undefined : Number(text)))
    const [low, high]: [Vec3, Vec3] = [
      [x0, y0, z0],
      [x1, y1, z1],
    ]
    const resolution = Number(res)
    const kind: Kind | string = t0 !== undefined || experiment === 'film' ? `t${t0 ?? 0}` : isoOf(query)
    const volumes = CUTOUTS.filter((one) => one.channel === name && one.resolution === resolution && (one.kind === kind || one.kind === ''))
    const volume = volumes.find((one) => one.kind === kind && one.volume) ?? volumes.find((one) => one.volume)
    if (!volume || resolution < channel.base_resolution)
      return refusal(400, 1002, `Invalid resolution ${res}. The resolution has to be within ${channel.base_resolution} and ${LEVELS}`)
    if (t0 !== undefined && t1 !== t0 + 1) return refusal(400, 1001, 'the double gives one time sample at a time')
    const isInside = low.every((edge, d) => edge < high[d]! && edge >= volume.low[d]! && high[d]! <= volume.high[d]!)
    if (!isInside) return refusal(400, 1001, `Incorrect cutout arguments ${numbers.join('/')}`)
    const bits = Number(channel.datatype.slice(4))
    const size: Vec3 = [x1 - x0, y1 - y0, z1 - z0]
    if ((size[0] * size[1] * size[2] * bits) / 8 > this.limitBytes)
      return refusal(413, 2000, 'Cutout request is over 500MB when uncompressed. Reduce cutout dimensions.')
    const written = volumes.find((one) => one.kind === volume.kind && one.file && `${one.low}` === `${low}` && `${one.high}` === `${high}`)
    const body = written?.file ? goldenFile(written.file) : container(this.#cut(volume, low, size, bits / 8), bits)
    return new Response(body as Uint8Array<ArrayBuffer>, { headers: { 'Content-Type': 'application/blosc' } })
  }

  #cut({ volume, low: start, high }: (typeof CUTOUTS)[number], low: Vec3, size: Vec3, voxel: number): Uint8Array {
    let bytes = this.#volumes.get(volume!)
    if (!bytes) this.#volumes.set(volume!, (bytes = new Uint8Array(gunzipSync(goldenFile(volume!)))))
    const target = new Uint8Array(size[0] * size[1] * size[2] * voxel)
    const minus = (a: readonly number[], b: readonly number[]) => a.map((edge, d) => edge - b[d]!) as unknown as Vec3
    copyBox({ bytes, size: minus(high, start), at: minus(low, start) }, { bytes: target, size, at: [0, 0, 0] }, size, voxel)
    return target
  }
}

const isoOf = (query: URLSearchParams): Kind => (query.get('iso')?.toLowerCase() === 'true' ? 'iso' : '')

/** A Blosc container of bytes as they are. */
function container(bytes: Uint8Array, bits: number): Uint8Array {
  const packed = new Uint8Array(16 + bytes.length)
  const view = new DataView(packed.buffer)
  packed.set([2, 1, 2, bits])
  view.setUint32(4, bytes.length, true)
  view.setUint32(8, bytes.length, true)
  view.setUint32(12, packed.length, true)
  packed.set(bytes, 16)
  return packed
}

const page = (status: number) => new Response('<!doctype html><h1>Not Found</h1>', { status, headers: { 'Content-Type': 'text/html' } })
const refusal = (status: number, code: number, message: string) => Response.json({ status, code, message }, { status })
const notFound = (what: string) => refusal(404, 4000, `${what} not found`)
