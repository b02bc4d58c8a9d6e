/** Drives a server with wrk, from core 1 unless it shall be free, and reads what it says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pinned } from './server.ts'

export interface Load {
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export interface LoadOptions {
  readonly connections?: number
  readonly seconds?: number
  /** Bodies of POST requests, sent in turns; without them it is GET. */
  readonly bodies?: readonly string[]
  /** What is asked for in turns with GET, in place of the path of the URL. */
  readonly paths?: readonly string[]
  /** Wherever the system lets it run, as the servers it drives. */
  readonly isFree?: boolean
}

export const hasWrk = (): boolean => Bun.which('wrk') !== null

/** Throws where a request failed: a fast error is no speed. */
export async function load(url: string, { connections = 8, seconds = 3, bodies, paths, isFree = false }: LoadOptions = {}): Promise<Load> {
  const folder = mkdtempSync(join(tmpdir(), 'wkconnect-bench-'))
  try {
    const { pathname, search } = new URL(url)
    const lines = join(folder, 'lines')
    writeFileSync(lines, (bodies ?? paths ?? [pathname + search]).join('\n'))
    writeFileSync(join(folder, 'load.lua'), script(lines, bodies ? `"POST", "${pathname}${search}", nil, line` : '"GET", line'))
    const command = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '30s', '-s', join(folder, 'load.lua'), url]
    const child = Bun.spawn(isFree ? command : pinned(1, command), { stdout: 'pipe', stderr: 'inherit' })
    const output = await new Response(child.stdout).text()
    const [, requests, micros, p50, p99, bad] = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(output) ?? []
    if (requests === undefined || bad !== '0') throw new Error(`${bad} requests to ${url} failed: ${output}`)
    return { requestsPerSecond: Number(requests) / (Number(micros) / 1e6), p50Ms: Number(p50) / 1e3, p99Ms: Number(p99) / 1e3 }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `format`: what makes a request of a line. */
const script = (lines: string, format: string): string => `
local requests, n = {}, 0
function init()
  wrk.headers["Content-Type"] = "application/json"
  for line in io.lines("${lines}") do requests[#requests + 1] = wrk.format(${format}) end
end
function request() n = n + 1; return requests[(n - 1) % #requests + 1] end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
`

/** Request bodies of `count` buckets of 32³ each, spread over the volume; `hot`: drawn from so many positions only. Always the same. */
export function bucketBodies(size: readonly [number, number, number], count: number, hot?: number): string[] {
  let state = 1
  const random = (bound: number): number => {
    state = (state * 48271) % 0x7fffffff
    return state % bound
  }
  const draw = () => size.map((edge) => 32 * random(Math.max(1, Math.floor(edge / 32))))
  const few = hot === undefined ? undefined : Array.from({ length: hot }, draw)
  const bucket = () => ({ position: few ? few[random(few.length)] : draw(), mag: [1, 1, 1], cubeSize: 32, fourBit: false })
  return Array.from({ length: 4096 }, () => JSON.stringify(Array.from({ length: count }, bucket)))
}
