import type { Coordinate, Layer } from './chunked-array.ts'

/** The layer fixed at these coordinates of its additional axes; undefined where it has no such axis or ends before. */
export function layerAt(layer: Layer, coordinates: readonly Coordinate[] | null | undefined): Layer | undefined {
  if (!coordinates || coordinates.length === 0) return layer
  for (const { name, value } of coordinates) {
    const axis = layer.additionalAxes?.find((one) => one.name === name)
    if (!axis || value < axis.bounds[0] || value >= axis.bounds[1]) return undefined
  }
  return layer.at?.(coordinates)
}
