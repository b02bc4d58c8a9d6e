/** `wkconnect [PATH …]`: serves until it is told to stop. */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { coreSettings, halfACore } from '../config/core.ts'
import { ConfigError } from '../config/error.ts'
import { isAllAddresses, isLoopback, type Resolved, resolveConfig } from '../config/resolve.ts'
import { Watch } from '../datasets/watch.ts'
import { replaceFile } from '../datasets/write.ts'
import { createLog, type Log } from '../log.ts'
import { writeSample } from '../sample/index.ts'
import { codeOf } from '../stores/errors.ts'
import { version } from '../version.ts'
import { allowManyFileOperations, notifySupervisor } from './native.ts'
import { type RunningServer, startServer } from './server.ts'
import { summarize } from './summary.ts'

const GRACE_MS = 4000
/** The summary waits this long for slow folders, and says which datasets are still opening. */
const SUMMARY_MS = 10_000

/** Returns the exit code. */
export async function serve(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  allowManyFileOperations()
  const resolved = resolveConfig(argv, environment)
  const log = createLog(resolved.settings.logFormat)
  // a mistake of ours in one request must not end all others
  process.on('unhandledRejection', (error) =>
    log.trouble('unhandled', `unhandled: ${error instanceof Error ? error.stack : String(error)}`),
  )
  // before anybody can know that it runs
  const stop = stopSignal()
  const config = withAdminToken(withSafeHost(resolved, log))
  const { settings } = config
  for (const warning of [...config.warnings, halfACore(config)]) if (warning) log.warn(warning)
  if (settings.sample) for (const line of await writeSample(settings.data)) log.info(line)
  if (settings.state) await mkdir(settings.state, { recursive: true })
  let server: RunningServer
  try {
    server = await startServer(config, environment, log)
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES' && codeOf(error) !== 'EADDRNOTAVAIL') throw error
    throw new ConfigError(whyNotListening(codeOf(error), settings.host, settings.port))
  }
  const { catalogue } = server
  const look = catalogue.start()
  process.stdout.write(`wkconnect ${version} listens on ${server.url}\n`)
  if (settings.portFile) await replaceFile(settings.portFile, `${server.port}\n`)
  // standard output keeps the line supervisors wait for; who collects standard error as JSON finds it there, too
  if (settings.logFormat === 'json') log.info(`wkconnect ${version} listens on ${server.url}`)
  announce(config, server, log)
  void look.then(async (found) => {
    await catalogue.settled(SUMMARY_MS)
    log.info(summarize(catalogue.entries(), found))
  })
  const again = () => server.look()
  const watch = new Watch({ folders: places(config), files: [...server.datasetsFiles, server.overridesFile], look: again })
  // Windows knows no SIGHUP but ends the process with it when the console is closed
  if (process.platform !== 'win32') process.on('SIGHUP', () => void again())
  notifySupervisor('READY=1', environment['NOTIFY_SOCKET'])
  await stop
  notifySupervisor('STOPPING=1', environment['NOTIFY_SOCKET'])
  watch.stop()
  await server.stop(GRACE_MS)
  return 0
}

const places = ({ settings, paths }: Resolved): readonly string[] => (paths.length > 0 ? paths : [settings.data])

/** What somebody who started it has to know next. */
function announce(config: Resolved, server: RunningServer, log: Log): void {
  const { settings, sources, configFile } = config
  log.info(`Data: ${places(config).join(', ')}${configFile ? `   Settings: ${configFile}` : ''}`)
  if (isAllAddresses(settings.host)) log.info(`Others reach it on port ${server.port} of every address of this machine`)
  const core = coreSettings(config)
  const asksForToken = settings.requireToken || core !== undefined
  const link = asksForToken ? `${server.url}/?link=${server.access.newLink()}` : server.url
  if (sources.adminToken === 'default') log.info(`Admin token, for adding datasets: ${settings.adminToken}`)
  if (core) log.info(`Reports to: ${core.url} as datastore ${core.datastore}, which decides who may read`)
  if (asksForToken) log.info(`This link signs in once: ${link}`)
  if (settings.browse) openBrowser(link)
}

function withAdminToken(config: Resolved): Resolved {
  const { settings } = config
  return settings.adminToken ? config : { ...config, settings: { ...settings, adminToken: randomBytes(16).toString('hex') } }
}

function openBrowser(url: string): void {
  const command = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[process.platform as string] ?? ['xdg-open']
  if (Bun.which(command[0]!)) Bun.spawn([...command, url], { stdio: ['ignore', 'ignore', 'ignore'] }).unref()
}

/**
 * Without a webKnossos server that checks access only this machine may read. An address for others needs --public; in a config.json of webknossos-connect,
 * which always has 0.0.0.0, it is replaced instead, so that such a folder just starts.
 */
function withSafeHost(config: Resolved, log: Log): Resolved {
  const { settings, sources } = config
  if (settings.public || isLoopback(settings.host) || coreSettings(config)) return config
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
