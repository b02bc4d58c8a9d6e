/** Drives the compiled executable from outside, as a user or a browser does. */
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const BINARY = join(import.meta.dir, '../../dist', process.platform === 'win32' ? 'wkconnect.exe' : 'wkconnect')

/** A new empty folder; removed when the test process ends. */
export function emptyFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'wkconnect-')))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Of all tests of this process: nothing of the user's own is read or written. */
const CACHES = emptyFolder()

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
}

const spawn = (args: readonly string[], { cwd, env }: RunOptions) =>
  Bun.spawn([BINARY, ...args], {
    cwd: cwd ?? emptyFolder(),
    // nothing of the surrounding environment: settings are what the test says
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', TMPDIR: tmpdir(), XDG_CACHE_HOME: CACHES, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })

export class RunningBinary implements AsyncDisposable {
  readonly url: string
  readonly #process: ReturnType<typeof spawn>
  #log = ''

  private constructor(url: string, process: ReturnType<typeof spawn>) {
    this.url = url
    this.#process = process
    void this.#collect()
  }

  /** Starts on a free port and waits for the line that names it. */
  static async start(args: readonly string[], options: RunOptions = {}): Promise<RunningBinary> {
    if (!existsSync(BINARY)) throw new Error(`${BINARY} is not there: bun run build makes it`)
    const child = spawn(['--port', '0', ...args], options)
    let said = ''
    const reader = child.stdout.getReader()
    for (;;) {
      const { value, done } = await reader.read()
      if (done) throw new Error(`it ended with ${await child.exited}: ${said} ${await new Response(child.stderr).text()}`)
      said += new TextDecoder().decode(value)
      const url = /listens on (https?:\S+)/.exec(said)?.[1]
      if (url) {
        reader.releaseLock()
        return new RunningBinary(url, child)
      }
    }
  }

  async #collect(): Promise<void> {
    const decoder = new TextDecoder()
    for await (const part of this.#process.stderr) this.#log += decoder.decode(part, { stream: true })
  }

  /** What it has logged so far. */
  get log(): string {
    return this.#log
  }

  /** Waits until the log contains this. */
  async logged(pattern: RegExp, timeoutMs = 12_000): Promise<string> {
    for (const until = Date.now() + timeoutMs; Date.now() < until; await Bun.sleep(20)) if (pattern.test(this.#log)) return this.#log
    throw new Error(`${pattern} is not in the log:\n${this.#log}`)
  }

  get pid(): number {
    return this.#process.pid
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null
  }

  /** Ends it as a supervisor does and returns the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    this.#process.kill(signal)
    return this.#process.exited
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  get(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`${this.url}${path}`, init)
  }

  /** POSTs buckets to a layer; `requests` as in protocol.md 2.2. */
  buckets(dataset: string, layer: string, requests: unknown): Promise<Response> {
    return fetch(`${this.url}/data/datasets/${dataset}/layers/${layer}/data`, {
      method: 'POST',
      body: JSON.stringify(requests),
      headers: { 'Content-Type': 'application/json' },
    })
  }

  /** `token`: the admin token, where reading needs one. */
  async list(token?: string): Promise<ListedDataset[]> {
    return (await (await this.get(`/data/datasets${token === undefined ? '' : `?token=${token}`}`)).json()) as ListedDataset[]
  }
}

export interface ListedDataset {
  readonly id: string
  readonly organization: string
  readonly name: string
  readonly status: 'ok' | 'opening' | 'unusable'
  readonly reason?: string
  readonly voxelSize: { readonly factor: number[]; readonly source: string } | null
  readonly layers: readonly {
    readonly name: string
    readonly status?: string
    readonly elementClass?: string
    readonly mags?: number[][]
  }[]
}

/** Runs it to its end. */
export async function runBinary(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(args, options)
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited])
  return { code, stdout, stderr }
}

/** The three index headers of an answer (protocol.md 2.2). */
export const indicesOf = (response: Response) => ({
  missing: JSON.parse(response.headers.get('MISSING-BUCKETS') ?? 'null'),
  empty: JSON.parse(response.headers.get('Empty-Bucket-Indices') ?? 'null'),
  failed: JSON.parse(response.headers.get('Failure-Bucket-Indices') ?? 'null'),
})
