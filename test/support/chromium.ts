/** A real browser, driven over the DevTools protocol: Debian's Chromium, or whatever CHROMIUM names. */
import { rmSync } from 'node:fs'
import { emptyFolder } from './binary.ts'

export const CHROMIUM = process.env['CHROMIUM'] ?? Bun.which('chromium') ?? Bun.which('chromium-browser') ?? Bun.which('google-chrome')

const FLAGS = [
  '--headless=new',
  // tests run as root in containers, where the sandbox cannot be set up
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--remote-debugging-port=0',
  '--window-size=1200,1000',
]

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

export class Browser implements AsyncDisposable {
  readonly #process: Bun.Subprocess
  readonly #socket: WebSocket
  readonly #profile: string
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  readonly #events: Answer[] = []
  #next = 1

  private constructor(process: Bun.Subprocess, socket: WebSocket, profile: string) {
    this.#process = process
    this.#socket = socket
    this.#profile = profile
    socket.onmessage = ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer
      if (answer.id === undefined) this.#events.push(answer)
      else this.#waiting.get(answer.id)?.(answer)
    }
  }

  /** `more`: flags beside the usual ones. */
  static async start(more: readonly string[] = []): Promise<Browser> {
    const profile = emptyFolder()
    const child = Bun.spawn([CHROMIUM!, ...FLAGS, ...more, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    for await (const part of child.stderr) {
      said += new TextDecoder().decode(part)
      const port = /DevTools listening on ws:\/\/[^:]+:(\d+)/.exec(said)?.[1]
      if (!port) continue
      const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { type: string; webSocketDebuggerUrl: string }[]
      const socket = new WebSocket(targets.find(({ type }) => type === 'page')!.webSocketDebuggerUrl)
      await new Promise((resolve) => socket.addEventListener('open', resolve))
      const browser = new Browser(child, socket, profile)
      for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await browser.send(`${domain}.enable`)
      return browser
    }
    throw new Error(`Chromium ended: ${said}`)
  }

  async send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#next++
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve)
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
    this.#waiting.delete(id)
    if (answer.error) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result ?? {}
  }

  async open(url: string): Promise<void> {
    const seen = this.#events.length
    await this.send('Page.navigate', { url })
    await this.until(() => this.#events.slice(seen).some(({ method }) => method === 'Page.loadEventFired'), `${url} did not load`)
  }

  /** The value of an expression in the page; promises are awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { value: T }).value
  }

  /** Waits until an expression in the page is true. */
  untilTrue(expression: string, timeoutMs?: number): Promise<void> {
    return this.until(() => this.evaluate<boolean>(`Boolean(${expression})`), `never true: ${expression}`, timeoutMs)
  }

  async until(holds: () => boolean | Promise<boolean>, otherwise: string, timeoutMs = 20_000): Promise<void> {
    for (const end = Date.now() + timeoutMs; Date.now() < end; await Bun.sleep(30)) if (await holds()) return
    throw new Error(`${otherwise}\n${this.complaints().join('\n')}`)
  }

  /** Errors of scripts, policies and requests, as the console shows them. */
  complaints(): string[] {
    const logged = this.#events.filter(({ method }) => method === 'Log.entryAdded' || method === 'Runtime.exceptionThrown')
    return logged.map(({ params }) => JSON.stringify(params))
  }

  /** Addresses that were asked for. */
  requests(): string[] {
    const sent = this.#events.filter(({ method }) => method === 'Network.requestWillBeSent')
    return sent.map(({ params }) => (params as { request: { url: string } }).request.url)
  }

  /** PNG of what is visible. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' })
    return Uint8Array.fromBase64(String(data))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    this.#process.kill('SIGKILL')
    await this.#process.exited
    rmSync(this.#profile, { recursive: true, force: true })
  }
}
