/** The datasets a core knows, by its rules for reports (protocol.md 1.2). */
import { randomBytes } from 'node:crypto'

export interface Row {
  readonly id: string
  readonly organization: string
  readonly name: string
  dataStore: string
  dataSource: Record<string, unknown>
  isUsable: boolean
  isPublic: boolean
  allowedTeams: string[]
}

export const NOT_REPORTED = 'No longer available on datastore.'

export class Rows {
  readonly #rows = new Map<string, Row>()
  readonly organizations: Set<string>

  constructor(organizations: readonly string[]) {
    this.organizations = new Set(organizations)
  }

  all(): Row[] {
    return [...this.#rows.values()]
  }

  byName(organization: string, name: string): Row | undefined {
    return this.#rows.get(JSON.stringify([organization, name]))
  }

  byId(id: string): Row | undefined {
    return this.all().find((row) => row.id === id)
  }

  remove({ organization, name }: Row): void {
    this.#rows.delete(JSON.stringify([organization, name]))
  }

  add(dataSource: Record<string, unknown>, dataStore: string): Row {
    const { team: organization, name } = dataSource['id'] as { team: string; name: string }
    const row: Row = {
      id: randomBytes(12).toString('hex'),
      organization,
      name,
      dataStore,
      dataSource,
      isUsable: typeof dataSource['status'] !== 'string',
      isPublic: false,
      allowedTeams: [],
    }
    this.#rows.set(JSON.stringify([organization, name]), row)
    return row
  }

  /** Takes one report; the row, where one that was there has changed. */
  take(dataSource: Record<string, unknown>, dataStore: string): Row | undefined {
    const { team, name } = dataSource['id'] as { team: string; name: string }
    if (!this.organizations.has(team)) return undefined
    const row = this.byName(team, name)
    if (!row) {
      this.add(dataSource, dataStore)
      return undefined
    }
    if (row.dataStore !== dataStore && row.dataSource['status'] !== NOT_REPORTED) return undefined
    if (row.dataStore === dataStore && Bun.deepEquals(row.dataSource, dataSource)) return undefined
    Object.assign(row, { dataSource, dataStore, isUsable: typeof dataSource['status'] !== 'string' })
    return row
  }

  /** What a report of everything does not have is no longer there. */
  deactivateOthers(reported: readonly Record<string, unknown>[], dataStore: string): void {
    const names = new Set(reported.map(({ id }) => JSON.stringify([(id as { team: string }).team, (id as { name: string }).name])))
    for (const [key, row] of this.#rows) {
      if (row.dataStore !== dataStore || names.has(key)) continue
      row.isUsable = false
      row.dataSource = { id: row.dataSource['id'], status: NOT_REPORTED }
    }
  }
}
