/**
 * Tells core which datasets there are. A change is told once, by a report of its own; the report of everything, which makes core drop
 * what is not in it, goes out at start, when core comes back, and when something is gone, and only of what is known to be all there
 * is. One report at a time; what changes meanwhile is in the next.
 */
import type { Log } from '../log.ts'
import { type CoreAnswer, type CoreClient, CoreUnreachable } from './client.ts'
import { type CoreVersion, wrapsReports } from './version.ts'
import { bulkText, keyOf, type Report, reportText } from './wire.ts'

/** What there is to report. */
export interface Known {
  /** All that are open or known to be unusable. */
  readonly reports: readonly Report[]
  /** Names of all there are, also of what is still being opened. */
  readonly keys: ReadonlySet<string>
  /** Nothing is being opened. */
  readonly isSettled: boolean
  /** Every list and folder could be read: what is not here is not there. */
  readonly isComplete: boolean
}

const BULK_MS = 120_000
const SINGLE_MS = 30_000
/** With more changes at once the report of everything is cheaper. */
const MANY = 20
const GONE = 'No longer available on datastore.'

export class Reporter {
  readonly #client: CoreClient
  readonly #log: Log
  /** What core was told, by key. */
  readonly #told = new Map<string, string>()
  /** Why core refused it, by key. */
  readonly #refused = new Map<string, string>()
  #texts = new WeakMap<Report, string>()
  #everything = true
  #isWrapped: boolean | undefined
  #accepted = 0
  #refusals = 0

  constructor(client: CoreClient, log: Log) {
    this.#client = client
    this.#log = log
  }

  get refused(): ReadonlyMap<string, string> {
    return this.#refused
  }

  get counts(): { readonly accepted: number; readonly refused: number } {
    return { accepted: this.#accepted, refused: this.#refusals }
  }

  /** The next report is one of everything, as soon as everything is known. */
  get owesEverything(): boolean {
    return this.#everything
  }

  /** Core was away, or is another one than before. */
  forget(): void {
    this.#texts = new WeakMap()
    this.#everything = true
    this.#isWrapped = undefined
  }

  /** What core refused may have been core's trouble of that moment. */
  retryRefused(): void {
    for (const key of this.#refused.keys()) this.#told.delete(key)
  }

  /** Reports what core does not know yet and returns it. Throws `CoreUnreachable`, `KeyRefused`. */
  async report({ reports, keys, isComplete, isSettled }: Known, version: CoreVersion): Promise<readonly Report[]> {
    const texts = new Map(reports.map((report) => [keyOf(report), this.#textOf(report, version)]))
    const changed = reports.filter((report) => this.#told.get(keyOf(report)) !== texts.get(keyOf(report)))
    const gone = [...this.#told.keys()].filter((key) => !keys.has(key))
    const isAll = isComplete && isSettled && reports.length > 0
    if (isAll && (this.#everything || gone.length > 0 || changed.length > MANY)) {
      // after an outage core may have forgotten anything
      const told = this.#everything ? reports : changed
      await this.#bulk(texts, version)
      return told
    }
    for (const report of changed) await this.#single(keyOf(report), texts.get(keyOf(report))!)
    // an empty report of everything would say the same of every dataset core ever heard of from us
    if (isComplete && keys.size === 0) for (const key of gone) await this.#sayGone(key)
    return changed
  }

  /** Reports one, whatever was said before: why core refuses it, or undefined. Throws `CoreUnreachable`, `KeyRefused`. */
  async reportOne(report: Report, version: CoreVersion): Promise<string | undefined> {
    await this.#single(keyOf(report), reportText(report, version))
    return this.#refused.get(keyOf(report))
  }

  /** The same report has the same text, and most are the same as a moment ago. */
  #textOf(report: Report, version: CoreVersion): string {
    const text = this.#texts.get(report) ?? reportText(report, version)
    this.#texts.set(report, text)
    return text
  }

  async #bulk(texts: ReadonlyMap<string, string>, version: CoreVersion): Promise<void> {
    const refusal = await this.#sendAll(texts, version)
    if (refusal === undefined) this.#refused.clear()
    else {
      // one that core does not understand must not keep it from all others
      this.#log.trouble('bulk', `core refuses the report of all datasets (${refusal}); they are reported one by one`)
      for (const [key, text] of texts) if (this.#told.get(key) !== text || this.#everything) await this.#single(key, text)
      const without = new Map(
        [...texts].map(([key, text]) => [key, this.#refused.has(key) ? unusable(key, this.#refused.get(key)!) : text]),
      )
      const again = await this.#sendAll(without, version)
      if (again !== undefined) this.#log.trouble('bulk', `core refuses the report of all datasets: ${again}`)
    }
    this.#told.clear()
    for (const [key, text] of texts) this.#told.set(key, text)
    this.#everything = false
  }

  /** Undefined, or why core refuses it in both forms. */
  async #sendAll(texts: ReadonlyMap<string, string>, version: CoreVersion): Promise<string | undefined> {
    const forms = this.#isWrapped === undefined ? [wrapsReports(version), !wrapsReports(version)] : [this.#isWrapped]
    let refusal: string | undefined
    for (const isWrapped of forms) {
      const answer = await this.#client.askAsDatastore('PUT', '/datasources', {
        body: bulkText(texts.values(), isWrapped),
        timeoutMs: BULK_MS,
      })
      if (answer.ok) {
        this.#isWrapped = isWrapped
        this.#accepted++
        return undefined
      }
      refusal ??= this.#refusal(answer)
    }
    this.#isWrapped = undefined
    return refusal
  }

  async #single(key: string, text: string): Promise<void> {
    const answer = await this.#client.askAsDatastore('PUT', '/datasource', { body: text, timeoutMs: SINGLE_MS })
    this.#refused.delete(key)
    if (answer.ok) this.#accepted++
    else {
      const refusal = this.#refusal(answer)
      this.#refused.set(key, `webKnossos refuses its description: ${refusal}`)
      this.#log.trouble(`refused ${key}`, `${key}: core refuses its description: ${refusal}`)
    }
    this.#told.set(key, text)
  }

  async #sayGone(key: string): Promise<void> {
    await this.#client.askAsDatastore('PUT', '/datasource', { body: unusable(key, GONE) })
    this.#told.delete(key)
  }

  /** Core's own words; what is no fault of the report is thrown and tried again. */
  #refusal(answer: CoreAnswer): string {
    if (answer.status !== 400 && answer.status !== 413 && answer.status !== 422)
      throw new CoreUnreachable(`answers a report with ${this.#client.saying(answer)}`)
    this.#refusals++
    return this.#client.saying(answer)
  }
}

function unusable(key: string, status: string): string {
  const slash = key.indexOf('/')
  return JSON.stringify({ id: { team: key.slice(0, slash), name: key.slice(slash + 1) }, status: status.slice(0, 1024) })
}
