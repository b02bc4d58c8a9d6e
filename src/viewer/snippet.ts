import { boxAt, intersect, sizeOf, toMag } from '../volume/box.ts'
import type { Layer } from '../volume/chunked-array.ts'
import { add, magLiteral, multiply, type Vec3 } from '../volume/vec.ts'

/** Voxels of the finest mag, enough to see something and few enough to come at once. */
const MOST: Vec3 = [256, 256, 32]

/** Three lines of Python with nothing but NumPy that read the middle of a layer as an array indexed [x, y, z]. */
export function pythonSnippet(origin: string, id: string, layer: Layer): string {
  const { factor } = layer.mags[0]!
  const box = toMag(layer.boundingBox, factor)
  const whole = sizeOf(box)
  const start: Vec3 = add(box.min, [0, 1, 2].map((d) => Math.max(0, (whole[d]! - MOST[d]!) >> 1)) as [number, number, number])
  const size = sizeOf(intersect(box, boxAt(start, MOST)))
  const [x, y, z] = multiply(start, factor)
  const [width, height, depth] = size
  const query = `x=${x}&y=${y}&z=${z}&width=${width}&height=${height}&depth=${depth}&mag=${magLiteral(factor)}`
  const url = `${origin}/data/datasets/${id}/layers/${encodeURIComponent(layer.name)}/data?${query}`
  const shape = layer.channels === 1 ? size : [layer.channels, ...size]
  return [
    'import numpy as np, urllib.request',
    `data = urllib.request.urlopen("${url}").read()`,
    `voxels = np.frombuffer(data, np.${layer.dataType}).reshape((${shape.join(', ')}), order="F")`,
  ].join('\n')
}
