/** `wkconnect register | doctor`: becoming a datastore of a webKnossos server, and finding out why it does not work. */
import { randomBytes } from 'node:crypto'
import { coreSettings, ownUrl, publicUrl } from '../config/core.ts'
import { ConfigError } from '../config/error.ts'
import { type Resolved, resolveConfig } from '../config/resolve.ts'
import { createLog } from '../log.ts'
import { fixFor } from '../viewer/fixes.ts'
import { CoreClient, CoreUnreachable } from '../webknossos/client.ts'
import { examine, type Finding } from '../webknossos/doctor.ts'
import { DatasetIds } from '../webknossos/ids.ts'
import { registerByRoute, registrationSql } from '../webknossos/register.ts'
import { VersionOfCore } from '../webknossos/version.ts'
import { reportOf } from './core.ts'
import { createParts } from './parts.ts'

type Environment = Readonly<Record<string, string | undefined>>

const DEFAULT_NAME = 'connect'

/** Each returns the exit code. */
export async function register(argv: readonly string[], environment: Environment): Promise<number> {
  const sqlOnly = argv.includes('--sql')
  const config = resolveConfig(
    argv.filter((word) => word !== '--sql'),
    environment,
    { ownFlags: ['token'], servesArguments: false },
  )
  const { settings } = config
  if (!settings.core) throw new ConfigError('register needs the address of the webKnossos server: --core https://webknossos.example.org')
  const name = settings.datastoreName || DEFAULT_NAME
  const key = settings.datastoreKey || randomBytes(24).toString('hex')
  // checks the words, too
  const core = coreSettings({ ...config, settings: { ...settings, datastoreName: name, datastoreKey: key, local: false } })!
  const client = new CoreClient(core)
  const row = { name, key, url: ownUrl(config), publicUrl: publicUrl(config) }
  try {
    const version = await new VersionOfCore(client).learn()
    if (sqlOnly) {
      process.stdout.write(registrationSql(row, version))
      if (!settings.datastoreKey) complain(keepKey(name, key, core.url))
      return 0
    }
    const { token } = config.own
    if (!token) throw new ConfigError('register needs --token TOKEN of a webKnossos administrator, or --sql to print the row')
    const refusal = await registerByRoute(row, client, token, version)
    if (refusal !== undefined) {
      complain(`webKnossos does not let this user make a datastore (${refusal}).`)
      complain('wkconnect register --sql prints the row; run it in its database: … | psql -d webknossos')
      return 1
    }
    process.stdout.write(`${core.url} has the datastore ${name} now, for browsers at ${row.publicUrl}\n`)
    if (!settings.datastoreKey) process.stdout.write(`${keepKey(name, key, core.url)}\n`)
    return 0
  } catch (error) {
    if (!(error instanceof CoreUnreachable)) throw error
    complain(`webKnossos ${core.url} ${error.message}`)
    return 1
  }
}

const keepKey = (name: string, key: string, core: string): string =>
  `A key was made. Keep it in config.json of the data folder:\n{ "webknossos": { "url": ${JSON.stringify(core)} }, "datastore": { "name": ${JSON.stringify(name)}, "key": ${JSON.stringify(key)} } }`

export async function doctor(argv: readonly string[], environment: Environment): Promise<number> {
  const config = resolveConfig(argv, environment, { ownFlags: ['token'] })
  const log = createLog()
  const { catalogue } = await createParts(config, environment, { ...log, info: () => {} })
  const look = await catalogue.start()
  await Promise.all(catalogue.entries().map(({ opened }) => opened))
  const findings: Finding[] = []
  const unusable = catalogue.entries().filter(({ dataset }) => !dataset)
  for (const { organization, name, reason = 'it cannot be opened' } of unusable.slice(0, 50))
    findings.push({ check: 'data', level: 'bad', text: `${organization}/${name}: ${reason}`, fix: fixFor(reason) })
  const usable = catalogue.entries().length - unusable.length
  if (usable > 0) findings.push({ check: 'data', level: 'ok', text: `${usable} datasets can be opened.` })
  else
    findings.push({
      check: 'data',
      level: 'bad',
      text: `There is no dataset that can be opened in ${config.settings.data}${look.isComplete ? '' : ', and not everything could be read'}.`,
      fix: 'Check --data; is the disk mounted?',
    })
  findings.push(
    ...(await examineCore(
      config,
      catalogue.entries().map((entry) => reportOf(entry)),
    )),
  )
  for (const finding of findings) process.stdout.write(describe(finding))
  const count = findings.filter(({ level }) => level === 'bad').length
  process.stdout.write(count === 0 ? 'Nothing is wrong.\n' : `${count} thing${count === 1 ? ' is' : 's are'} wrong.\n`)
  return count === 0 ? 0 : 1
}

async function examineCore(config: Resolved, reports: ReturnType<typeof reportOf>[]): Promise<Finding[]> {
  const core = coreSettings(config)
  if (!core)
    return [
      {
        check: 'core',
        level: 'note',
        text: 'No webKnossos server is named, so that nobody is shown these datasets there.',
        fix: 'wkconnect register --core URL --token TOKEN makes this server known to one.',
      },
    ]
  const client = new CoreClient(core)
  const { settings } = config
  const target = `${settings.tlsCert ? 'https' : 'http'}://127.0.0.1:${settings.port}`
  const token = config.own['token']
  return examine({
    client,
    version: new VersionOfCore(client),
    ids: new DatasetIds(client),
    reports,
    publicUrl: publicUrl(config),
    ownUrl: ownUrl(config),
    target,
    token,
  })
}

function describe({ check, level, text, fix }: Finding): string {
  const mark = { ok: '✓', note: '·', bad: '✗' }[level]
  return `${mark} ${check}: ${text}\n${fix ? `${fix.replace(/^(?=.)/gm, '    ')}\n` : ''}`
}

const complain = (line: string): void => {
  process.stderr.write(`wkconnect: ${line}\n`)
}
