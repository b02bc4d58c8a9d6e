/**
 * Every setting: one schema behind flags, environment, config.json and --help. Flag > environment > config.json > default.
 * A flag --foo-bar is WK_FOO_BAR in the environment; empty means unset, lists are separated by commas.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parseJson } from './datasets/json-position.ts'
import { messageOf } from './volume/errors.ts'

const MIB = 1024 * 1024

export const Settings = Type.Object({
  data: Type.String({
    placeholder: 'DIR',
    description: 'folder with datasets, datasets.json and config.json; ./data if it exists, else the current folder',
  }),
  host: Type.String({
    default: '127.0.0.1',
    placeholder: 'ADDRESS',
    description: 'address to listen on; anything but loopback needs --public',
    file: 'server.host',
  }),
  port: Type.Integer({
    default: 8000,
    minimum: 0,
    maximum: 65535,
    placeholder: 'N',
    description: 'port to listen on; 0 picks a free one and prints it',
    file: 'server.port',
  }),
  cache: Type.Integer({
    minimum: 0,
    placeholder: 'SIZE',
    format: 'size',
    description: 'memory for decoded chunks, buffers and answers, such as 512MB or 2GB; a quarter of the memory, at most 1GB',
  }),
  organization: Type.String({
    default: 'sample_organization',
    minLength: 1,
    placeholder: 'NAME',
    description: 'organization of datasets that do not lie in the folder of one',
  }),
  allowPath: Type.Array(Type.String(), {
    default: [],
    placeholder: 'DIR',
    description: 'links in the data folder may lead to below this folder; may be given several times',
  }),
  datasetsPath: Type.String({
    default: 'datasets.json',
    placeholder: 'FILE',
    description: 'the list of datasets, from the working directory, beside or above the data folder',
    file: 'datasets_path',
  }),
  sample: Type.Boolean({ default: false, description: 'write small sample datasets into the data folder if it has none' }),
  public: Type.Boolean({ default: false, description: 'allow an address that others can reach: everybody there can read all datasets' }),
})
export type Settings = Static<typeof Settings>
export type SettingName = keyof Settings

export interface Resolved {
  readonly settings: Settings
  readonly sources: Readonly<Record<SettingName, 'flag' | 'environment' | 'config.json' | 'default'>>
  /** Files and folders given as arguments. */
  readonly paths: readonly string[]
  readonly configFile: string | undefined
  readonly warnings: readonly string[]
}

/** A setting that cannot be used, in words for whoever started the program. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
}

interface Details extends TSchema {
  type?: string
  placeholder?: string
  /** Where config.json has it. */
  file?: string
}

const properties = Settings.properties as Record<SettingName, Details>
const names = Object.keys(properties) as SettingName[]

export const flagOf = (name: SettingName): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
export const variableOf = (name: SettingName): string => `WK_${flagOf(name).replaceAll('-', '_').toUpperCase()}`

/** All settings for --help and the documentation. */
export const describeSettings = () =>
  names.map((name) => {
    const { placeholder, description = '', default: value } = properties[name]
    return {
      name,
      flag: `--${flagOf(name)}${placeholder ? ` ${placeholder}` : ''}`,
      variable: variableOf(name),
      description,
      default: value as unknown,
    }
  })

export function resolveConfig(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Resolved {
  const { flags, paths } = readFlags(argv)
  const variables = Object.fromEntries(names.map((name) => [name, environment[variableOf(name)] || undefined]))
  const data = resolve(String(flags['data'] ?? variables['data'] ?? defaultData(paths)))
  const { values: file, path: configFile, warnings } = readConfigFile(data)
  const settings: Record<string, unknown> = {}
  const sources: Record<string, string> = {}
  for (const name of names) {
    const [source, raw] = firstSet(['flag', flags[name]], ['environment', variables[name]], ['config.json', file[name]])
    settings[name] = name === 'data' ? data : source === 'default' ? defaultOf(name) : convert(name, raw, source)
    sources[name] = source
  }
  const problem = Value.Errors(Settings, settings).First()
  if (problem) throw new ConfigError(`${problem.path.slice(1)}: ${problem.message}, got ${JSON.stringify(problem.value)}`)
  return {
    settings: settings as Settings,
    sources: sources as Resolved['sources'],
    paths: paths.map((path) => resolve(path)),
    configFile,
    warnings,
  }
}

function readFlags(argv: readonly string[]): { flags: Record<string, unknown>; paths: string[] } {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean }> = {}
  for (const name of names)
    options[flagOf(name)] = {
      type: properties[name].type === 'boolean' ? 'boolean' : 'string',
      multiple: properties[name].type === 'array',
    }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    return { flags: Object.fromEntries(names.map((name) => [name, values[flagOf(name)]])), paths: positionals }
  } catch (error) {
    throw new ConfigError(`${messageOf(error).split('. ')[0]}; see wkconnect --help`)
  }
}

/** Without --data: the first folder given, else ./data, else where we are. */
function defaultData(paths: readonly string[]): string {
  const folder = paths.find((path) => existsSync(path) && statSync(path).isDirectory())
  if (folder) return folder
  return existsSync('data') && statSync('data').isDirectory() ? 'data' : '.'
}

const firstSet = (...candidates: (readonly [string, unknown])[]): readonly [string, unknown] =>
  candidates.find(([, value]) => value !== undefined) ?? ['default', undefined]

function convert(name: SettingName, raw: unknown, source: string): unknown {
  const { type, format } = properties[name]
  const where =
    source === 'flag' ? `--${flagOf(name)}` : source === 'environment' ? variableOf(name) : `config.json, ${properties[name].file}`
  if (type === 'array') return Array.isArray(raw) ? raw : String(raw).split(',').filter(Boolean)
  if (format === 'size') return parseSize(String(raw), where)
  if (type === 'integer') {
    const value = Number(raw)
    if (!Number.isInteger(value) || String(raw).trim() === '')
      throw new ConfigError(`${where}: ${JSON.stringify(raw)} is not a whole number`)
    return value
  }
  if (type === 'boolean') {
    if (typeof raw === 'boolean') return raw
    if (!/^(1|0|true|false|yes|no|on|off)$/i.test(String(raw)))
      throw new ConfigError(`${where}: ${JSON.stringify(raw)} is neither true nor false`)
    return /^(1|true|yes|on)$/i.test(String(raw))
  }
  return String(raw)
}

const UNITS: Record<string, number> = { '': 1, b: 1, k: 1024, m: MIB, g: 1024 * MIB, t: 1024 * 1024 * MIB }

/** "512MB", "1GiB", "1073741824": all in powers of 1024. */
function parseSize(text: string, where: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?\s*$/i.exec(text)
  if (!match) throw new ConfigError(`${where}: ${JSON.stringify(text)} is not a size such as 512MB or 2GB`)
  return Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!)
}

function defaultOf(name: SettingName): unknown {
  if (name === 'cache') return Math.min(1024 * MIB, Math.floor((process.constrainedMemory() || totalmem()) / 4), Math.floor(totalmem() / 4))
  return Value.Clone(properties[name].default)
}

/** config.json in the data folder, in webknossos-connect's shape. What it says about the core is for a later version. */
function readConfigFile(data: string): { values: Record<string, unknown>; path: string | undefined; warnings: string[] } {
  const path = join(data, 'config.json')
  if (!existsSync(path)) return { values: {}, path: undefined, warnings: [] }
  const parsed = parseJson(readFileSync(path, 'utf8'))
  if ('error' in parsed) throw new ConfigError(`${path}, ${parsed.error}`)
  const values: Record<string, unknown> = {}
  for (const name of names) {
    const place = properties[name].file
    const value = place
      ?.split('.')
      .reduce<unknown>(
        (at, key) => (typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[key] : undefined),
        parsed.value,
      )
    if (value !== undefined && value !== null) values[name] = value
  }
  return { values, path, warnings: [] }
}

/** Where the list of datasets is: from the working directory, then beside and above the data folder; else where it would be. */
export function findDatasetsFile({ data, datasetsPath }: Settings): string {
  const candidates = [resolve(datasetsPath), resolve(data, datasetsPath), resolve(dirname(data), datasetsPath)]
  const usual = join(data, 'datasets.json')
  // the plain default is looked for in the data folder only: a datasets.json where the program was started may be anybody's
  if (datasetsPath === 'datasets.json') return usual
  return candidates.find((path) => existsSync(path)) ?? (existsSync(usual) ? usual : candidates[1]!)
}
