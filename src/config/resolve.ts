/**
 * From argv, environment and config.json to settings. Flag > environment > config.json > default.
 * A flag --foo-bar is WK_FOO_BAR in the environment; empty means unset, lists are separated by commas.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { totalmem } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Value } from '@sinclair/typebox/value'
import { messageOf } from '../volume/errors.ts'
import { ConfigError } from './error.ts'
import { readConfigFile } from './file.ts'
import { fileKeyOf, flagOf, isSecret, names, properties, type SettingName, Settings, variableOf } from './settings.ts'

const MIB = 1024 * 1024

export interface Resolved {
  readonly settings: Settings
  readonly sources: Readonly<Record<SettingName, 'flag' | 'environment' | 'config.json' | 'default'>>
  /** Files and folders given as arguments. */
  readonly paths: readonly string[]
  /** Arguments as they were given. */
  readonly words: readonly string[]
  /** Flags of the command itself, as they were given. */
  readonly own: Readonly<Record<string, string | undefined>>
  readonly configFile: string | undefined
  readonly warnings: readonly string[]
}

export interface ResolveOptions {
  /** Flags with a value that only the command being run knows. */
  readonly ownFlags?: readonly string[]
  /** Arguments are folders and files to serve, the first folder being the data folder. */
  readonly servesArguments?: boolean
}

/** Throws `ConfigError` with the name and the value of what cannot be used. */
export function resolveConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  { ownFlags = [], servesArguments = true }: ResolveOptions = {},
): Resolved {
  const { flags, paths, own } = readFlags(argv, ownFlags)
  const variables = Object.fromEntries(names.map((name) => [name, readVariable(name, environment)]))
  const data = resolve(String(flags['data'] ?? variables['data'] ?? defaultData(servesArguments ? paths : [])))
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
    paths: servesArguments ? paths.map((path) => resolve(path)) : [],
    words: paths,
    own,
    configFile,
    warnings,
  }
}

function readFlags(
  argv: readonly string[],
  ownFlags: readonly string[],
): { flags: Record<string, unknown>; paths: string[]; own: Record<string, string | undefined> } {
  const options: Record<string, { type: 'string' | 'boolean'; multiple?: boolean }> = {}
  for (const name of names)
    options[flagOf(name)] = {
      type: properties[name].type === 'boolean' ? 'boolean' : 'string',
      multiple: properties[name].type === 'array',
    }
  for (const flag of ownFlags) options[flag] ??= { type: 'string' }
  try {
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true })
    const own = Object.fromEntries(ownFlags.map((flag) => [flag, values[flag] as string | undefined]))
    return { flags: Object.fromEntries(names.map((name) => [name, values[flagOf(name)]])), paths: positionals, own }
  } catch (error) {
    throw new ConfigError(`${messageOf(error).split('. ')[0]}; see wkconnect --help`)
  }
}

function readVariable(name: SettingName, environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const variable = variableOf(name)
  const file = isSecret(name) ? environment[`${variable}_FILE`] : undefined
  if (environment[variable] || !file) return environment[variable] || undefined
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new ConfigError(`${variable}_FILE: ${messageOf(error)}`)
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
  const where = source === 'flag' ? `--${flagOf(name)}` : source === 'environment' ? variableOf(name) : `config.json, ${fileKeyOf(name)}`
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

/** Where the list of datasets is: from the working directory, then beside and above the data folder; else where it would be. */
export function findDatasetsFile({ data, datasetsPath }: Settings): string {
  const candidates = [resolve(datasetsPath), resolve(data, datasetsPath), resolve(dirname(data), datasetsPath)]
  const usual = join(data, 'datasets.json')
  // the plain default is looked for in the data folder only: a datasets.json where the program was started may be anybody's
  if (datasetsPath === 'datasets.json') return usual
  return candidates.find((path) => existsSync(path)) ?? (existsSync(usual) ? usual : candidates[1]!)
}

/** Whether only this machine can reach it. */
export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))

/** The host part of a URL under which this machine reaches a server that listens on `host`: all addresses are none to go to. */
export function reachableHost(host: string): string {
  if (isAllAddresses(host)) return host === '0.0.0.0' ? '127.0.0.1' : '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

export const isAllAddresses = (host: string): boolean => host === '0.0.0.0' || (isIP(host) === 6 && /^[0:]*$/.test(host))
