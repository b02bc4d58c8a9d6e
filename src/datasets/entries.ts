/**
 * datasets.json as webknossos-connect has it: `{backend: {organization: {dataset: config}}}`. What the owner wrote there is trusted:
 * a path may lead anywhere. `${ENV}` and `$ENV` are expanded when it is read.
 */
import { readFile } from 'node:fs/promises'
import { type Static, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { codeOf } from '../stores/errors.ts'
import { messageOf } from '../volume/errors.ts'
import type { Vec3 } from '../volume/vec.ts'
import { parseJson } from './json-position.ts'

export interface DatasetEntry {
  readonly backend: 'wkw' | 'tiff' | 'neuroglancer' | 'boss'
  readonly organization: string
  readonly name: string
  readonly path?: string | undefined
  readonly scale?: Vec3 | undefined
  /** For a path on the network; whatever `readCredentials` knows. */
  readonly credentials?: unknown
  readonly addedOverHttp?: true | undefined
  /** Of neuroglancer: layers, and the credentials for all of them. */
  readonly config?: RemoteConfig | undefined
  /** All of it as it stands there, for the format. */
  readonly written: Readonly<Record<string, unknown>>
  /** Of boss: the entry as it is, `${ENV}` replaced. Holds secrets. */
  readonly boss?: BossConfig | undefined
}

export type BossConfig = Readonly<Record<string, unknown>> & {
  readonly domain?: string
  readonly collection?: string
  readonly experiment?: string
}

/** A layer's source as it is written: a URL, or a path relative to the data folder. */
export type RemoteConfig = {
  readonly layers?: Readonly<Record<string, { readonly source: string; readonly type?: string | undefined }>>
  readonly credentials?: unknown
}

/**
 * The key that marks an entry of a stranger: its URLs are looked at before they are followed, it uses no credentials of this machine, and
 * its `$NAMES` stay as they are.
 */
export const ADDED_OVER_HTTP = 'addedOverHttp'

export interface UnusableEntry {
  readonly organization: string
  readonly name: string
  readonly reason: string
}

export interface Entries {
  readonly usable: readonly DatasetEntry[]
  readonly unusable: readonly UnusableEntry[]
}

export type EntriesFile = { readonly json: Readonly<Record<string, unknown>> } | { readonly problem: string } | undefined

const Edge = Type.Number({ exclusiveMinimum: 0 })
const LocalConfig = Type.Object(
  {
    path: Type.Optional(Type.String({ minLength: 1 })),
    scale: Type.Optional(Type.Union([Type.Tuple([Edge, Edge]), Type.Tuple([Edge, Edge, Edge])])),
    credentials: Type.Optional(Type.Unknown()),
  },
  { additionalProperties: true },
)

const Text = Type.String({ minLength: 1 })
const NeuroglancerConfig = Type.Composite([
  LocalConfig,
  Type.Object(
    {
      layers: Type.Optional(
        Type.Record(Type.String(), Type.Object({ source: Text, type: Type.Optional(Text) }, { additionalProperties: true }), {
          minProperties: 1,
        }),
      ),
      credentials: Type.Optional(Type.Unknown()),
    },
    { additionalProperties: true },
  ),
])

/** The rest is looked at when it is opened. */
const BossEntry = Type.Composite([
  LocalConfig,
  Type.Object(
    { domain: Type.Optional(Text), collection: Type.Optional(Text), experiment: Type.Optional(Text) },
    { additionalProperties: true },
  ),
])

const SCHEMAS = { wkw: LocalConfig, tiff: LocalConfig, neuroglancer: NeuroglancerConfig, boss: BossEntry }
const isBackend = (word: string): word is DatasetEntry['backend'] => Object.hasOwn(SCHEMAS, word)

/** Reads the file; undefined where there is none, a problem with line and column where it is broken. Never throws. */
export async function readEntries(path: string): Promise<EntriesFile> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? undefined : { problem: `${path} cannot be read: ${messageOf(error)}` }
  }
  const parsed = parseJson(text)
  if ('error' in parsed) return { problem: `${path}, ${parsed.error}` }
  if (!isRecord(parsed.value)) return { problem: `${path} is not an object of backends` }
  return { json: parsed.value }
}

/** Several files as one: of the same dataset in the same backend later keys win. */
export function mergeFiles(files: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const merge = (a: unknown, b: unknown, depth: number): unknown => {
    // keys of the owner's, such as credentials, are not lent to what a stranger wrote
    if (depth === 0 || !isRecord(a) || !isRecord(b) || b[ADDED_OVER_HTTP] === true) return b
    return {
      ...a,
      ...Object.fromEntries(Object.entries(b).map(([key, value]) => [key, key in a ? merge(a[key], value, depth - 1) : value])),
    }
  }
  return files.reduce<Record<string, unknown>>((all, file) => merge(all, file, 4) as Record<string, unknown>, {})
}

/** Entries by what can be done with them; anything that is no entry is passed over, for it may belong to somebody else. */
export function sortEntries(
  written: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>> = {},
): Entries {
  const usable: DatasetEntry[] = []
  const unusable: UnusableEntry[] = []
  for (const [backend, organizations] of Object.entries(written)) {
    if (!isBackend(backend) || !isRecord(organizations)) continue
    const schema = SCHEMAS[backend]
    for (const [organization, datasets] of Object.entries(organizations)) {
      if (!isRecord(datasets)) continue
      for (const [name, raw] of Object.entries(datasets)) {
        const addedOverHttp = isRecord(raw) && raw[ADDED_OVER_HTTP] === true ? (true as const) : undefined
        const config = addedOverHttp ? raw : expand(raw, environment)
        const place = { organization, name, ...(addedOverHttp && { addedOverHttp }) }
        if (!Value.Check(schema, config)) {
          const problem = Value.Errors(schema, config).First()
          unusable.push({ organization, name, reason: `its entry in datasets.json: ${problem?.path || 'it'}: ${problem?.message}` })
        } else {
          const { path, scale } = config
          // two numbers are x and y of a plane; z = 1, as in webknossos-connect
          const nm: Vec3 | undefined = scale && [scale[0], scale[1], scale[2] ?? 1]
          const local = {
            ...place,
            backend,
            path,
            scale: nm,
            credentials: config.credentials,
            written: config,
          }
          if (backend === 'boss') usable.push({ ...local, boss: withoutOwn(config) })
          else if (backend !== 'neuroglancer') usable.push(local)
          else {
            const { layers, credentials } = config as Static<typeof NeuroglancerConfig>
            usable.push({ ...local, config: { ...(layers && { layers }), ...(credentials !== undefined && { credentials }) } })
          }
        }
      }
    }
  }
  return { usable, unusable }
}

/** What the backend itself has to know of an entry. */
const withoutOwn = ({ path: _, scale: __, credentials: ___, [ADDED_OVER_HTTP]: ____, ...config }: Record<string, unknown>): BossConfig =>
  config

function expand(value: unknown, environment: Readonly<Record<string, string | undefined>>): unknown {
  if (typeof value === 'string') {
    return value.replace(
      /\$\{(\w+)\}|\$(\w+)/g,
      (whole, braced: string | undefined, plain: string | undefined) => environment[braced ?? plain ?? ''] ?? whole,
    )
  }
  if (Array.isArray(value)) return value.map((item) => expand(item, environment))
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, expand(item, environment)]))
  return value
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
