/**
 * A web server and bucket whose every fault can be switched on: what remote formats are tested against. It speaks raw sockets where a
 * proper server could not misbehave.
 */
import { createServer, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'

export interface Asked {
  readonly method: string
  /** Decoded, without a leading slash, without the query. */
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface Fault {
  /** Which requests; all where undefined. */
  readonly when?: (asked: Asked) => boolean
  /** How many of them; all where undefined. */
  times?: number
  /** Before the answer. */
  readonly delayMs?: number
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
  /** The connection ends: before the answer, in the middle of it, or by a reset. */
  readonly cut?: 'before' | 'middle' | 'reset'
  readonly ignoreRange?: true
  /** Changes the Content-Range header. */
  readonly contentRange?: (value: string) => string
  /** Content-Length says so many bytes more, and the connection ends. */
  readonly claimMore?: number
  /** Another object, with another ETag, from now on. */
  readonly swap?: Uint8Array
  /** 403 in place of 404. */
  readonly forbidden?: true
  /** Compressed, whether anybody asked for that or not. */
  readonly gzip?: true
  /** Says it is compressed, and is not. */
  readonly claimGzip?: true
  /** One byte every so many ms. */
  readonly dripMs?: number
}

export class ObjectServer implements AsyncDisposable {
  readonly objects = new Map<string, Uint8Array>()
  readonly asked: Asked[] = []
  readonly faults: Fault[] = []
  /** Of every answer. */
  latencyMs = 0
  /** Connections that are open just now, and the most there were. */
  open = 0
  mostOpen = 0
  /** Answers somebody still waits for. */
  owed = 0
  bytesSent = 0
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((socket) => this.#serve(socket))
  #answer: ((asked: Asked) => Response | Promise<Response> | undefined) | undefined

  private constructor(objects: Readonly<Record<string, Uint8Array>>) {
    for (const [key, bytes] of Object.entries(objects)) this.objects.set(key, bytes)
  }

  static async start(objects: Readonly<Record<string, Uint8Array>> = {}): Promise<ObjectServer> {
    const server = new ObjectServer(objects)
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve))
    return server
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  /** Requests answered by the test itself; undefined leaves them to the objects. */
  answer(work: (asked: Asked) => Response | Promise<Response> | undefined): this {
    this.#answer = work
    return this
  }

  fault(fault: Fault): this {
    this.faults.push({ ...fault })
    return this
  }

  /** Forgets faults and requests. */
  heal(): this {
    this.faults.length = 0
    this.asked.length = 0
    return this
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    this.mostOpen = Math.max(this.mostOpen, ++this.open)
    socket.on('error', () => {})
    let owed = 0
    const answered = () => {
      if (owed === 0) return
      owed--
      this.owed--
    }
    socket.on('close', () => {
      this.open--
      this.owed -= owed
      owed = 0
      this.#sockets.delete(socket)
    })
    let text = ''
    let turn: Promise<unknown> = Promise.resolve()
    socket.on('data', (part) => {
      text += part.toString('latin1')
      for (;;) {
        const end = text.indexOf('\r\n\r\n')
        if (end < 0) return
        const [line = '', ...rest] = text.slice(0, end).split('\r\n')
        const headers: Record<string, string> = {}
        for (const header of rest)
          headers[header.slice(0, header.indexOf(':')).toLowerCase()] = header.slice(header.indexOf(':') + 1).trim()
        const length = Number(headers['content-length'] ?? 0)
        if (text.length < end + 4 + length) return
        const body = text.slice(end + 4, end + 4 + length)
        text = text.slice(end + 4 + length)
        const [method = '', target = ''] = line.split(' ')
        const url = new URL(target, 'http://host')
        const asked = { method, key: decodeURIComponent(url.pathname.slice(1)), query: url.searchParams, headers, body }
        this.asked.push(asked)
        owed++
        this.owed++
        turn = turn
          .then(() => this.#reply(socket, asked))
          .catch(() => socket.destroy())
          .then(answered)
      }
    })
  }

  #faultFor(asked: Asked): Fault {
    const fault = this.faults.find(({ when, times }) => times !== 0 && (when?.(asked) ?? true))
    if (fault?.times !== undefined) fault.times--
    return fault ?? {}
  }

  async #reply(socket: Socket, asked: Asked): Promise<void> {
    const fault = this.#faultFor(asked)
    const delay = this.latencyMs + (fault.delayMs ?? 0)
    if (delay > 0) await Bun.sleep(delay)
    if (fault.cut === 'before') return void socket.destroy()
    if (fault.cut === 'reset') return void socket.resetAndDestroy()
    const own = await this.#answer?.(asked)
    if (fault.swap) this.objects.set(asked.key, fault.swap)
    const { status, headers, body } = own
      ? { status: own.status, headers: Object.fromEntries(own.headers), body: new Uint8Array(await own.arrayBuffer()) }
      : this.#object(asked, fault)
    const length = body.length + (fault.claimMore ?? 0)
    const lines = Object.entries({ ...headers, 'Content-Length': String(length), ...fault.headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    socket.write(`HTTP/1.1 ${status} X\r\n${lines.join('')}\r\n`)
    if (asked.method === 'HEAD') return
    await this.#send(socket, fault.cut === 'middle' ? body.subarray(0, body.length >> 1) : body, fault.dripMs)
    if (fault.cut === 'middle' || fault.claimMore) socket.destroySoon()
  }

  async #send(socket: Socket, body: Uint8Array, dripMs?: number): Promise<void> {
    this.bytesSent += body.length
    if (dripMs === undefined) return void socket.write(body)
    for (let n = 0; n < body.length && !socket.destroyed; n++) {
      socket.write(body.subarray(n, n + 1))
      await Bun.sleep(dripMs)
    }
  }

  #object({ key, headers: given }: Asked, fault: Fault): { status: number; headers: Record<string, string>; body: Uint8Array } {
    const bytesOf = (body: Uint8Array | string = '') => (typeof body === 'string' ? new TextEncoder().encode(body) : body)
    if (fault.status !== undefined) return { status: fault.status, headers: {}, body: bytesOf(fault.body) }
    const stored = this.objects.get(key)
    if (!stored) return { status: fault.forbidden ? 403 : 404, headers: {}, body: bytesOf('<Error><Code>AccessDenied</Code></Error>') }
    const headers: Record<string, string> = { ETag: `"${Bun.hash(stored).toString(36)}"`, 'Accept-Ranges': 'bytes' }
    const plain = fault.body === undefined ? stored : bytesOf(fault.body)
    const whole = fault.gzip ? new Uint8Array(gzipSync(plain)) : plain
    if (fault.gzip || fault.claimGzip) headers['Content-Encoding'] = 'gzip'
    const range = /^bytes=(?:(\d+)-(\d+)|-(\d+))$/.exec(given['range'] ?? '')
    if (!range || fault.ignoreRange) return { status: 200, headers, body: whole }
    const start = range[3] === undefined ? Number(range[1]) : Math.max(0, whole.length - Number(range[3]))
    const end = range[3] === undefined ? Math.min(whole.length, Number(range[2]) + 1) : whole.length
    if (start >= whole.length) return { status: 416, headers: { 'Content-Range': `bytes */${whole.length}` }, body: new Uint8Array() }
    const contentRange = `bytes ${start}-${end - 1}/${whole.length}`
    return {
      status: 206,
      headers: { ...headers, 'Content-Range': fault.contentRange?.(contentRange) ?? contentRange },
      body: whole.subarray(start, end),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
