/** What is wrong between webKnossos and this server, in plain words, each with what to do about it. */
import { askArrivals, ownedBy } from './arrival.ts'
import { type CoreClient, CoreUnreachable, KeyRefused } from './client.ts'
import type { DatasetIds } from './ids.ts'
import { caddySnippet, nginxSnippet } from './proxy-snippets.ts'
import { questionBody } from './questions.ts'
import { type CoreVersion, knowsIds, type VersionOfCore } from './version.ts'
import { isUnusable, keyOf, type Report } from './wire.ts'

export interface Finding {
  /** Short, in kebab case. */
  readonly check: string
  readonly level: 'ok' | 'note' | 'bad'
  readonly text: string
  readonly fix?: string | undefined
}

export interface Patient {
  readonly client: CoreClient
  readonly version: VersionOfCore
  readonly ids: DatasetIds
  readonly reports: readonly Report[]
  /** At which browsers reach us, as settings say. */
  readonly publicUrl: string
  /** At which core is told to reach us. */
  readonly ownUrl: string
  /** Where we listen, for a proxy on this machine. */
  readonly target: string
  /** Of somebody who may see the datasets in webKnossos. */
  readonly token?: string | undefined
}

const NEWEST_KNOWN = 16
const HEALTH_MS = 5000
const MAX_LISTED = 20

/** Never throws: what cannot be asked is a finding. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const { client, version } = patient
  let known: CoreVersion
  try {
    known = await version.learn()
  } catch (error) {
    return [
      bad(
        'core-answers',
        `webKnossos ${client.address.url} ${error instanceof Error ? error.message : error}.`,
        'Check the address (--core, or webknossos.url in config.json) from this machine: a browser here must show webKnossos there. A certificate of your own authority is trusted with NODE_EXTRA_CA_CERTS=FILE in the environment.',
      ),
    ]
  }
  const findings = [versionFinding(known, client)]
  try {
    const stores = await askStores(client)
    const key = await keyFinding(patient, stores, known)
    findings.push(key)
    findings.push(...(await publicFindings(patient, stores)))
    if (key.level === 'ok') findings.push(...(await datasetFindings(patient, known, findings.some(isDown))))
  } catch (error) {
    if (!(error instanceof CoreUnreachable) && !(error instanceof KeyRefused)) throw error
    findings.push(bad('core-answers', `webKnossos ${error.message} while it was asked.`, 'Try again when it is up.'))
  }
  return findings
}

const bad = (check: string, text: string, fix: string): Finding => ({ check, level: 'bad', text, fix })
const ok = (check: string, text: string): Finding => ({ check, level: 'ok', text })
const note = (check: string, text: string, fix?: string): Finding => ({ check, level: 'note', text, fix })
const isDown = ({ check, level }: Finding): boolean => check === 'public-address' && level === 'bad'

function versionFinding({ api, oldest, release }: CoreVersion, { address }: CoreClient): Finding {
  const words = `webKnossos ${address.url} answers${release ? `, release ${release}` : ''}, ${api ? `API version ${api}` : 'of before there were API versions'}.`
  if (oldest > NEWEST_KNOWN)
    return bad(
      'version',
      `${words} It supports no version before ${oldest}, this program knows up to ${NEWEST_KNOWN}.`,
      'Get a newer wkconnect.',
    )
  if (api > NEWEST_KNOWN) return note('version', `${words} This program knows up to ${NEWEST_KNOWN}; what is new there is not used.`)
  return ok('version', words)
}

interface StoreRow {
  readonly name: string
  readonly url?: string
  readonly allowsUpload?: boolean
}

/** Datastores core shows to anybody; undefined where it shows none. */
async function askStores(client: CoreClient): Promise<readonly StoreRow[] | undefined> {
  const answer = await client.ask('GET', '/api/datastores')
  return answer.ok && Array.isArray(answer.json) ? (answer.json as StoreRow[]) : undefined
}

async function keyFinding({ client }: Patient, stores: readonly StoreRow[] | undefined, version: CoreVersion): Promise<Finding> {
  const { datastore } = client.address
  try {
    await client.askAsDatastore('POST', '/validateUserAccess', { body: questionBody({ mode: 'administrate' }, version) })
    return ok('key', `webKnossos knows the datastore ${datastore} and takes its key.`)
  } catch (error) {
    if (!(error instanceof KeyRefused)) throw error
    if (stores && !stores.some(({ name }) => name === datastore)) {
      const others = stores.map(({ name }) => name).join(', ') || 'none'
      return bad(
        'datastore-name',
        `webKnossos has no datastore ${datastore}; it has ${others}.`,
        'wkconnect register --token TOKEN makes the row, wkconnect register --sql prints it for the database; or set --datastore-name.',
      )
    }
    return bad(
      'key',
      `webKnossos refuses the ${stores ? '' : 'name or '}key of datastore ${datastore}.`,
      `Set --datastore-key (or datastore.key in config.json) to the column key of the row ${datastore} in webknossos.datastores; wkconnect register --sql prints a statement that sets it.`,
    )
  }
}

const isLoopback = (url: URL): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)

async function publicFindings(patient: Patient, stores: readonly StoreRow[] | undefined): Promise<Finding[]> {
  const { client, target } = patient
  const row = stores?.find(({ name }) => name === client.address.datastore)
  const address = row?.url ?? patient.publicUrl
  if (!URL.canParse(address))
    return [bad('public-address', `The public address ${address} is none.`, 'Set publicUrl in the row of the datastore.')]
  const core = new URL(client.address.url)
  const url = new URL(address)
  const findings: Finding[] = []
  const insecure = core.protocol === 'https:' && url.protocol === 'http:'
  const wrongMachine = isLoopback(url) && (core.protocol === 'https:' || !isLoopback(core))
  if (insecure || wrongMachine) {
    const host = isLoopback(url) ? 'data.example.org' : url.hostname
    findings.push(
      bad(
        'public-address-kind',
        `webKnossos is ${client.address.url}, but browsers are sent to ${address}: ${insecure ? 'from an https page they load nothing by http' : 'that is the machine of whoever looks, not this one'}.`,
        `Give this server a name and a certificate and set publicUrl of the row to https://${host}: with --tls-cert and --tls-key, or behind nginx:\n\n${nginxSnippet({ host, target })}\n\nor behind caddy, which gets the certificate by itself:\n\n${caddySnippet({ host, target })}\n`,
      ),
    )
  }
  findings.push(await reachFinding(address))
  if (!isLoopback(core) && URL.canParse(patient.ownUrl) && isLoopback(new URL(patient.ownUrl)))
    findings.push(
      bad(
        'own-address',
        `webKnossos ${client.address.url} is told to reach this server at ${patient.ownUrl}, which there is another machine.`,
        'Set --url (server.url in config.json) to an address that reaches this machine from there, and listen on it (--host 0.0.0.0).',
      ),
    )
  if (row?.allowsUpload)
    findings.push(
      bad(
        'uploads',
        'webKnossos offers this server for uploads, which it does not take.',
        'wkconnect register --sql sets allowsUpload to false.',
      ),
    )
  return findings
}

async function reachFinding(address: string): Promise<Finding> {
  const url = `${address.replace(/\/+$/, '')}/data/health`
  const fix =
    'Start wkconnect there, open its port, and give it an address others can reach (--host 0.0.0.0); or correct publicUrl in the row of the datastore: wkconnect register --sql does it.'
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(HEALTH_MS), redirect: 'manual' })
    if (!answer.ok) return bad('public-address', `${url} answers with status ${answer.status}, not as a datastore does.`, fix)
    if (answer.headers.get('access-control-allow-origin') !== '*')
      return bad(
        'public-address',
        `${url} answers without the header Access-Control-Allow-Origin: *, so that browsers refuse it.`,
        'Let the proxy in front hand on the headers of wkconnect.',
      )
    return ok('public-address', `${address} answers as a datastore does (asked from this machine).`)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : ''
    return bad('public-address', `${url} cannot be reached from this machine${code}.`, fix)
  }
}

async function datasetFindings(patient: Patient, version: CoreVersion, isDown: boolean): Promise<Finding[]> {
  const { client, ids, reports, token } = patient
  if (isDown) return [note('datasets', 'Datasets are reported while wkconnect runs; whether they arrived is looked at when it does.')]
  const findings: Finding[] = []
  const arrivals = await askArrivals(reports, client, ids, version)
  const strangers = new Map<string, string[]>()
  const hidden: string[] = []
  for (const report of reports) {
    const seen = token === undefined ? undefined : await askDataset(report, patient, version)
    const key = keyOf(report)
    const owner = seen?.dataStore?.name
    const why = owner !== undefined && owner !== client.address.datastore ? ownedBy(owner) : arrivals.get(key)
    if (why?.includes('no organization')) strangers.set(report.organization, [...(strangers.get(report.organization) ?? []), report.name])
    else if (why)
      findings.push(
        bad(
          'dataset-arrived',
          `${key}: ${why}`,
          'Rename this dataset (its folder, or its entry in datasets.json), or the one in webKnossos.',
        ),
      )
    else if (seen?.isPublic === false && seen.allowedTeams?.length === 0 && !isUnusable(report.dataSource)) hidden.push(key)
  }
  const own = token === undefined ? undefined : await askOrganization(client, token)
  for (const [organization, names] of strangers) findings.push(strangerFinding(organization, names, own))
  if (hidden.length > 0)
    findings.push(
      note(
        'visible',
        `Only administrators see ${list(hidden)}.`,
        'Give teams access or make them public: webKnossos, dashboard, settings of the dataset, sharing.',
      ),
    )
  if (token === undefined)
    findings.push(note('visible', 'With --token TOKEN of an administrator it is looked at who may see the datasets, and whose they are.'))
  if (findings.every(({ level }) => level !== 'bad') && version.api >= 10)
    findings.push(ok('datasets', `webKnossos has all ${reports.length} datasets.`))
  return findings.slice(0, 200)
}

function strangerFinding(organization: string, names: readonly string[], own: string | undefined): Finding {
  const sample =
    organization === 'sample_organization'
      ? ' That is the name for data of which nobody said whose they are; hardly any webKnossos has it.'
      : ''
  const advice = own === undefined ? 'the one of your webKnossos: its id stands in the address of its page' : own
  return bad(
    'organization',
    `webKnossos has no organization ${JSON.stringify(organization)}, or does not let this datastore serve it: ${list(names)}.${sample}`,
    `Start with --organization ${advice}; data that lie in a folder of an organization need that folder renamed, entries in datasets.json the same.`,
  )
}

const list = (names: readonly string[]): string =>
  `${names.slice(0, MAX_LISTED).join(', ')}${names.length > MAX_LISTED ? ` and ${names.length - MAX_LISTED} more` : ''}`

interface SeenDataset {
  readonly isPublic?: boolean
  readonly allowedTeams?: readonly unknown[]
  readonly dataStore?: { readonly name?: string }
}

/** As whoever the token belongs to sees it. */
async function askDataset(report: Report, { client, ids, token = '' }: Patient, version: CoreVersion): Promise<SeenDataset | undefined> {
  const id = knowsIds(version) ? await ids.idOf(report) : undefined
  if (knowsIds(version) && id === undefined) return undefined
  const path = id ?? `${encodeURIComponent(report.organization)}/${encodeURIComponent(report.name)}`
  const answer = await client.ask('GET', `/api/datasets/${path}`, { headers: { 'X-Auth-Token': token } })
  return answer.ok && typeof answer.json === 'object' ? (answer.json as SeenDataset) : undefined
}

async function askOrganization(client: CoreClient, token: string): Promise<string | undefined> {
  const answer = await client.ask('GET', '/api/user', { headers: { 'X-Auth-Token': token } })
  const organization = (answer.json as { organization?: unknown } | undefined)?.organization
  return answer.ok && typeof organization === 'string' ? organization : undefined
}
