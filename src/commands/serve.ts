/** `wkconnect [PATH …]`: serves until it is told to stop. */
import { isIP } from 'node:net'
import { ConfigError, type Resolved, resolveConfig } from '../config.ts'
import { within } from '../datasets/catalogue.ts'
import { createLog, type Log } from '../log.ts'
import { writeSample } from '../sample/index.ts'
import { codeOf } from '../stores/errors.ts'
import { version } from '../version.ts'
import { type RunningServer, startServer } from './server.ts'
import { summarize } from './summary.ts'

const GRACE_MS = 4000
/** The summary waits this long for slow folders, and says which datasets are still opening. */
const SUMMARY_MS = 10_000

/** Returns the exit code. */
export async function serve(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const log = createLog()
  // a mistake of ours in one request must not end all others
  process.on('unhandledRejection', (error) =>
    log.trouble('unhandled', `unhandled: ${error instanceof Error ? error.stack : String(error)}`),
  )
  // before anybody can know that it runs
  const stop = stopSignal()
  const config = withSafeHost(resolveConfig(argv, environment), log)
  const { settings } = config
  if (settings.sample) for (const line of await writeSample(settings.data)) log.info(line)
  let server: RunningServer
  try {
    server = await startServer(config, environment, log)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES' && codeOf(error) !== 'EADDRNOTAVAIL') throw error
    throw new ConfigError(whyNotListening(codeOf(error), settings.host, settings.port))
  }
  const look = server.catalogue.start()
  process.stdout.write(`wkconnect ${version} listens on ${server.url}\n`)
  const places = config.paths.length > 0 ? config.paths : [settings.data]
  log.info(`Data: ${places.join(', ')}${config.configFile ? `   Settings: ${config.configFile}` : ''}`)
  void look.then(async (found) => {
    await within(Promise.all(server.catalogue.entries().map(({ opened }) => opened)), SUMMARY_MS)
    log.info(summarize(server.catalogue.entries(), found))
  })
  await stop
  await server.stop(GRACE_MS)
  return 0
}

/**
 * Without access checks only this machine may read. An address for others needs --public; in a config.json of webknossos-connect,
 * which always has 0.0.0.0, it is replaced instead, so that such a folder just starts.
 */
function withSafeHost(config: Resolved, log: Log): Resolved {
  const { settings, sources } = config
  if (settings.public || isLoopback(settings.host)) return config
  if (sources.host === 'config.json') {
    log.warn(
      `config.json asks to listen on ${settings.host}, where everybody could read all datasets; listening on 127.0.0.1 only. --public allows it.`,
    )
    return { ...config, settings: { ...settings, host: '127.0.0.1' } }
  }
  throw new ConfigError(
    `host ${settings.host} can be reached by others, and everybody there could read all datasets: add --public to allow that`,
  )
}

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

function whyNotListening(code: string | undefined, host: string, port: number): string {
  if (code === 'EACCES') return `port ${port} may only be used by the administrator; choose one above 1023 with --port`
  if (code === 'EADDRNOTAVAIL') return `${host} is not an address of this machine`
  return `port ${port} on ${host} is in use by another program; choose another with --port, or 0 for any free one`
}

/** Resolves at the first signal to stop; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false
    const stop = () => {
      if (asked) process.exit(130)
      asked = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    // Windows sends this when the console is closed; elsewhere it means look again, which is for later
    if (process.platform === 'win32') process.on('SIGBREAK', stop)
  })
}
