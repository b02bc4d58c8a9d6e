/**
 * The HTTP client of all remote stores and formats: per server a limit of requests at a time, a breaker and a budget of retries; per
 * request a time by which it is over, whatever happens. Failures are never kept.
 */
import { UpstreamError } from '../../volume/errors.ts'
import { Limit } from '../../volume/limit.ts'
import { Breaker, WEIGHTS } from './breaker.ts'
import { type OriginCount, OriginCounts, OTHER_ORIGINS } from './counts.ts'
import { Retriable, RetryBudget, retryAfterMs, retrying } from './retry.ts'
import { exchange, type HttpAnswer, type HttpRequest, type TransportOptions } from './transport.ts'
import { shownUrl } from './url.ts'

export interface ClientOptions extends Partial<TransportOptions> {
  /** All attempts of one request together. */
  readonly totalMs?: number
  /** Requests to one server at a time. */
  readonly parallel?: number
}

export interface SendOptions {
  readonly signal?: AbortSignal | undefined
  /** Makes the request anew for every attempt: signatures and tokens grow old. `attempt` counts from 0. */
  readonly prepare?: (request: HttpRequest, attempt: number) => Promise<HttpRequest> | HttpRequest
  /** Looks at an answer; may throw `Retriable`. */
  readonly accept?: (answer: HttpAnswer) => void
}

interface Origin {
  readonly limit: Limit
  readonly breaker: Breaker
  readonly budget: RetryBudget
  readonly count: OriginCount
}

/** What was asked of a server, and how it goes with it just now. */
export interface OriginStatistics extends Readonly<OriginCount> {
  /** Requests that wait in line. */
  readonly waiting: number
  /** It only fails, and is left alone for a moment. */
  readonly isOpen: boolean
}

const DEFAULTS = { firstByteMs: 6000, idleMs: 5000, totalMs: 16_000, parallel: 32 }
const MAX_ORIGINS = 1000

export class HttpClient {
  readonly #options: ClientOptions & typeof DEFAULTS
  readonly #origins = new Map<string, Origin>()
  readonly #counts = new OriginCounts()

  constructor(options: ClientOptions = {}) {
    this.#options = { ...DEFAULTS, ...options }
  }

  /**
   * The answer, whatever its status below 500 but 429. Throws `UpstreamError` for the others and for trouble of the network, when trying
   * again did not help.
   */
  send(request: HttpRequest, { signal, prepare, accept }: SendOptions = {}): Promise<HttpAnswer> {
    const { limit, breaker, budget, count } = this.#origin(request.url.origin)
    const until = performance.now() + this.#options.totalMs
    const over = new AbortController()
    const timer = setTimeout(() => over.abort(new Error('too late')), this.#options.totalMs)
    const either = signal ? AbortSignal.any([signal, over.signal]) : over.signal
    let isAsking = false
    const attempt = async (n: number): Promise<HttpAnswer> => {
      refuse(breaker.refusal(), request)
      const prepared = prepare ? await prepare(request, n) : request
      return limit.run(async () => {
        // the chunks of one bucket are asked for together: they would fail beside a trial that succeeds
        const trial = breaker.trial()
        // no turn without need: between looking and entering nobody may slip in
        if (trial) await trial
        // it may have become known while this one waited in line
        refuse(breaker.enter(), request)
        try {
          isAsking = true
          count.requests++
          if (n > 0) count.retries++
          const answer = await exchange(prepared, this.#options, either)
          const { status } = answer
          if (status >= 500 || status === 429 || status === 408) throw statusError(request, answer)
          breaker.succeeded()
          budget.earn()
          accept?.(answer)
          return answer
        } catch (error) {
          count.failures++
          if (error instanceof Retriable && !error.once)
            breaker.failed(error.details.cause, error instanceof StatusError ? WEIGHTS.error : WEIGHTS.silent)
          throw error
        } finally {
          breaker.ended()
        }
      }, either)
    }
    const explain = (error: unknown): never => {
      signal?.throwIfAborted()
      if (!over.signal.aborted || error instanceof UpstreamError) throw error
      // who only waited in line knows nothing of the server
      if (isAsking) breaker.failed('no answer in time', WEIGHTS.silent)
      throw new UpstreamError({ file: shownUrl(request.url), cause: `no answer within ${this.#options.totalMs / 1000} s` })
    }
    return retrying(attempt, { until, budget, signal: either })
      .catch(explain)
      .finally(() => clearTimeout(timer))
  }

  /** Of the first servers each, of the others together. */
  statistics(): OriginStatistics[] {
    const all = new Map(this.#counts.all().map((count) => [count.origin, { ...count, waiting: 0, isOpen: false }]))
    for (const { count, limit, breaker } of this.#origins.values()) {
      const statistics = all.get(count.origin)!
      statistics.waiting += limit.waiting
      // of many together it would say nothing
      statistics.isOpen = count.origin !== OTHER_ORIGINS && breaker.refusal() !== undefined
    }
    return [...all.values()]
  }

  #origin(name: string): Origin {
    const known = this.#origins.get(name)
    if (known) return known
    const origin = {
      limit: new Limit(this.#options.parallel),
      breaker: new Breaker(),
      budget: new RetryBudget(),
      count: this.#counts.of(name),
    }
    if (this.#origins.size >= MAX_ORIGINS) this.#origins.delete(this.#origins.keys().next().value!)
    this.#origins.set(name, origin)
    return origin
  }
}

function refuse(why: string | undefined, { url }: HttpRequest): void {
  if (why) throw new UpstreamError({ file: shownUrl(url), cause: `${url.host} is left alone: ${why}` })
}

/** The server answered, and says that it cannot. */
class StatusError extends Retriable {}

function statusError({ url }: HttpRequest, { status, headers }: HttpAnswer): StatusError {
  const afterMs = retryAfterMs(headers.get('retry-after'))
  // 501 and 505 will not get better
  const details = { file: shownUrl(url), cause: `the server answers with status ${status}` }
  return new StatusError(details, { afterMs: status === 501 || status === 505 ? Number.POSITIVE_INFINITY : afterMs })
}
