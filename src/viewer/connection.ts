/** What the page says about webKnossos: how the connection is, and of each dataset whether it arrived there. */
import type { CoreState } from '../webknossos/connection.ts'
import { escapeHtml as text } from './parts.ts'

export function renderConnection({ core, datastore, state, problem, api, missing }: CoreState): string {
  const place = `webKnossos ${text(core)}`
  const words = {
    connecting: `Connecting to ${place} …`,
    connected: `Connected to ${place} as datastore <b>${text(datastore)}</b>${api ? `, API version ${api}` : ''}${missing.size > 0 ? ` · ${missing.size} dataset${missing.size === 1 ? '' : 's'} did not arrive there` : ''}`,
    unreachable: `${place} does not answer (it ${text(problem ?? 'is away')}). It is tried again; datasets are reported when it is back.`,
    refused: `${place} refuses the name or the key of this datastore (<b>${text(datastore)}</b>). <code>wkconnect doctor</code> finds out which is wrong.`,
  }
  return `<p class="connection ${state === 'connected' || state === 'connecting' ? 'good' : 'bad'}">${words[state]}</p>`
}

/** `key`: organization/dataset. */
export function renderArrival({ missing, arrived }: CoreState, key: string): string {
  const why = missing.get(key)
  if (why !== undefined) return `<p class="missing">Not in webKnossos: ${text(why)}</p>`
  return arrived.has(key) ? '<p class="arrived">in webKnossos</p>' : ''
}
