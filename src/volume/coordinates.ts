import type { Coordinate, Layer } from './chunked-array.ts'

/**
 * The layer fixed at these coordinates of its additional axes; undefined where they name another axis or lie outside. A layer of three
 * axes is the same everywhere: beside one with time it is shown at every step.
 */
export function layerAt(layer: Layer, coordinates: readonly Coordinate[] | null | undefined): Layer | undefined {
  if (!coordinates?.length || !layer.additionalAxes?.length) return layer
  for (const { name, value } of coordinates) {
    const axis = layer.additionalAxes.find((one) => one.name === name)
    if (!axis || value < axis.bounds[0] || value >= axis.bounds[1]) return undefined
  }
  return layer.at?.(coordinates)
}
