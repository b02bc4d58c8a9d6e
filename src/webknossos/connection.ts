/**
 * The connection to core, on the main thread: says once a minute that we are here, reports what changes, comes back after an outage,
 * and knows for people how it goes.
 */
import type { Log } from '../log.ts'
import { type Arrival, askArrivals } from './arrival.ts'
import { type CoreClient, CoreUnreachable, KeyRefused } from './client.ts'
import type { DatasetIds } from './ids.ts'
import { type Known, Reporter } from './reporter.ts'
import { type CoreVersion, isSame, type VersionOfCore } from './version.ts'
import { keyOf, type Report } from './wire.ts'

export interface ConnectionOptions {
  readonly client: CoreClient
  readonly version: VersionOfCore
  readonly ids: DatasetIds
  readonly log: Log
  /** The address at which core reaches us. */
  readonly ownUrl: () => string
  /** Undefined until the folders were looked through. */
  readonly known: () => Known | undefined
  /** Waits a moment for what is worth being in the report; never rejects. */
  readonly prepare?: () => Promise<void>
  /** How often core hears of us. */
  readonly statusMs?: number
  /** The longest wait before the next try. */
  readonly lastRetryMs?: number
}

/** How it goes, as plain data. */
export interface CoreState {
  readonly core: string
  readonly datastore: string
  readonly state: 'connecting' | 'connected' | 'unreachable' | 'refused'
  readonly problem?: string | undefined
  readonly api?: number | undefined
  /** Datasets by key: why they are not in core. */
  readonly missing: ReadonlyMap<string, string>
  /** Keys of datasets that core has. */
  readonly arrived: ReadonlySet<string>
}

const STATUS_MS = 60_000
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 20_000
/** Changes come in swarms. */
const SETTLE_MS = 100
const OPENING_MS = 10_000
const MAX_ASKED_AGAIN = 50

export class Connection {
  readonly #options: ConnectionOptions
  readonly #reporter: Reporter
  readonly #statusMs: number
  readonly #lastRetryMs: number
  readonly #arrivals = new Map<string, Arrival>()
  #state: CoreState['state'] = 'connecting'
  #problem: string | undefined
  #version: CoreVersion | undefined
  #statusAt = Number.NEGATIVE_INFINITY
  #retryMs = FIRST_RETRY_MS
  #stopped = false
  #isDirty = true
  #waitingSince: number | undefined
  #wake: () => void = () => {}
  #failures = 0
  /** The run of reports under way. */
  #reporting: Promise<void> = Promise.resolve()

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#statusMs = options.statusMs ?? STATUS_MS
    this.#lastRetryMs = options.lastRetryMs ?? LAST_RETRY_MS
    this.#reporter = new Reporter(options.client, options.log)
  }

  start(): void {
    void this.#run()
  }

  stop(): void {
    this.#stopped = true
    this.#wake()
  }

  /** Something may have to be reported. */
  changed(): void {
    this.#isDirty = true
    this.#wake()
  }

  /** Reports what is not reported yet before it returns; throws nothing, for core may be away. */
  async flush(): Promise<void> {
    if (this.#state !== 'connected') return
    this.#isDirty = false
    await this.#exclusively(() => this.#reportChanges()).catch((error) => this.#failed(error))
  }

  /**
   * Runs `work`, which may report some datasets before they are in the catalogue: why core refuses them, by key. No other report goes
   * out meanwhile, for it would lack them. What is reported throws `CoreUnreachable`, `KeyRefused`.
   */
  async announce<T>(work: (reportNow: (reports: readonly Report[]) => Promise<ReadonlyMap<string, string>>) => Promise<T>): Promise<T> {
    return this.#exclusively(() =>
      work(async (reports) => {
        const version = await this.#options.version.current()
        const refused = new Map<string, string>()
        for (const report of reports) {
          const reason = await this.#reporter.reportOne(report, version)
          if (reason !== undefined) refused.set(keyOf(report), reason)
        }
        this.#askWhetherArrived(reports)
        return refused
      }),
    )
  }

  /** Reports by what became of them. What failed is tried again. */
  get reports(): { readonly accepted: number; readonly refused: number; readonly failed: number } {
    return { ...this.#reporter.counts, failed: this.#failures }
  }

  state(): CoreState {
    const { url: core, datastore } = this.#options.client.address
    const missing = new Map(this.#reporter.refused)
    for (const [key, why] of this.#arrivals) if (why) missing.set(key, why)
    const arrived = new Set([...this.#arrivals].flatMap(([key, why]) => (why === '' && !missing.has(key) ? [key] : [])))
    return { core, datastore, state: this.#state, problem: this.#problem, api: this.#version?.api, missing, arrived }
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        if (performance.now() - this.#statusAt >= this.#statusMs) await this.#sayStatus()
        if (this.#isDirty) {
          this.#isDirty = false
          await this.#exclusively(() => this.#reportChanges())
        }
        this.#retryMs = FIRST_RETRY_MS
        await this.#sleep(this.#statusMs - (performance.now() - this.#statusAt), true)
        if (this.#isDirty) await this.#sleep(SETTLE_MS, false)
      } catch (error) {
        this.#failed(error)
        // a wrong key does not mend itself soon
        await this.#sleep(error instanceof KeyRefused ? this.#lastRetryMs : this.#retryMs * (0.75 + Math.random() / 2), false)
        this.#retryMs = Math.min(this.#lastRetryMs, this.#retryMs * 2)
      }
    }
  }

  /** Also learns whether core is another one than before. Throws `CoreUnreachable`, `KeyRefused`. */
  async #sayStatus(): Promise<void> {
    const { client, version, log, ownUrl } = this.#options
    const learned = await version.learn()
    const answer = await client.askAsDatastore('PATCH', '/status', { body: JSON.stringify({ ok: true, url: ownUrl() }) })
    if (!answer.ok) throw new CoreUnreachable(`answers the status report with ${client.saying(answer)}`)
    const wasAway = this.#state !== 'connected'
    if (wasAway)
      log.info(
        `Connected to webKnossos ${client.address.url} as datastore ${client.address.datastore}${learned.api ? `, API version ${learned.api}` : ''}`,
      )
    if (wasAway || !isSame(this.#version, learned)) {
      this.#reporter.forget()
      this.#isDirty = true
    }
    this.#version = learned
    this.#state = 'connected'
    this.#problem = undefined
    this.#statusAt = performance.now()
    if (this.#reporter.refused.size > 0) {
      this.#reporter.retryRefused()
      this.#isDirty = true
    }
    if (!this.#isDirty) this.#askAgain()
  }

  async #reportChanges(): Promise<void> {
    await this.#options.prepare?.()
    const known = this.#options.known()
    if (!known || this.#isTooEarly(known)) return
    for (const key of this.#arrivals.keys()) if (!known.keys.has(key)) this.#arrivals.delete(key)
    if (!known.isComplete)
      this.#options.log.trouble('incomplete', 'not everything could be read: webKnossos is not told that what is missing is gone')
    this.#askWhetherArrived(await this.#reporter.report(known, this.#version!))
  }

  /** The report of everything waits a while for datasets that are being opened: it is one call then, and not one for each. */
  #isTooEarly({ isSettled }: Known): boolean {
    if (isSettled || !this.#reporter.owesEverything) {
      this.#waitingSince = undefined
      return false
    }
    if (this.#waitingSince === undefined) {
      this.#waitingSince = performance.now()
      setTimeout(() => this.changed(), OPENING_MS).unref()
    }
    return performance.now() - this.#waitingSince < OPENING_MS
  }

  /** Reports wait for each other; nothing else waits for them, for core calls back while one is under way. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#reporting.then(work)
    this.#reporting = done.then(
      () => {},
      () => {},
    )
    return done
  }

  #failed(error: unknown): void {
    this.#failures++
    const { client, log } = this.#options
    const { url, datastore } = client.address
    const state = error instanceof KeyRefused ? 'refused' : 'unreachable'
    const problem = error instanceof KeyRefused || error instanceof CoreUnreachable ? error.message : 'our own mistake; the log says more'
    this.#isDirty = true
    this.#statusAt = Number.NEGATIVE_INFINITY
    if (this.#state !== state) {
      if (state === 'refused')
        log.warn(
          `WEBKNOSSOS ${url} REFUSES THE NAME OR THE KEY OF THIS DATASTORE (${datastore}). Nobody can see its datasets until --datastore-name and --datastore-key are those of a row of its table datastores: wkconnect doctor finds out which of the two is wrong, wkconnect register makes a row.`,
        )
      else if (!(error instanceof CoreUnreachable))
        log.trouble('report', `reporting failed: ${error instanceof Error ? error.stack : String(error)}`)
      else log.warn(`WEBKNOSSOS ${url} DOES NOT ANSWER (it ${problem}). It is tried again; --local leaves it alone.`)
    }
    this.#state = state
    this.#problem = problem
  }

  #askWhetherArrived(reports: readonly Report[]): void {
    const { client, ids, log } = this.#options
    if (reports.length === 0 || !this.#version) return
    const before = new Map(this.#arrivals)
    askArrivals(reports, client, ids, this.#version).then(
      (arrivals) => {
        for (const [key, why] of arrivals) {
          this.#arrivals.set(key, why)
          if (why && before.get(key) !== why) log.trouble(`arrival ${why}`, `${key}: ${why}`)
        }
      },
      () => {},
    )
  }

  /** What did not arrive may by now: somebody made the organization, or renamed the other dataset. */
  #askAgain(): void {
    const known = this.#options.known()
    const missing = known?.reports.filter((report) => this.#arrivals.get(keyOf(report))) ?? []
    this.#askWhetherArrived(missing.slice(0, MAX_ASKED_AGAIN))
  }

  #sleep(ms: number, wakes: boolean): Promise<void> {
    if (this.#stopped || (wakes && this.#isDirty)) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, ms))
      this.#wake = () => {
        if (!wakes && !this.#stopped) return
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
