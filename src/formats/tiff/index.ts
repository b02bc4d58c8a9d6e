/** TIFF: files whose pages are slices, channels and smaller copies, or one file per slice. Spec: formats.md 4. */
import type { BrokenLayer, Layer, VoxelSize } from '../../volume/chunked-array.ts'
import { messageOf, Unusable } from '../../volume/errors.ts'
import type { Format } from '../format.ts'
import { looksLikeSegmentation, noLayers, uniqueName } from '../layer.ts'
import { parseConfig } from './config.ts'
import { openFile } from './file.ts'
import { openStack } from './stack.ts'

export const tiff: Format = {
  name: 'tiff',
  async open(store, options, context) {
    const { axes, layers: settings } = parseConfig(options.config)
    const taken = new Set<string>()
    const layers: Layer[] = []
    const broken: BrokenLayer[] = []
    const notes: string[] = []
    let voxelSize: VoxelSize | undefined
    for (const image of options.images ?? []) {
      const category = settings.get(image.name)?.category
      const isSegmentation = category === 'segmentation' || (category === undefined && looksLikeSegmentation(image.name))
      const open = image.slices.length === 1 ? openFile : openStack
      try {
        const opened = await open(image, store, { axes, isSegmentation }, settings, context)
        for (const layer of opened.layers) layers.push({ ...layer, name: uniqueName(layer.name, taken) })
        broken.push(...opened.broken)
        notes.push(...opened.notes.map((note) => `layer ${image.name}: ${note}`))
        if (!voxelSize || voxelSize.source.startsWith('guessed')) voxelSize = opened.voxelSize
      } catch (error) {
        broken.push({ name: image.name, status: messageOf(error), leadsTo: error instanceof Unusable ? error.leadsTo : undefined })
      }
    }
    const known = new Set([...layers, ...broken, ...(options.images ?? [])].map(({ name }) => name))
    for (const name of settings.keys()) if (!known.has(name)) notes.push(`datasets.json speaks of a layer ${name}, which there is not`)
    if (layers.length === 0) throw noLayers(broken, 'it has no TIFF files')
    const configured = options.scale && { nm: options.scale, source: 'datasets.json' }
    return { layers, broken, notes, voxelSize: configured ?? voxelSize! }
  },
}
