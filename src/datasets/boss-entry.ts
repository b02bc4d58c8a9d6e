/** An entry of datasets.json for the boss backend: an experiment of a BossDB, or channels of it. */
import { apiOf, isBossSource, PUBLIC_DOMAIN, parseBossSource } from '../formats/boss/address.ts'
import { messageOf } from '../volume/errors.ts'
import type { DatasetEntry } from './entries.ts'
import type { FoundDataset } from './found.ts'

/** Nothing is asked for here: whether it is there shows when it is opened, in the background. */
export function bossEntry(entry: DatasetEntry): FoundDataset {
  const { organization, name, scale, path } = entry
  // hashed: token and password are part of it
  const fingerprint = `boss ${Bun.hash(JSON.stringify(entry)).toString(36)}`
  try {
    const config = { ...(path !== undefined && configOfSource(path)), ...entry.boss }
    const { domain = PUBLIC_DOMAIN, collection, experiment } = config
    if (!collection || !experiment) throw new Error('it needs collection and experiment, or a path such as bossdb://COLLECTION/EXPERIMENT')
    const folder = apiOf(domain).href.replace(/\/$/, '')
    const rule = `datasets.json, ${collection}/${experiment} at ${folder}`
    return { organization, name, rule, fingerprint, descriptor: { format: 'boss', folder, root: folder, scale, config } }
  } catch (error) {
    const reason = `its entry in datasets.json: ${messageOf(error)}`
    return { organization, name, reason, rule: 'datasets.json', fingerprint: reason }
  }
}

function configOfSource(path: string): NonNullable<DatasetEntry['boss']> {
  if (!isBossSource(path)) throw new Error('its path is no boss:// source')
  const { domain, collection, experiment, channel } = parseBossSource(path)
  return { domain, collection, experiment, ...(channel && { channels: [channel] }) }
}
