/**
 * Core's answers about rights, granted and denied, for 2 minutes per token and request (protocol.md 1.3). An answer that could not be
 * had is neither, and is asked for again the next time.
 */
import type { MaybePromise } from '../volume/maybe-promise.ts'
import { type CoreClient, CoreUnreachable } from './client.ts'
import { type Question, questionBody } from './questions.ts'
import { type CoreVersion, isSame, type VersionOfCore } from './version.ts'

export interface Answer {
  readonly granted: boolean
  /** Core's reason for denying. */
  readonly message?: string | undefined
}

/** What to ask a core of this version, and whether core has what it is about. */
export type FindQuestion = (version: CoreVersion) => MaybePromise<{ readonly question: Question; readonly isKnown: boolean }>

export interface Held {
  readonly answer: Answer
  /** Of `performance.now()`. */
  readonly until: number
}

const HELD_MS = 2 * 60_000
/** For denials that were not core's about this very thing. */
export const BRIEFLY_MS = 3000
const MAX_ANSWERS = 20_000
const MAX_KEY = 400

export class Rights {
  readonly #client: CoreClient
  readonly #version: VersionOfCore
  readonly #now: () => number
  readonly #held = new Map<string, Held>()
  readonly #asking = new Map<string, Promise<Answer>>()

  constructor(client: CoreClient, version: VersionOfCore, now: () => number = () => performance.now()) {
    this.#client = client
    this.#version = version
    this.#now = now
  }

  /** Names a request of a token; what is long is hashed, so that nobody fills memory with tokens. */
  keyOf(token: string, request: string): string {
    const key = `${token.length} ${token} ${request}`
    return key.length <= MAX_KEY ? key : new Bun.CryptoHasher('sha256').update(key).digest('base64')
  }

  /** What is known, without waiting. */
  held(key: string): Held | undefined {
    const held = this.#held.get(key)
    return held && this.#now() < held.until ? held : undefined
  }

  /**
   * One question for all who ask the same meanwhile. `find` puts it into the words of a version; what core does not have is denied.
   * Throws `CoreUnreachable`, `KeyRefused`.
   */
  ask(key: string, token: string, find: FindQuestion): Promise<Answer> {
    let asking = this.#asking.get(key)
    if (!asking) {
      asking = this.#ask(key, token, find).finally(() => this.#asking.delete(key))
      this.#asking.set(key, asking)
    }
    return asking
  }

  async #ask(key: string, token: string, find: FindQuestion): Promise<Answer> {
    const { answer, isKnown } = await this.#askCore(token, find)
    // what core does not have is denied like what may not be seen, whoever asks
    const held: Answer = isKnown ? answer : { granted: false, message: answer.granted ? 'No read access on dataset' : answer.message }
    if (this.#held.size >= MAX_ANSWERS) this.#held.delete(this.#held.keys().next().value!)
    this.#held.set(key, { answer: held, until: this.#now() + (isKnown ? HELD_MS : BRIEFLY_MS) })
    return held
  }

  async #askCore(token: string, find: FindQuestion): Promise<{ answer: Answer; isKnown: boolean }> {
    const version = await this.#version.current()
    const first = await find(version)
    const response = await this.#send(token, questionBody(first.question, version))
    if (response.answer) return { answer: response.answer, isKnown: first.isKnown }
    // a core that was upgraded a moment ago does not understand its former words
    const now = await this.#version.learn()
    if (isSame(version, now)) throw new CoreUnreachable(`answers a question about rights with ${response.problem}`)
    const second = await find(now)
    const again = await this.#send(token, questionBody(second.question, now))
    if (again.answer) return { answer: again.answer, isKnown: second.isKnown }
    throw new CoreUnreachable(`answers a question about rights with ${again.problem}`)
  }

  async #send(token: string, body: string): Promise<{ answer?: Answer; problem?: string }> {
    const response = await this.#client.askAsDatastore('POST', '/validateUserAccess', { query: { token: token || undefined }, body })
    const { granted, msg } = (response.json ?? {}) as { granted?: unknown; msg?: unknown }
    if (response.ok && typeof granted === 'boolean') return { answer: { granted, message: typeof msg === 'string' ? msg : undefined } }
    const said = this.#client.saying(response)
    return { problem: token ? said.replaceAll(token, '…') : said }
  }
}
