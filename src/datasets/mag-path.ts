/**
 * The path of a mag in a data source that webKnossos keeps for us (a virtual dataset, protocol.md 9.3). WKW folders and scales of
 * Precomputed have one that other datastores read, too. What only this server can read is `ADDRESS#LAYER/x-y-z`: a mag of what is found
 * when the address is opened.
 */
import type { Layer, Mag } from '../volume/chunked-array.ts'
import { magLiteral, parseMag, type Vec3 } from '../volume/vec.ts'

export const PRECOMPUTED = 'neuroglancerPrecomputed'

export interface AddressedMag {
  readonly address: string
  /** The layer and mag there; by its own path where that says it all. */
  readonly pick: { readonly layer: string; readonly factor: Vec3 } | { readonly path: string }
}

const OURS = /^(.+)#([^#/]+)\/(\d+-\d+-\d+)$/s

/** `layer`, `mag`: as they were found at `address`. */
export function pathOf(address: string, { name }: Layer, { place, channel, isComputed, factor }: Mag): string {
  if (place && channel === undefined && !isComputed) return place.uri
  return `${address}#${encodeURIComponent(name)}/${magLiteral(factor)}`
}

/** Undefined for what is no such path, and not that of a scale of Precomputed. */
export function parseMagPath(path: string, dataFormat: string | undefined): AddressedMag | undefined {
  const [, address, layer, mag] = OURS.exec(path) ?? []
  const factor = mag === undefined ? undefined : parseMag(mag)
  if (address !== undefined && layer !== undefined && factor) return { address, pick: { layer: decode(layer), factor } }
  if (dataFormat !== PRECOMPUTED) return undefined
  const folder = path.replace(/\/+$/, '').replace(/\/[^/]*$/, '')
  return { address: /^precomputed:/i.test(folder) ? folder : `precomputed://${folder}`, pick: { path: path.replace(/\/+$/, '') } }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
