/** A real Chromium without a window, driven over its debugging protocol. */
import { rmSync } from 'node:fs'
import { emptyFolder } from './binary.ts'

export const CHROMIUM = Bun.which('chromium') ?? Bun.which('chromium-browser') ?? Bun.which('google-chrome')

interface Message {
  readonly id?: number
  readonly method?: string
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

export class Browser implements AsyncDisposable {
  readonly #process: Bun.Subprocess
  readonly #socket: WebSocket
  readonly #folder: string
  readonly #waiting = new Map<number, (message: Message) => void>()
  #id = 0

  private constructor(process: Bun.Subprocess, socket: WebSocket, folder: string) {
    this.#process = process
    this.#socket = socket
    this.#folder = folder
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(String(data)) as Message
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message)
    }
  }

  /** `more`: flags beside the usual ones. */
  static async open(url: string, more: readonly string[] = []): Promise<Browser> {
    const folder = emptyFolder()
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--remote-debugging-port=0',
      `--user-data-dir=${folder}`,
      ...more,
    ]
    const child = Bun.spawn([CHROMIUM!, ...flags, '--window-size=1200,1400', url], { stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
    let said = ''
    let port: string | undefined
    for await (const part of child.stderr) {
      said += new TextDecoder().decode(part)
      port = /ws:\/\/127\.0\.0\.1:(\d+)\//.exec(said)?.[1]
      if (port) break
    }
    if (!port) throw new Error(`chromium did not start: ${said}`)
    for (;;) {
      const pages = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { type: string; webSocketDebuggerUrl: string }[]
      const page = pages.find(({ type }) => type === 'page')
      if (page) {
        const socket = new WebSocket(page.webSocketDebuggerUrl)
        await new Promise((resolve, reject) => {
          socket.onopen = resolve
          socket.onerror = reject
        })
        return new Browser(child, socket, folder)
      }
      await Bun.sleep(50)
    }
  }

  /** The value of an expression in the page; promises are awaited. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result } = await this.#send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    return (result as { value: T }).value
  }

  /** What the window shows, as PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.#send('Page.captureScreenshot', { format: 'png' })
    return Buffer.from(data as string, 'base64')
  }

  /** Waits until an expression is true. */
  async until(expression: string, timeoutMs = 15_000): Promise<void> {
    for (const end = Date.now() + timeoutMs; Date.now() < end; await Bun.sleep(50))
      if (await this.evaluate<boolean>(`Boolean(${expression})`)) return
    throw new Error(`never true: ${expression}\n${await this.evaluate('document.documentElement.outerHTML')}`)
  }

  async #send(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>> {
    const id = ++this.#id
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve))
    this.#socket.send(JSON.stringify({ id, method, params }))
    const { result, error } = await answer
    this.#waiting.delete(id)
    if (error) throw new Error(error.message)
    return result ?? {}
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    this.#process.kill('SIGKILL')
    await this.#process.exited
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
