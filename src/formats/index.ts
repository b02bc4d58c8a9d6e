/** The formats there are: name → how to get it. */
import type { Format } from './format.ts'

const formats = new Map<string, () => Promise<Format>>()

/** Throws when the name is taken. */
export function registerFormat(name: Format['name'], load: () => Promise<Format>): void {
  if (formats.has(name)) throw new Error(`format ${name} is registered already`)
  formats.set(name, load)
}

export function loadFormat(name: string): Promise<Format> {
  const load = formats.get(name)
  if (!load) throw new Error(`no format ${name}; there are ${[...formats.keys()].join(', ')}`)
  return load()
}

registerFormat('wkw', async () => (await import('./wkw/index.ts')).wkw)
registerFormat('tiff', async () => (await import('./tiff/index.ts')).tiff)
registerFormat('neuroglancer', async () => (await import('./precomputed/index.ts')).neuroglancer)
registerFormat('boss', async () => (await import('./boss/index.ts')).boss)
