import { createHash } from 'node:crypto'
import type { Format, ImageLayer } from '../formats/format.ts'
import { isRemoteSource } from '../stores/source.ts'
import type { Vec3 } from '../volume/vec.ts'

export type Status = 'opening' | 'ok' | 'unusable'

/** From which any thread can open the dataset. Plain data. */
export interface Descriptor {
  readonly format: Format['name']
  /** Absolute path of the folder the store begins at, or the URL, without secrets. */
  readonly folder: string
  /** The URL as it was written, with user, password and query: never logged, never answered. */
  readonly source?: string | undefined
  /** The folder its files may lie in, links followed. */
  readonly root: string
  /** More folders that the owner named in datasets.json, links followed: they may be read, too. */
  readonly roots?: readonly string[] | undefined
  readonly images?: readonly ImageLayer[] | undefined
  readonly scale?: Vec3 | undefined
  /** The entry in datasets.json, `${ENV}` replaced. May hold secrets: never logged, never answered. */
  readonly config?: Readonly<Record<string, unknown>> | undefined
  /** A stranger named it: it may reach only what strangers may, and uses no credentials of this machine. */
  readonly addedOverHttp?: true | undefined
}

/** Whether opening it depends on somebody else's machine. */
export const isRemote = ({ folder, source, config }: Descriptor): boolean => isRemoteSource(source ?? folder) || namesRemote(config)

/** Whether a remote source stands anywhere in a value of JSON. */
export const namesRemote = (value: unknown): boolean =>
  typeof value === 'string' ? isRemoteSource(value) : typeof value === 'object' && value !== null && Object.values(value).some(namesRemote)

/** A dataset that discovery or datasets.json knows of; without a descriptor it cannot be opened, and `reason` says why. */
export interface FoundDataset {
  readonly organization: string
  readonly name: string
  readonly descriptor?: Descriptor | undefined
  readonly reason?: string | undefined
  /** Where it leads, when that is what forbids it. */
  readonly leadsTo?: string | undefined
  /** Its place could not be read just now: what was known of it still holds. */
  readonly lost?: true
  /** Which rule made it a dataset; for the summary. */
  readonly rule: string
  /** Changes when its files do. */
  readonly fingerprint: string
}

export const keyOf = (organization: string, name: string): string => `${organization}/${name}`

/** The id a dataset has without a core: the first 24 hex digits of SHA-256 of `organization/name`. */
export const idOf = (organization: string, name: string): string =>
  createHash('sha256').update(keyOf(organization, name)).digest('hex').slice(0, 24)
