/** `wkconnect list | add | set | remove | reset`: the list of datasets from the command line, also while a server runs: it notices. */
import { isAbsolute, relative, resolve } from 'node:path'
import { ConfigError } from '../config/error.ts'
import { type Resolved, resolveConfig } from '../config/resolve.ts'
import type { FoundDataset } from '../datasets/found.ts'
import { writeOverride } from '../datasets/overrides.ts'
import { localEntryOf, remoteEntryOf, type SourceEntry } from '../datasets/source-entry.ts'
import { CannotWrite } from '../datasets/write.ts'
import { plain } from '../formats/precomputed/source.ts'
import { createLog } from '../log.ts'
import { isRemoteSource } from '../stores/source.ts'
import { DataError, Unusable } from '../volume/errors.ts'
import type { Vec3 } from '../volume/vec.ts'
import { createParts, type Parts } from './parts.ts'
import { summarize } from './summary.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Each returns the exit code. */
export async function list(argv: readonly string[], environment: Environment): Promise<number> {
  const config = resolveConfig(argv, environment)
  const { catalogue } = await createParts(config, environment, createLog())
  const look = await catalogue.start()
  await Promise.all(catalogue.entries().map(({ opened }) => opened))
  say(summarize(catalogue.entries(), look))
  return 0
}

export async function add(argv: readonly string[], environment: Environment): Promise<number> {
  const config = resolveConfig(argv, environment, { ownFlags: ['name', 'scale'], servesArguments: false })
  const [source, ...more] = config.words
  if (source === undefined || more.length > 0) throw new ConfigError('add takes one source: wkconnect add PATH|URL --name NAME')
  const { settings, own } = config
  const parts = await begin(config, environment)
  const { backend, name: usual, entry, shown } = await entryOf(source, settings.data, parts)
  const name = own['name'] ?? usual
  const scale = own['scale'] === undefined ? {} : { scale: parseScale(own['scale']) }
  const problems = await parts.editor.add({ [backend]: { [settings.organization]: { [name]: { ...entry, ...scale } } } }, false)
  for (const { dataset, reason } of problems) complain(`${dataset}: ${reason}`)
  if (problems.length > 0) return 1
  say(`Added ${settings.organization}/${name} (${backend}, ${shown})`)
  return 0
}

/** Throws `ConfigError` for what is no source; `CannotWrite` where it cannot be looked at. */
async function entryOf(source: string, data: string, { resources }: Parts): Promise<SourceEntry> {
  try {
    if (isRemoteSource(source)) return await remoteEntryOf(source, resources.remote, { isTrusted: true })
    const found = await localEntryOf(resolve(plain(source).replace(/^file:\/\//i, '')))
    return { ...found, entry: { path: pathInList(found.shown, data) } }
  } catch (error) {
    if (error instanceof Unusable) throw new ConfigError(error.message)
    throw error instanceof DataError ? new CannotWrite(`it was not added: ${error.message}`) : error
  }
}

export async function set(argv: readonly string[], environment: Environment): Promise<number> {
  const config = resolveConfig(argv, environment, { ownFlags: ['scale'], servesArguments: false })
  const [name, ...more] = config.words
  if (name === undefined || more.length > 0 || config.own['scale'] === undefined)
    throw new ConfigError('set takes one dataset and what to set: wkconnect set NAME --scale 4,4,40')
  const scale = parseScale(config.own['scale'])
  const parts = await begin(config, environment)
  const found = findOne(parts, name)
  await parts.editor.setScale(found, scale)
  say(`${found.organization}/${found.name} has voxels of ${scale.join(' × ')} nm`)
  return 0
}

export async function remove(argv: readonly string[], environment: Environment): Promise<number> {
  const config = resolveConfig(argv, environment, { servesArguments: false })
  const [name, ...more] = config.words
  if (name === undefined || more.length > 0) throw new ConfigError('remove takes one dataset: wkconnect remove NAME')
  const parts = await begin(config, environment)
  const { organization, name: dataset } = findOne(parts, name)
  await parts.editor.remove(organization, dataset)
  say(`Removed ${organization}/${dataset} from the list; no data were touched`)
  return 0
}

/** Takes back what was changed in webKnossos about how a dataset is described. */
export async function reset(argv: readonly string[], environment: Environment): Promise<number> {
  const config = resolveConfig(argv, environment, { servesArguments: false })
  const [name, ...more] = config.words
  if (name === undefined || more.length > 0) throw new ConfigError('reset takes one dataset: wkconnect reset NAME')
  const parts = await begin(config, environment)
  const { organization, name: dataset } = findOne(parts, name)
  const isChanged = parts.catalogue.byName(organization, dataset)?.override !== undefined
  if (isChanged) await writeOverride(parts.overridesFile, organization, dataset, {})
  say(`${organization}/${dataset} is described as its files ${isChanged ? 'say again' : 'say; nothing had been changed'}`)
  return 0
}

async function begin(config: Resolved, environment: Environment): Promise<Parts> {
  const parts = await createParts(config, environment, createLog())
  await parts.catalogue.start()
  return parts
}

/** By `organization/name`, or by name where only one organization has it. Throws `CannotWrite`. */
function findOne({ catalogue }: Parts, words: string): FoundDataset {
  const all = catalogue.entries().map(({ found }) => found)
  const right = all.filter(({ organization, name }) => words === name || words === `${organization}/${name}`)
  if (right.length === 1) return right[0]!
  const names = (right.length > 1 ? right : all).map(({ organization, name }) => `${organization}/${name}`)
  throw new CannotWrite(
    right.length > 1
      ? `${words} may be any of ${names.join(', ')}`
      : `there is no dataset ${words}; there are ${names.slice(0, 20).join(', ') || 'none'}`,
  )
}

function parseScale(text: string): Vec3 {
  const edges = text.split(',').map(Number)
  if ((edges.length !== 3 && edges.length !== 2) || !edges.every((edge) => edge > 0 && Number.isFinite(edge)))
    throw new ConfigError(`--scale: ${JSON.stringify(text)} is not a size in nm such as 4,4,40`)
  return [edges[0]!, edges[1]!, edges[2] ?? 1]
}

/** Relative where it lies in the data folder, which may be moved. */
function pathInList(path: string, data: string): string {
  const inside = relative(data, path)
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const complain = (line: string): void => {
  process.stderr.write(`wkconnect: ${line}\n`)
}
