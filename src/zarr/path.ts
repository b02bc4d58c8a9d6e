/** What a path below `/zarr` and the routes beside it means. Pure: whether it is there is for others to say. */

export interface ZarrPath {
  /** An id alone, or organization and name. */
  readonly first: string
  readonly second?: string
  /** Whose `labels` the path leads through; with no layer it is those that are meant. */
  readonly image?: string | undefined
  readonly layer?: string | undefined
  /** As written: `2`, `2-2-1`. */
  readonly mag?: string | undefined
  /** A document or chunk in the dataset, layer or mag; undefined is the listing. */
  readonly file?: string | undefined
}

const DATASET_FILES = ['datasource-properties.json', '.zgroup']
const LAYER_FILES = ['.zattrs', '.zgroup', 'zarr.json']
export const LABELS = 'labels'

/**
 * The dataset by its id, which is always 24 hex digits, or by organization and name; below it layer, mag and file. A slash at the
 * end is a listing's. `hasLabels`: a layer may be reached through an image, as `image/labels/layer`. Undefined for what leads nowhere: too
 * short, too deep, empty parts, wrong percent-encoding.
 */
export function parseZarrPath(path: string, hasLabels: boolean): ZarrPath | undefined {
  const parts: string[] = []
  for (const part of path.split('/')) {
    const decoded = part.includes('%') ? decode(part) : part
    if (decoded === undefined) return undefined
    parts.push(decoded)
  }
  const isFolder = parts.length > 1 && parts.at(-1) === ''
  if (isFolder) parts.pop()
  const byId = /^[0-9a-f]{24}$/i.test(parts[0]!)
  const all = parts.slice(byId ? 1 : 2)
  const image = hasLabels && all[1] === LABELS ? all[0] : undefined
  const below = image === undefined ? all : all.slice(2)
  const dataset = { first: parts[0]!, ...(!byId && { second: parts[1] ?? '' }), ...(image !== undefined && { image }) }
  if (parts.includes('') || (!byId && parts.length < 2) || below.length > 3 || (isFolder && below.length > 2)) return undefined
  const [layer, mag, file] = below
  if (file !== undefined) return { ...dataset, layer, mag, file }
  if (mag !== undefined) return !isFolder && LAYER_FILES.includes(mag) ? { ...dataset, layer, file: mag } : { ...dataset, layer, mag }
  const files = image === undefined ? DATASET_FILES : LAYER_FILES
  if (layer !== undefined) return !isFolder && files.includes(layer) ? { ...dataset, file: layer } : { ...dataset, layer }
  return dataset
}

function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part)
  } catch {
    return undefined
  }
}
