/** What core is asked about a user's rights, in the words of its era (protocol.md 1.3). */
import type { DatasetName } from './ids.ts'
import { type CoreVersion, knowsIds } from './version.ts'

/** A right on one dataset: its name for older cores, its id for today's. */
export interface DatasetQuestion {
  readonly mode: 'read' | 'write'
  readonly id?: string | undefined
  readonly name?: DatasetName | undefined
}

/** Whether somebody administrates an organization, their own where none is named. */
export interface OrganizationQuestion {
  readonly mode: 'administrate'
  readonly organization?: string | undefined
}

/** Whether it is core itself that asks. */
export interface CoreQuestion {
  readonly mode: 'core'
}

export type Question = DatasetQuestion | OrganizationQuestion | CoreQuestion

/** An id nobody has: core denies it in its own words. */
export const NO_ID = '000000000000000000000000'

export function questionBody(question: Question, version: CoreVersion): string {
  return JSON.stringify(knowsIds(version) ? byId(question) : byName(question))
}

function byId(question: Question) {
  if (question.mode === 'core') return { resourceId: 'webknossos', resourceType: 'webknossos', mode: 'administrate' }
  const { mode } = question
  if (mode !== 'administrate') return { resourceId: question.id ?? NO_ID, resourceType: 'dataset', mode }
  const { organization } = question
  return { ...(organization === undefined ? {} : { resourceId: organization }), resourceType: 'dataset', mode }
}

function byName(question: Question) {
  const nothing = { team: '', name: '' }
  if (question.mode === 'core') return { resourceId: nothing, resourceType: 'webknossos', mode: 'administrate' }
  const { mode } = question
  if (mode === 'administrate') return { resourceId: nothing, resourceType: 'datasource', mode }
  const { organization: team = '', name = '' } = question.name ?? {}
  return { resourceId: { team, name }, resourceType: 'datasource', mode }
}
