/** An entry of datasets.json whose path is on the network: a TIFF, or the folder of a WKW dataset. */

import { lastNameOf, parseSource, shownPlace } from '../stores/source.ts'
import { messageOf } from '../volume/errors.ts'
import type { DatasetEntry } from './entries.ts'
import { isTiffName } from './folders.ts'
import type { FoundDataset } from './found.ts'
import { stemOf } from './stacks.ts'

/** Nothing is asked for here: whether it is there shows when it is opened, in the background. */
export function remoteEntry(entry: DatasetEntry, path: string): FoundDataset {
  const { organization, name, backend, scale, written } = entry
  const bad = (reason: string): FoundDataset => ({ organization, name, reason, rule: 'datasets.json', fingerprint: reason })
  try {
    const { place } = parseSource(path)
    const shown = shownPlace(place)
    // what identifies it, without what opens it: fingerprints may be shown
    const found = { organization, name, rule: `datasets.json, ${shown}`, fingerprint: Bun.hash(JSON.stringify(entry)).toString(36) }
    const options = { scale, config: written }
    if (backend === 'wkw') return { ...found, descriptor: { format: 'wkw', folder: shown, root: shown, source: path, ...options } }
    const key = lastNameOf(place)
    if (!isTiffName(key)) return bad(`${shown} is not the URL of a .tif file`)
    // the query stays with the folder, and with it goes to every request
    const source = path.replace(/[^/?#]*(?=([?#].*)?$)/, '')
    const images = [{ name: stemOf(key), slices: [{ key, z: 0 }] }]
    return {
      ...found,
      descriptor: { format: 'tiff', folder: shown.slice(0, shown.lastIndexOf('/')), root: shown, source, images, ...options },
    }
  } catch (error) {
    return bad(`its path in datasets.json: ${messageOf(error)}`)
  }
}
