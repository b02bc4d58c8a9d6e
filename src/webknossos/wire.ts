/** A data source as core takes it (protocol.md 1.2, 4.3). */
import type { DatasetName } from './ids.ts'
import { type CoreVersion, knowsEnvelopes } from './version.ts'

/** A dataset to be reported; the JSON is a data source or `{id, status}`. */
export interface Report extends DatasetName {
  readonly dataSource: Readonly<Record<string, unknown>>
}

/** Core cuts longer ones. */
const MAX_STATUS = 1024

export const keyOf = ({ organization, name }: DatasetName): string => `${organization}/${name}`

/**
 * The text to send. Only what cannot be shown has a `status`, whatever its files say: core takes anything that has one for unusable.
 * Ids beyond 2^53 are envelopes for a core that knows them and the largest exact number for others.
 */
export function reportText({ dataSource }: Report, version: CoreVersion): string {
  const { id, status, ...rest } = dataSource
  if (isUnusable(dataSource)) return JSON.stringify({ id, status: String(status).slice(0, MAX_STATUS) })
  return JSON.stringify({ id, ...rest }, (_, value) => (typeof value === 'bigint' ? largeId(value, version) : value))
}

export const isUnusable = (dataSource: Report['dataSource']): boolean => !Array.isArray(dataSource['dataLayers'])

function largeId(value: bigint, version: CoreVersion): unknown {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  return knowsEnvelopes(version) ? { customJsonEncoding: 'bigint', value: String(value) } : Number.MAX_SAFE_INTEGER
}

/** The body of a bulk report: wrapped as today's core has it, or the plain array before. */
export const bulkText = (texts: Iterable<string>, isWrapped: boolean): string =>
  `[${[...texts].map((text) => (isWrapped ? `{"dataSource":${text}}` : text)).join(',')}]`
