/**
 * The layers of a neuroglancer link: everything after `#!` is its state, as JSON or in neuroglancer's URL-safe spelling of it, where `'`
 * stands for `"` and `_` for `,` (neuroglancer, src/util/json.ts: urlSafeParse).
 */
import { Unusable } from '../volume/errors.ts'

export interface LinkLayer {
  readonly name: string
  /** `image`, `segmentation`, …, as the link has it. */
  readonly type: string | undefined
  /** In the order of the link; most layers have one. */
  readonly sources: readonly string[]
}

export interface NeuroglancerLink {
  readonly layers: readonly LinkLayer[]
}

const MAX_LINK = 1024 * 1024

export const isNeuroglancerLink = (text: string): boolean => /^https?:\/\/[^#]*#!/.test(text)

/** Throws `Unusable` where the link holds no layers that can be read from it. */
export function parseNeuroglancerLink(text: string): NeuroglancerLink {
  const at = text.indexOf('#!')
  if (at < 0) throw new Unusable('a neuroglancer link has its state after #!, this has none')
  if (text.length > MAX_LINK) throw new Unusable(`a neuroglancer link of ${text.length} characters; at most ${MAX_LINK} are read`)
  const written = decode(text.slice(at + 2))
  if (!written.trimStart().startsWith('{'))
    throw new Unusable('the link leads to a state kept on a server; open it and copy the link with the whole state from the {} menu')
  const state = parseState(written)
  const { layers } = state
  const listed: [string, unknown][] = Array.isArray(layers)
    ? layers.map((layer, n) => [nameOf(layer) ?? `layer ${n + 1}`, layer])
    : isRecord(layers)
      ? Object.entries(layers)
      : []
  const found = listed.map(([name, layer]) => layerOf(name, layer)).filter(({ sources }) => sources.length > 0)
  if (found.length === 0) throw new Unusable('the neuroglancer link has no layers with a source')
  return { layers: found }
}

function layerOf(name: string, layer: unknown): LinkLayer {
  // the oldest links have the source itself in place of the layer
  if (typeof layer === 'string') return { name, type: undefined, sources: [layer] }
  if (!isRecord(layer)) return { name, type: undefined, sources: [] }
  const source = layer['source']
  const sources = (Array.isArray(source) ? source : [source]).map((one) => (isRecord(one) ? one['url'] : one))
  return {
    name,
    type: typeof layer['type'] === 'string' ? layer['type'] : undefined,
    sources: sources.filter((one): one is string => typeof one === 'string' && one !== '' && !one.startsWith('local://')),
  }
}

function parseState(written: string): Record<string, unknown> {
  for (const text of [written, fromUrlSafe(written)]) {
    try {
      const state: unknown = JSON.parse(text)
      if (isRecord(state)) return state
    } catch {
      // the other spelling
    }
  }
  throw new Unusable('what follows #! in the link is not the state of a neuroglancer')
}

/** Quotes change places, and outside of strings `_` is a comma. */
function fromUrlSafe(text: string): string {
  let out = ''
  let isInString = false
  for (let n = 0; n < text.length; n++) {
    const letter = text[n]!
    if (letter === '\\' && isInString) {
      const next = text[++n] ?? ''
      out += next === "'" ? "'" : `\\${next}`
    } else if (letter === "'") {
      isInString = !isInString
      out += '"'
    } else if (letter === '"' && isInString) out += '\\"'
    else out += letter === '_' && !isInString ? ',' : letter
  }
  return out
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Unusable('the link is cut off or damaged: it holds a % that begins no character')
  }
}

const nameOf = (layer: unknown): string | undefined => (isRecord(layer) && typeof layer['name'] === 'string' ? layer['name'] : undefined)

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
