/** What the catalogue knows of one dataset, and what a look at the folders finds. */
import type { Dataset } from '../volume/chunked-array.ts'
import type { FoundDataset, Status } from './found.ts'
import type { Override, Overrides } from './overrides.ts'

export interface CatalogueEntry {
  /** 24 hex digits: core's id where core has told one, else our own. */
  id: string
  readonly organization: string
  readonly name: string
  readonly found: FoundDataset
  /** organization/dataset@version: the beginning of all its cache keys. */
  readonly versionedId: string
  status: Status
  reason?: string
  leadsTo?: string | undefined
  dataset?: Dataset
  /** What somebody changed about its description. */
  override?: Override | undefined
  /** Settles, and never rejects, when it is open or known to be unusable. */
  readonly opened: Promise<void>
  /** It lies on another machine: opening it may take long, and is tried again. */
  readonly isRemote: boolean
}

export interface Look {
  readonly datasets: readonly FoundDataset[]
  /** Every list and folder could be read: what is not in `datasets` is not there. */
  readonly isComplete: boolean
  readonly overrides: Overrides
  /** For the summary. */
  readonly notes: readonly string[]
  readonly refused: readonly { readonly path: string; readonly target: string }[]
}
