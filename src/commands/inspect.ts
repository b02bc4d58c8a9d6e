/** `wkconnect config | health | version`: what it would do, whether it does, and what it is. */
import { readFile } from 'node:fs/promises'
import { reachableHost, resolveConfig } from '../config/resolve.ts'
import { flagOf, isSecret, names } from '../config/settings.ts'
import { messageOf } from '../volume/errors.ts'
import { versionJson, versionText } from './help.ts'

type Environment = Readonly<Record<string, string | undefined>>

const HEALTH_MS = 5000

/** Every setting, its value and where it comes from. */
export function config(argv: readonly string[], environment: Environment): number {
  const { settings, sources, configFile, warnings } = resolveConfig(argv, environment)
  const rows = names.map((name) => {
    const value = settings[name]
    const shown = isSecret(name) && value !== '' ? '********' : Array.isArray(value) ? value.join(',') : String(value)
    return [`--${flagOf(name)}`, shown, sources[name] === 'config.json' ? String(configFile) : sources[name]] as const
  })
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)))
  for (const [flag, value, source] of rows) process.stdout.write(`${flag.padEnd(widths[0]!)}  ${value.padEnd(widths[1]!)}  ${source}\n`)
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`)
  return 0
}

/** Asks a running server; for containers without curl. */
export async function health(argv: readonly string[], environment: Environment): Promise<number> {
  const { settings } = resolveConfig(argv, environment)
  const port = settings.port || (await writtenPort(settings.portFile))
  if (port === undefined) {
    process.stdout.write(`port 0 is any free one: name it with --port, or the file it was written into with --port-file\n`)
    return 1
  }
  const url = `${settings.tlsCert ? 'https' : 'http'}://${reachableHost(settings.host)}:${port}/data/health`
  try {
    const { ok, status } = await fetch(url, {
      signal: AbortSignal.timeout(HEALTH_MS),
      // its certificate is for the name others use
      tls: { rejectUnauthorized: false },
    })
    process.stdout.write(`${url}: ${ok ? 'ok' : `status ${status}`}\n`)
    return ok ? 0 : 1
  } catch (error) {
    process.stdout.write(`${url}: ${messageOf(error)}\n`)
    return 1
  }
}

/** What a server that runs with the same --port-file has written there. */
async function writtenPort(file: string): Promise<number | undefined> {
  const text = file ? await readFile(file, 'utf8').catch(() => '') : ''
  const port = Number(text.trim())
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : undefined
}

export function version(argv: readonly string[]): number {
  process.stdout.write(argv.includes('--json') ? versionJson() : versionText())
  return 0
}
